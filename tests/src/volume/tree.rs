//! What a volume holds: names and bytes as a program sees them, and beside them the disk that knows what of it is safe.
//! In: calls by node. Out: bytes, names, images. Never: a change here that the disk is not told of.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Call, Disk, Image, Keep, write_at};

pub type Node = usize;

pub const ROOT: Node = 0;

pub enum Kind {
    File(Vec<u8>),
    Folder(BTreeMap<OsString, Node>),
}

struct Entry {
    /// The folder in which it has which name; None for the root and for what has no name any more.
    name: Option<(Node, OsString)>,
    kind: Kind,
}

pub struct Tree {
    entries: Vec<Entry>,
    disk: Disk,
}

/// The volume's own root, for the disk, which knows things by their paths.
fn root() -> &'static Path {
    Path::new("/")
}

impl Tree {
    pub fn holding(image: &Image) -> Tree {
        let mut tree = Tree {
            entries: vec![Entry {
                name: None,
                kind: Kind::Folder(BTreeMap::new()),
            }],
            disk: Disk::new(root()),
        };
        let mut folders: Vec<&PathBuf> = image.folders.iter().collect();
        folders.sort();
        for folder in folders.into_iter().filter(|path| path.parent().is_some()) {
            let (above, name) = tree.place(folder);
            tree.make(above, name, Kind::Folder(BTreeMap::new()));
        }
        for (path, bytes) in &image.files {
            let (above, name) = tree.place(path);
            let node = tree.make(above, name, Kind::File(Vec::new()));
            tree.write(node, 0, bytes);
        }
        for node in 0..tree.entries.len() {
            tree.sync(node);
        }
        tree
    }

    fn place<'p>(&self, path: &'p Path) -> (Node, &'p OsStr) {
        let above = path.parent().into_iter().flatten();
        let look = |node, name| {
            self.look(node, name)
                .expect("folders come before what is in them")
        };
        let name = path.file_name().expect("all but the root have a name");
        (above.fold(ROOT, look), name)
    }

    pub fn kind(&self, node: Node) -> Option<&Kind> {
        self.entries.get(node).map(|entry| &entry.kind)
    }

    pub fn look(&self, above: Node, name: &OsStr) -> Option<Node> {
        match self.kind(above)? {
            Kind::Folder(names) => names.get(name).copied(),
            Kind::File(_) => None,
        }
    }

    /// Of what has no name any more, the empty path.
    pub fn path(&self, node: Node) -> PathBuf {
        match self.entries.get(node).and_then(|entry| entry.name.as_ref()) {
            Some((above, name)) => self.path(*above).join(name),
            None if node == ROOT => root().into(),
            None => PathBuf::new(),
        }
    }

    /// A new file or folder under a name that is free.
    pub fn make(&mut self, above: Node, name: &OsStr, kind: Kind) -> Node {
        let node = self.make_nameless(kind);
        self.entries[node].name = Some((above, name.into()));
        if let Kind::Folder(names) = &mut self.entries[above].kind {
            names.insert(name.into(), node);
        }
        let path = self.path(node);
        self.disk.apply(
            match self.entries[node].kind {
                Kind::Folder(_) => Call::MakeFolder(path),
                Kind::File(_) => Call::Open {
                    fd: descriptor(node),
                    path,
                    made: true,
                    emptied: false,
                    appends: false,
                },
            },
            None,
        );
        node
    }

    /// The disk never hears of it: its name was lost.
    pub fn make_nameless(&mut self, kind: Kind) -> Node {
        self.entries.push(Entry { name: None, kind });
        self.entries.len() - 1
    }

    pub fn read(&self, node: Node, offset: u64, size: u32) -> &[u8] {
        let Some(Kind::File(bytes)) = self.kind(node) else {
            return &[];
        };
        let at = |offset: u64| {
            usize::try_from(offset)
                .unwrap_or(usize::MAX)
                .min(bytes.len())
        };
        &bytes[at(offset)..at(offset + u64::from(size))]
    }

    pub fn write(&mut self, node: Node, offset: u64, bytes: &[u8]) {
        if let Kind::File(now) = &mut self.entries[node].kind {
            write_at(now, offset, bytes);
        }
        let call = Call::Write {
            fd: descriptor(node),
            offset: Some(offset),
            bytes: bytes.into(),
        };
        self.disk.apply(call, None);
    }

    pub fn resize(&mut self, node: Node, length: u64) {
        if let Kind::File(now) = &mut self.entries[node].kind {
            now.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
        }
        let fd = descriptor(node);
        self.disk.apply(Call::Resize { fd, length }, None);
    }

    /// False where there was nothing of this name.
    pub fn remove(&mut self, above: Node, name: &OsStr) -> bool {
        let Some(node) = self.unname(above, name) else {
            return false;
        };
        let path = self.path(above).join(name);
        self.entries[node].name = None;
        self.disk.apply(Call::Remove(path), None);
        true
    }

    fn unname(&mut self, above: Node, name: &OsStr) -> Option<Node> {
        match &mut self.entries[above].kind {
            Kind::Folder(names) => names.remove(name),
            Kind::File(_) => None,
        }
    }

    /// In one folder, over what was there; the stores do no more. False where there was nothing of this name.
    pub fn rename(&mut self, above: Node, from: &OsStr, to: &OsStr) -> bool {
        let Some(node) = self.unname(above, from) else {
            return false;
        };
        if let Some(before) = self.unname(above, to) {
            self.entries[before].name = None;
        }
        if let Kind::Folder(names) = &mut self.entries[above].kind {
            names.insert(to.into(), node);
        }
        self.entries[node].name = Some((above, to.into()));
        let folder = self.path(above);
        let (from, to) = (folder.join(from), folder.join(to));
        self.disk.apply(Call::Rename { from, to }, None);
        true
    }

    pub fn sync(&mut self, node: Node) {
        let (thread, fd, path) = (0, descriptor(node), self.path(node));
        self.disk.apply(Call::SyncBegins { thread, fd, path }, None);
        self.disk.apply(Call::SyncEnds { thread }, None);
    }

    pub fn image(&self) -> Image {
        let mut image = Image::default();
        let mut open = vec![(ROOT, PathBuf::new())];
        while let Some((node, path)) = open.pop() {
            match &self.entries[node].kind {
                Kind::File(bytes) => _ = image.files.insert(path, Arc::new(bytes.clone())),
                Kind::Folder(names) => {
                    open.extend(names.iter().map(|(name, node)| (*node, path.join(name))));
                    image.folders.push(path);
                }
            }
        }
        image
    }

    pub fn cut(&self, keep: &mut Keep) -> (Image, usize) {
        self.disk.cut(&[PathBuf::new()], keep)
    }
}

fn descriptor(node: Node) -> u32 {
    u32::try_from(node).expect("a volume sees some thousand files")
}
