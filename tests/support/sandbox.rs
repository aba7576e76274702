//! The directories of one test, and commands that see nothing else of the machine that it runs on.

use std::{
    env,
    fs::{self, DirBuilder, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use tempfile::TempDir;

/// A private directory tree that vanishes with the value.
pub(crate) struct Sandbox {
    root: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let sandbox = Self { root: TempDir::new().unwrap() };
        // The temporary directory lies beside the home: Codex warns when one contains the other.
        for name in ["user", "home", "temporary", "state", "store", "work"] {
            DirBuilder::new().mode(0o700).create(sandbox.path(name)).unwrap();
        }
        sandbox.write("seal.key", BASE64_STANDARD.encode([7; 32]).as_bytes());
        sandbox
    }

    /// The client's home, `CODEX_HOME`.
    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// The URL of the store.
    pub(crate) fn store(&self) -> String {
        format!("file:{}", self.path("store").display())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a private file, in place of an older one, and returns where it is.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
        file.write_all(content).unwrap();
        path
    }

    /// Puts an `auth.json` into the home.
    pub(crate) fn place(&self, content: &[u8]) {
        self.write("home/auth.json", content);
    }

    /// Returns the `auth.json` of the home, if there is one.
    pub(crate) fn auth_json(&self) -> Option<Vec<u8>> {
        fs::read(self.path("home/auth.json")).ok()
    }

    /// Returns the permission bits of the home's `auth.json`.
    pub(crate) fn auth_json_mode(&self) -> u32 {
        fs::metadata(self.path("home/auth.json")).unwrap().permissions().mode() & 0o7777
    }

    /// Returns a command for our own program on this home.
    pub(crate) fn authbaton(&self, verb: &str) -> Command {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_authbaton")));
        command.arg(verb).arg("--home").arg(self.home());
        command
    }

    /// Returns a command whose environment is this list and nothing else. What the caller has (`CI`, `GITHUB_…`,
    /// proxies, keys) would change what both programs do.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap())
            .env("HOME", self.path("user"))
            .env("TMPDIR", self.path("temporary"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("CODEX_HOME", self.home())
            .env("TERM", "dumb")
            .current_dir(self.path("work"));
        // Nor does ours see what the machine's administrator has configured.
        if program == Path::new(env!("CARGO_BIN_EXE_authbaton")) {
            command.arg("--config-root").arg(self.path("system"));
        }
        command
    }
}
