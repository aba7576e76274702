//! File systems of our own: small ones that fill up, and ones that are mounted read-only. They are in a mount namespace,
//! which a process keeps open as long as the value lives; nobody else sees them.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::arena::{Arena, wait_until};
use crate::process::wrapped;

pub(crate) struct Mounts {
    keeper: Child,
}

impl Mounts {
    /// A file system of so many KiB in place of a directory of the sandbox.
    pub(crate) fn small(arena: &Arena, directory: &str, kib: usize) -> Option<Self> {
        let path = arena.sandbox.path(directory);
        Self::new(arena, &format!("mount -t tmpfs -o size={kib}k,mode=0700 small '{}'", path.display()))
    }

    /// A directory of the sandbox, read-only. It binds root as well as anybody else.
    pub(crate) fn read_only(arena: &Arena, directory: &str) -> Option<Self> {
        let path = arena.sandbox.path(directory).display().to_string();
        Self::new(arena, &format!("mount --bind '{path}' '{path}' && mount -o remount,bind,ro '{path}'"))
    }

    /// A single file of the sandbox, mounted onto itself as a container does with a file that it is given.
    pub(crate) fn single_file(arena: &Arena, file: &str) -> Option<Self> {
        let path = arena.sandbox.path(file).display().to_string();
        Self::new(arena, &format!("mount --bind '{path}' '{path}'"))
    }

    /// `None`, loudly, where nobody may mount. A CI must be able to.
    fn new(arena: &Arena, mount: &str) -> Option<Self> {
        let ready = arena.sandbox.path("mounted");
        let script = format!("{mount} && echo yes > '{0}' || echo no > '{0}'; exec cat", ready.display());
        let mut command = Command::new("unshare");
        command.args(if is_root() { &["-m"][..] } else { &["-U", "-r", "-m"] });
        command.args(["sh", "-c", &script]).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut keeper = command.spawn().unwrap();
        wait_until("the file system", || {
            fs::read(&ready).is_ok_and(|answer| answer.ends_with(b"\n")) || has_ended(&ready, &keeper)
        });
        let mounted = fs::read_to_string(&ready).unwrap_or_default();
        fs::remove_file(&ready).ok();
        if mounted == "yes\n" {
            return Some(Self { keeper });
        }
        keeper.kill().unwrap();
        keeper.wait().unwrap();
        assert!(std::env::var_os("CI").is_none(), "a CI must be able to mount: this case did not run");
        // Not `eprintln!`, which a test that passes keeps to itself.
        std::io::stderr().write_all(b"NOT RUN: this user may not mount file systems\n").unwrap();
        None
    }

    /// The command, among these file systems.
    pub(crate) fn inside(&self, command: &Command) -> Command {
        let keeper = self.keeper.id().to_string();
        let mut enter = vec!["nsenter", "-t", &keeper, "-m"];
        if !is_root() {
            enter.extend(["-U", "--preserve-credentials"]);
        }
        enter.push("--");
        wrapped(command, &enter)
    }

    /// A path as it is in there. It must not be made canonical: that would leave.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.id()));
        root.join(path.strip_prefix("/").unwrap())
    }

    /// Takes all the room that there is in a directory; returns the file that has it.
    pub(crate) fn fill(&self, directory: &Path) -> PathBuf {
        let path = self.path(directory).join("filler");
        let mut file = File::create(&path).unwrap();
        for size in [4096, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
        path
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().ok();
    }
}

/// A process that could not even make its namespace says nothing.
fn has_ended(ready: &Path, keeper: &Child) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", keeper.id())).unwrap_or_default();
    !ready.exists() && stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
