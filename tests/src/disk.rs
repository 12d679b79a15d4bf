//! A disk that knows what it may forget: calls come in, and it keeps apart what is safe from what is only in the cache.
//! Out: what a power cut may leave of it. Never: a promise that no fsync made; a folder's fsync alone makes names safe.

mod call;
mod cut;
mod image;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};

pub use call::Call;
pub use cut::{Keep, Way};
pub use image::{Image, concerns};

type Node = usize;

pub struct Disk {
    root: PathBuf,
    nodes: Vec<Kind>,
    descriptors: BTreeMap<u32, Descriptor>,
    syncs: BTreeMap<u32, (Node, u64)>,
    /// Numbers changes, so that a sync says which came before it.
    clock: u64,
}

enum Kind {
    File(File),
    Folder(Folder),
}

#[derive(Default)]
struct File {
    safe: Arc<Vec<u8>>,
    unsafe_changes: Vec<(u64, Change)>,
    length: u64,
}

/// A change of a file that no sync has made safe.
pub enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    Resize(u64),
}

#[derive(Default)]
struct Folder {
    cached: BTreeMap<OsString, Node>,
    safe: BTreeMap<OsString, Node>,
    unsafe_changes: Vec<(u64, Naming)>,
}

#[derive(Clone)]
enum Naming {
    Put(OsString, Node),
    Remove(OsString),
    Move(OsString, OsString),
}

#[derive(Clone, Copy)]
struct Descriptor {
    node: Node,
    appends: bool,
    position: u64,
}

impl Disk {
    pub fn new(root: &Path) -> Disk {
        Disk {
            root: root.into(),
            nodes: vec![Kind::Folder(Folder::default())],
            descriptors: BTreeMap::new(),
            syncs: BTreeMap::new(),
            clock: 0,
        }
    }

    /// A killed process has no descriptors; its cache lives on. What calls did that were `cut_short`, nobody saw: it is taken from
    /// what the process really left `below`. Where more than that differs, a call was not seen.
    pub fn process_ends(&mut self, below: &Path, left: &Image, cut_short: usize) -> Result<()> {
        self.descriptors.clear();
        self.syncs.clear();
        let (here, _) = self.cut(&[below.into()], &mut Keep::new(Way::Kept, 0));
        let paths: BTreeSet<&PathBuf> = left.files.keys().chain(here.files.keys()).collect();
        let differ = paths
            .into_iter()
            .filter(|path| left.files.get(*path) != here.files.get(*path));
        let differ: Vec<&PathBuf> = differ.collect();
        ensure!(
            differ.len() <= cut_short,
            "the recorded calls made something else of {differ:?}, and only {cut_short} calls were cut short"
        );
        for path in differ {
            let before = here.files.get(path).map_or(&[][..], |bytes| bytes);
            let name = self.root.join(path);
            match left.files.get(path) {
                Some(after) => self.becomes(&name, before, after)?,
                None => _ = self.apply(Call::Remove(name), None),
            }
        }
        Ok(())
    }

    /// One write, of no more than what differs.
    fn becomes(&mut self, path: &Path, before: &[u8], after: &[u8]) -> Result<()> {
        self.clock += 1;
        let node = match self.find(path) {
            Some(node) => node,
            None => self
                .put(path, Kind::File(File::default()))
                .with_context(|| format!("no folder for {}", path.display()))?,
        };
        if after.len() < before.len() {
            self.change(node, Change::Resize(after.len() as u64));
        }
        let same = |(one, other): &(&u8, &u8)| one == other;
        let start = before.iter().zip(after).take_while(same).count();
        let bytes = after[start..].to_vec();
        let offset = start as u64;
        self.change(node, Change::Write { offset, bytes });
        Ok(())
    }

    /// Applies a call; returns the path that it changed, or made safe. A sync of a file whose name ends in `lie` does nothing.
    pub fn apply(&mut self, call: Call, lie: Option<&str>) -> Option<PathBuf> {
        self.clock += 1;
        match call {
            Call::Open { .. } => self.open(call),
            Call::Write { fd, offset, bytes } => self.write(fd, offset, bytes),
            Call::Resize { fd, length } => {
                let node = self.descriptors.get(&fd)?.node;
                self.change(node, Change::Resize(length));
                self.path_of(node)
            }
            Call::SyncBegins { thread, fd, path } => {
                let node = self.descriptors.get(&fd).map(|open| open.node);
                let node = node.or_else(|| self.find(&path))?;
                self.syncs.insert(thread, (node, self.clock));
                None
            }
            Call::SyncEnds { thread } => {
                let (node, before) = self.syncs.remove(&thread)?;
                let path = self.path_of(node);
                let name = path.as_ref().map(|path| path.to_string_lossy());
                let lies = name.zip(lie).is_some_and(|(name, lie)| name.ends_with(lie));
                if !lies {
                    self.nodes[node].sync(before);
                }
                path
            }
            Call::Rename { from, to } => self.rename(&from, &to),
            Call::Remove(path) => {
                let name = path.file_name()?.to_owned();
                self.name(path.parent()?, Naming::Remove(name))
            }
            Call::MakeFolder(path) => {
                self.put(&path, Kind::Folder(Folder::default()))?;
                Some(path)
            }
            Call::Close { fd } => {
                self.descriptors.remove(&fd);
                None
            }
        }
    }

    fn open(&mut self, call: Call) -> Option<PathBuf> {
        let Call::Open {
            fd,
            path,
            made,
            emptied,
            appends,
        } = call
        else {
            return None;
        };
        let there = self.find(&path);
        let node = match there {
            Some(node) => node,
            None if made => self.put(&path, Kind::File(File::default()))?,
            None => return None,
        };
        let position = 0;
        let descriptor = Descriptor {
            node,
            appends,
            position,
        };
        self.descriptors.insert(fd, descriptor);
        let empties = emptied && self.length(node) > 0;
        if empties {
            self.change(node, Change::Resize(0));
        }
        (there.is_none() || empties).then_some(path)
    }

    fn write(&mut self, fd: u32, offset: Option<u64>, bytes: Vec<u8>) -> Option<PathBuf> {
        let open = *self.descriptors.get(&fd)?;
        let at = match offset {
            Some(offset) => offset,
            None if open.appends => self.length(open.node),
            None => open.position,
        };
        if offset.is_none() {
            let position = at + bytes.len() as u64;
            self.descriptors.insert(fd, Descriptor { position, ..open });
        }
        self.change(open.node, Change::Write { offset: at, bytes });
        self.path_of(open.node)
    }

    fn change(&mut self, node: Node, change: Change) {
        let Kind::File(file) = &mut self.nodes[node] else {
            return;
        };
        file.length = match &change {
            Change::Write { offset, bytes } => file.length.max(offset + bytes.len() as u64),
            Change::Resize(length) => *length,
        };
        file.unsafe_changes.push((self.clock, change));
    }

    fn length(&self, node: Node) -> u64 {
        match &self.nodes[node] {
            Kind::File(file) => file.length,
            Kind::Folder(_) => 0,
        }
    }

    fn rename(&mut self, from: &Path, to: &Path) -> Option<PathBuf> {
        assert_eq!(
            from.parent(),
            to.parent(),
            "the stores rename in one folder"
        );
        let naming = Naming::Move(from.file_name()?.into(), to.file_name()?.into());
        self.name(from.parent()?, naming)?;
        Some(to.into())
    }

    fn put(&mut self, path: &Path, kind: Kind) -> Option<Node> {
        let node = self.nodes.len();
        self.nodes.push(kind);
        if path == self.root {
            return Some(0);
        }
        self.name(path.parent()?, Naming::Put(path.file_name()?.into(), node))?;
        Some(node)
    }

    fn name(&mut self, folder: &Path, naming: Naming) -> Option<PathBuf> {
        let node = self.find(folder)?;
        let Kind::Folder(folder) = &mut self.nodes[node] else {
            return None;
        };
        let named = match &naming {
            Naming::Put(name, _) | Naming::Remove(name) | Naming::Move(_, name) => name.clone(),
        };
        naming.apply(&mut folder.cached);
        folder.unsafe_changes.push((self.clock, naming));
        Some(self.path_of(node)?.join(named))
    }

    fn find(&self, path: &Path) -> Option<Node> {
        let mut node = 0;
        for name in path.strip_prefix(&self.root).ok()? {
            let Kind::Folder(folder) = &self.nodes[node] else {
                return None;
            };
            node = *folder.cached.get(name)?;
        }
        Some(node)
    }

    /// Where a node is now; None for what has no name any more.
    fn path_of(&self, sought: Node) -> Option<PathBuf> {
        let mut open = vec![(0, self.root.clone())];
        while let Some((node, path)) = open.pop() {
            if node == sought {
                return Some(path);
            }
            if let Kind::Folder(folder) = &self.nodes[node] {
                let inside = folder.cached.iter();
                open.extend(inside.map(|(name, node)| (*node, path.join(name))));
            }
        }
        None
    }

    /// What is left below `below` when the power goes now, and how many changes it cost.
    pub fn cut(&self, below: &[PathBuf], keep: &mut Keep) -> (Image, usize) {
        let (mut image, mut dropped) = (Image::default(), 0);
        let mut open = vec![(0, PathBuf::new())];
        while let Some((node, path)) = open.pop() {
            match &self.nodes[node] {
                Kind::File(file) => {
                    image.files.insert(
                        path,
                        keep.file(&file.safe, &file.unsafe_changes, &mut dropped),
                    );
                }
                Kind::Folder(folder) => {
                    let kept = keep.names(folder.unsafe_changes.len());
                    dropped += folder.unsafe_changes.len() - kept;
                    let mut names = folder.safe.clone();
                    for (_, naming) in &folder.unsafe_changes[..kept] {
                        naming.apply(&mut names);
                    }
                    let inside = names
                        .into_iter()
                        .map(|(name, node)| (node, path.join(name)));
                    open.extend(inside.filter(|(_, path)| concerns(below, path)));
                    image.folders.push(path);
                }
            }
        }
        (image, dropped)
    }
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<OsString, Node>) {
        match self {
            Naming::Put(name, node) => _ = names.insert(name.clone(), *node),
            Naming::Remove(name) => _ = names.remove(name),
            Naming::Move(from, to) => {
                if let Some(node) = names.remove(from) {
                    names.insert(to.clone(), node);
                }
            }
        }
    }
}

impl Kind {
    fn sync(&mut self, before: u64) {
        match self {
            Kind::File(file) => {
                let safe = file.unsafe_changes.partition_point(|(at, _)| *at <= before);
                let bytes = Arc::make_mut(&mut file.safe);
                for (_, change) in file.unsafe_changes.drain(..safe) {
                    change.apply(bytes);
                }
            }
            Kind::Folder(folder) => {
                let safe = folder
                    .unsafe_changes
                    .partition_point(|(at, _)| *at <= before);
                for (_, naming) in folder.unsafe_changes.drain(..safe) {
                    naming.apply(&mut folder.safe);
                }
            }
        }
    }
}

impl Change {
    pub fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Change::Write { offset, bytes } => write_at(to, *offset, bytes),
            Change::Resize(length) => to.resize(size(*length), 0),
        }
    }
}

pub fn write_at(to: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let (start, end) = (size(offset), size(offset) + bytes.len());
    if to.len() < end {
        to.resize(end, 0);
    }
    to[start..end].copy_from_slice(bytes);
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).expect("a recorded file fits in memory")
}

#[cfg(test)]
mod tests;
