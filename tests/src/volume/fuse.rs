//! The kernel's questions come in, answers out of the tree go out. Each call that counts is given its turn first; the kernel keeps no
//! names and no attributes, so that it believes nothing that a fault has made untrue.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, InitFlags, KernelConfig, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate,
    ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request,
    TimeOrNow, WriteFlags,
};

use super::tree::{Kind, Node, ROOT};
use super::{Call, Part, State, Turn};

/// The kernel asks each time.
const KEPT: Duration = Duration::ZERO;
const BLOCK_BYTES: u64 = 512;
/// Free, whatever was written: a server that asks how much it may keep is told this.
const FREE_BLOCKS: u64 = 4 * 1024 * 1024 * 1024 / BLOCK_BYTES;
const NAME_BYTES: u32 = 255;
const NO_HANDLE: FileHandle = FileHandle(0);

pub struct Served(pub Arc<Mutex<State>>);

impl Served {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn node(inode: INodeNo) -> Node {
    usize::try_from(inode.0 - 1).expect("the kernel names only what it was told of")
}

impl State {
    fn turn_at(&mut self, call: Call, node: Node) -> Turn {
        let path = self.tree.path(node);
        self.plan.turn(call, || path)
    }

    fn turn_of(&mut self, part: Part) -> Turn {
        let path = self.tree.path(part.node);
        self.plan.turn_of_write(part, || path)
    }

    fn turn_in(&mut self, call: Call, above: INodeNo, name: &OsStr) -> Turn {
        let path = || -> PathBuf { self.tree.path(node(above)).join(name) };
        self.plan.turn(call, path)
    }

    fn attributes(&self, node: Node) -> Option<FileAttr> {
        let (kind, perm, size) = match self.tree.kind(node)? {
            Kind::File(bytes) => (FileType::RegularFile, 0o600, bytes.len() as u64),
            Kind::Folder(_) => (FileType::Directory, 0o700, 0),
        };
        Some(FileAttr {
            ino: INodeNo(node as u64 + 1),
            size,
            blocks: size.div_ceil(BLOCK_BYTES),
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4_096,
            flags: 0,
        })
    }

    fn sync(&mut self, call: Call, node: Node, reply: ReplyEmpty) {
        match self.turn_at(call, node) {
            Turn::Fail(error) => return reply.error(error),
            Turn::Pretend => {}
            Turn::Do => {
                let path = self.tree.path(node);
                if !self.plan.lies_about(path.file_name()) {
                    self.tree.sync(node);
                }
            }
        }
        reply.ok();
    }

    fn remove(&mut self, above: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let found = self.tree.look(node(above), name);
        let inside = found.and_then(|found| self.tree.kind(found));
        if matches!(inside, Some(Kind::Folder(names)) if !names.is_empty()) {
            return reply.error(Errno::ENOTEMPTY);
        }
        match self.turn_in(Call::Unlink, above, name) {
            Turn::Fail(error) => reply.error(error),
            Turn::Pretend => reply.ok(),
            Turn::Do if self.tree.remove(node(above), name) => reply.ok(),
            Turn::Do => reply.error(Errno::ENOENT),
        }
    }

    /// A new file or folder; one that the call only pretends to make has no name.
    fn make(
        &mut self,
        call: Call,
        above: INodeNo,
        name: &OsStr,
        kind: Kind,
    ) -> Result<FileAttr, Errno> {
        let made = match self.turn_in(call, above, name) {
            Turn::Fail(error) => return Err(error),
            Turn::Pretend => self.tree.make_nameless(kind),
            Turn::Do => self.tree.make(node(above), name, kind),
        };
        self.attributes(made).ok_or(Errno::EIO)
    }
}

impl Filesystem for Served {
    /// A write comes in as few requests as the kernel can make of it, and not by pages.
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> std::io::Result<()> {
        let unknown = |flags| std::io::Error::other(format!("the kernel cannot {flags:?}"));
        config
            .add_capabilities(InitFlags::FUSE_BIG_WRITES | InitFlags::FUSE_MAX_PAGES)
            .map_err(unknown)
    }

    fn lookup(&self, _: &Request, above: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let state = self.state();
        let found = state.tree.look(node(above), name);
        match found.and_then(|found| state.attributes(found)) {
            Some(attributes) => reply.entry(&KEPT, &attributes, Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.state().attributes(node(inode)) {
            Some(attributes) => reply.attr(&KEPT, &attributes),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        inode: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _handle: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut state = self.state();
        if let Some(size) = size {
            match state.turn_at(Call::Ftruncate, node(inode)) {
                Turn::Fail(error) => return reply.error(error),
                Turn::Pretend => {}
                Turn::Do => state.tree.resize(node(inode), size),
            }
        }
        match state.attributes(node(inode)) {
            Some(attributes) => reply.attr(&KEPT, &attributes),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn mkdir(&self, _: &Request, above: INodeNo, name: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        let folder = Kind::Folder(Default::default());
        match self.state().make(Call::Mkdir, above, name, folder) {
            Ok(attributes) => reply.entry(&KEPT, &attributes, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn create(
        &self,
        _: &Request,
        above: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        match self
            .state()
            .make(Call::Create, above, name, Kind::File(Vec::new()))
        {
            Ok(attributes) => {
                let flags = FopenFlags::empty();
                reply.created(&KEPT, &attributes, Generation(0), NO_HANDLE, flags);
            }
            Err(error) => reply.error(error),
        }
    }

    fn open(&self, _: &Request, inode: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.state().turn_at(Call::Open, node(inode)) {
            Turn::Fail(error) => reply.error(error),
            Turn::Pretend | Turn::Do => reply.opened(NO_HANDLE, FopenFlags::empty()),
        }
    }

    fn read(
        &self,
        _: &Request,
        inode: INodeNo,
        _handle: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        reply.data(self.state().tree.read(node(inode), offset, size));
    }

    fn write(
        &self,
        request: &Request,
        inode: INodeNo,
        _handle: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut state = self.state();
        let part = Part {
            thread: request.pid(),
            node: node(inode),
            offset,
            bytes: data.len() as u64,
        };
        match state.turn_of(part) {
            Turn::Fail(error) => return reply.error(error),
            Turn::Pretend => {
                let end = offset + data.len() as u64;
                let longer = matches!(state.tree.kind(node(inode)), Some(Kind::File(now)) if (now.len() as u64) < end);
                if longer {
                    state.tree.resize(node(inode), end);
                }
            }
            Turn::Do => state.tree.write(node(inode), offset, data),
        }
        reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX));
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let bytes = u32::try_from(BLOCK_BYTES).expect("a block is small");
        reply.statfs(
            FREE_BLOCKS,
            FREE_BLOCKS,
            FREE_BLOCKS,
            0,
            0,
            bytes,
            NAME_BYTES,
            bytes,
        );
    }

    /// At a close; nothing is kept back for it.
    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, inode: INodeNo, _: FileHandle, datasync: bool, reply: ReplyEmpty) {
        let call = if datasync {
            Call::Fdatasync
        } else {
            Call::Fsync
        };
        self.state().sync(call, node(inode), reply);
    }

    fn fsyncdir(&self, _: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.state().sync(Call::Fsync, node(inode), reply);
    }

    fn unlink(&self, _: &Request, above: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.state().remove(above, name, reply);
    }

    fn rmdir(&self, _: &Request, above: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.state().remove(above, name, reply);
    }

    fn rename(
        &self,
        _: &Request,
        above: INodeNo,
        name: &OsStr,
        new_above: INodeNo,
        new_name: &OsStr,
        _flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mut state = self.state();
        match state.turn_in(Call::Rename, above, name) {
            Turn::Fail(error) => reply.error(error),
            Turn::Pretend => reply.ok(),
            Turn::Do if above != new_above => reply.error(Errno::EXDEV),
            Turn::Do if state.tree.rename(node(above), name, new_name) => reply.ok(),
            Turn::Do => reply.error(Errno::ENOENT),
        }
    }

    fn readdir(
        &self,
        _: &Request,
        inode: INodeNo,
        _handle: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let state = self.state();
        let Some(Kind::Folder(names)) = state.tree.kind(node(inode)) else {
            return reply.error(Errno::ENOTDIR);
        };
        let here = [(OsStr::new("."), node(inode)), (OsStr::new(".."), ROOT)];
        let inside = names.iter().map(|(name, node)| (name.as_os_str(), *node));
        let all = (1..).zip(here.into_iter().chain(inside));
        for (place, (name, found)) in all.skip(usize::try_from(offset).unwrap_or(usize::MAX)) {
            let kind = match state.tree.kind(found) {
                Some(Kind::Folder(_)) => FileType::Directory,
                Some(Kind::File(_)) | None => FileType::RegularFile,
            };
            if reply.add(INodeNo(found as u64 + 1), place, kind, name) {
                break;
            }
        }
        reply.ok();
    }
}
