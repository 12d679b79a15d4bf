//! The process as the system sees it: nothing comes in; files that only their owner may open, and no memory on a disk, go out.

use rustix::fs::Mode;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask,
};

/// What is written is its owner's alone, whatever the umask was. A core dump would hold every private key, so there is none.
pub fn keep_to_oneself() {
    umask(Mode::RWXG | Mode::RWXO);
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // A system that has neither writes no such files; there is nothing that one could do about another.
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
