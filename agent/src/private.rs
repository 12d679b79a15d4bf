//! What the agent keeps is the office's own: nothing comes in, what it makes from here on only its own account can open, and its memory
//! is never written to a disk. A folder that others may write into comes in, too, and is refused: whoever can replace
//! `authority.pub` or `agent.toml` decides what is believed here, and where everything goes.

use std::path::Path;

use crate::settings::{Folder, Mistake};

/// Before anything is made: files 0600 and folders 0700, whatever the account's umask is; and no core dumps, which would hold keys
/// and reports.
#[cfg(unix)]
pub fn begin() {
    use rustix::process::{Resource, Rlimit, setrlimit, umask};
    umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::debug!(%error, "core dumps cannot be limited");
    }
    // A program that takes dumps from the kernel is not bound by the limit.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::debug!(%error, "core dumps cannot be switched off");
        }
    }
}

/// This system has no such rights; its own are the operator's to set.
#[cfg(not(unix))]
pub fn begin() {}

/// The agent's folder, and what in it decides, can be changed by this account alone.
pub fn check(folder: &Folder) -> Vec<Mistake> {
    let decides = [
        folder.path().to_owned(),
        folder.settings(),
        folder.authority_file(),
        folder.ca(),
        folder.certificate(),
        folder.registry(),
    ];
    decides
        .iter()
        .filter_map(|path| closed(path).err())
        .collect()
}

/// Nobody else can write into it.
///
/// # Errors
/// What to do about it.
pub fn closed(path: &Path) -> Result<(), Mistake> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).map_or(0, |file| file.permissions().mode());
        if mode & 0o022 != 0 {
            let path = path.display();
            return Err(Mistake {
                at: path.to_string(),
                what: format!(
                    "can be written by others on this machine, who could put their own in its place: chmod go-w {path}\n  \
                     អ្នកផ្សេងលើម៉ាស៊ីននេះអាចសរសេរទីនេះបាន៖ សូមធ្វើ chmod go-w {path}"
                ),
            });
        }
    }
    Ok(())
}

/// A folder of an older version is open to everybody's eyes; it is closed where that can be done.
pub fn close(dir: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let only_ours = std::fs::Permissions::from_mode(0o700);
        if let Err(error) = std::fs::set_permissions(dir, only_ours) {
            tracing::warn!(dir = %dir.display(), %error, "others may look into this folder");
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_others_can_write_is_refused_and_says_what_to_do() {
        let temporary = tempfile::tempdir().expect("a directory");
        let folder = Folder::new(temporary.path());
        let key = temporary.path().join("authority.pub");
        std::fs::write(&key, "key").expect("written");
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("set");
        };
        set(temporary.path(), 0o755);
        set(&key, 0o644);
        assert_eq!(check(&folder), []);
        set(&key, 0o664);
        set(temporary.path(), 0o777);
        let all = check(&folder);
        let at: Vec<&str> = all.iter().map(|mistake| &*mistake.at).collect();
        let expected = [temporary.path(), &*key].map(|path| path.display().to_string());
        assert_eq!(at, expected);
        assert!(
            all[1]
                .what
                .contains(&format!("chmod go-w {}", key.display()))
        );
        close(temporary.path());
        let mode = std::fs::metadata(temporary.path()).expect("there");
        assert_eq!(mode.permissions().mode() & 0o777, 0o700);
    }
}
