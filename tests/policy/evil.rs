//! What can stand in the place of a configuration file.

use std::{
    fs::{self, File},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

/// What the content has, and no message may repeat.
pub(crate) const CONTENT: &str = "hunter2-canary";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evil {
    Syntax,
    NoValue,
    DuplicateKey,
    NotUtf8,
    Huge,
    Directory,
    /// Nobody writes: whoever opens it the usual way waits for ever.
    Fifo,
    /// A regular file by its looks, whose first byte cannot be read. Root, too, fails here.
    Unmapped,
    /// Mode 000.
    Locked,
    LinkLoop,
    /// The directory that it should be in is a file.
    BelowAFile,
}

impl Evil {
    pub(crate) const ALL: [Self; 11] = [
        Self::Syntax,
        Self::NoValue,
        Self::DuplicateKey,
        Self::NotUtf8,
        Self::Huge,
        Self::Directory,
        Self::Fifo,
        Self::Unmapped,
        Self::Locked,
        Self::LinkLoop,
        Self::BelowAFile,
    ];

    /// Whether it can be arranged: root may read everything, and only Linux shows a process's memory as a file.
    pub(crate) fn is_possible(self) -> bool {
        match self {
            Self::Locked => !rustix::process::geteuid().is_root(),
            Self::Unmapped => Path::new("/proc/self/mem").exists(),
            _ => true,
        }
    }

    /// The error that it is.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Syntax | Self::NoValue | Self::DuplicateKey | Self::NotUtf8 => "policy-invalid",
            _ => "policy-unreadable",
        }
    }

    /// Whether the file is seen to be there, and is opened and read: only then do we know that its name is one.
    pub(crate) fn is_a_file(self) -> bool {
        !matches!(self, Self::Unmapped | Self::Locked | Self::LinkLoop | Self::BelowAFile)
    }

    /// Puts it there.
    pub(crate) fn put(self, path: &Path) {
        let directory = path.parent().unwrap();
        if self == Self::BelowAFile {
            fs::create_dir_all(directory.parent().unwrap()).unwrap();
            fs::remove_dir_all(directory).ok();
            return fs::write(directory, CONTENT).unwrap();
        }
        fs::create_dir_all(directory).unwrap();
        let write = |bytes: &[u8]| fs::write(path, bytes).unwrap();
        match self {
            Self::Syntax => write(format!("forced_login_method = \"{CONTENT}\nx").as_bytes()),
            Self::NoValue => write(format!("{CONTENT}\n").as_bytes()),
            Self::DuplicateKey => write(format!("a = \"{CONTENT}\"\na = \"{CONTENT}\"\n").as_bytes()),
            Self::NotUtf8 => write(&[format!("a = \"{CONTENT}").as_bytes(), b"\xff\""].concat()),
            Self::Huge => {
                write(format!("a = \"{CONTENT}\"\n").as_bytes());
                File::options().write(true).open(path).unwrap().set_len(10 << 20).unwrap();
            }
            Self::Directory => fs::create_dir(path).unwrap(),
            Self::Fifo => {
                let mode = rustix::fs::Mode::from_raw_mode(0o600);
                rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
            }
            Self::Unmapped => symlink("/proc/self/mem", path).unwrap(),
            Self::Locked => {
                write(format!("a = \"{CONTENT}\"\n").as_bytes());
                fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
            }
            Self::LinkLoop => symlink(path, path).unwrap(),
            Self::BelowAFile => {}
        }
    }

    /// Takes it away.
    pub(crate) fn remove(self, path: &Path) {
        match self {
            Self::BelowAFile => fs::remove_file(path.parent().unwrap()).unwrap(),
            Self::Directory => fs::remove_dir(path).unwrap(),
            _ => fs::remove_file(path).unwrap(),
        }
    }
}
