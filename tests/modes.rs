//! Who may read what: after each verb every file of ours is 0600 and every directory that we made 0700, whatever the
//! umask, and no lock file was ever deleted.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(clippy::unwrap_used, reason = "what a test cannot arrange is a failed test")]

#[path = "support/process.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod process;
#[path = "support/sandbox.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod sandbox;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use authbaton::rehearsal::{Account, Authority, Behaviour, Fault, IssueOptions, Settings, Twist};
use chrono::TimeDelta;
use process::run;
use sandbox::Sandbox;

/// A sandbox whose directories are not there yet: the program makes them.
struct Scene {
    sandbox: Sandbox,
    authority: Authority,
    /// Every lock file that was ever seen, with its inode.
    locks: BTreeMap<PathBuf, u64>,
}

impl Scene {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        for name in ["home", "state", "store"] {
            fs::remove_dir(sandbox.path(name)).unwrap();
        }
        Self { sandbox, authority: Authority::start(Settings::default()).unwrap(), locks: BTreeMap::new() }
    }

    fn login(&self) -> String {
        self.authority.issue(&Account::named("modes"), &IssueOptions::default()).unwrap()
    }

    #[track_caller]
    fn run(&mut self, arguments: &[&str], input: &[u8], code: i32) {
        // The widest umask: no mode is right by the grace of the caller's.
        let mut command = self.sandbox.command(Path::new("/bin/sh"));
        command.args(["-c", "umask 000; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_authbaton")]);
        command.arg("--config-root").arg(self.sandbox.path("system"));
        command.args(arguments).args(["--authority-url", &self.authority.url(), "--timeout", "1s"]);
        command.arg("--home").arg(self.sandbox.home());
        run(&mut command, input, Duration::from_secs(60)).unwrap().exited(code);
        self.check();
    }

    #[track_caller]
    fn run_with_store(&mut self, arguments: &[&str], input: &[u8], code: i32) {
        let (store, key) = (self.sandbox.store(), self.sandbox.path("seal.key"));
        let store = ["--store", &store, "--seal-key-file", key.to_str().unwrap()];
        self.run(&[arguments, &store].concat(), input, code);
    }

    #[track_caller]
    fn check(&mut self) {
        for name in ["home", "state", "store"] {
            let root = self.sandbox.path(name);
            for path in root.exists().then(|| tree(&root)).into_iter().flatten() {
                let metadata = fs::symlink_metadata(&path).unwrap();
                let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
                assert_eq!(metadata.mode() & 0o7777, expected, "{}", path.display());
                if path.extension().is_some_and(|extension| extension == "lock") {
                    self.locks.insert(path, metadata.ino());
                }
            }
        }
        for (path, inode) in &self.locks {
            let now = fs::symlink_metadata(path).unwrap().ino();
            assert_eq!(now, *inode, "{} is another file now", path.display());
        }
    }

    fn has(&self, names: &[&str]) {
        for name in names {
            assert!(self.sandbox.path(name).exists(), "{name} is missing");
        }
    }

    fn journals(&self) -> usize {
        let entries = fs::read_dir(self.sandbox.path("state/authbaton/journals")).unwrap();
        entries
            .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|it| it == "journal"))
            .count()
    }
}

/// A directory and everything in it.
fn tree(root: &Path) -> Vec<PathBuf> {
    let mut paths = vec![root.to_owned()];
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { paths.extend(tree(&path)) } else { paths.push(path) }
    }
    paths
}

#[test]
fn without_a_store() {
    let mut scene = Scene::new();
    scene.run(&["login", "--with-api-key"], b"sk-example", 0);
    scene.has(&["home/auth.json", "home/authbaton.lock", "home/auth.lock", "home/auth.json.lock"]);
    scene.run(&["login", "--with-access-token"], b"at-example", 0);
    let login = scene.login();
    scene.run(&["login", "--with-auth-json"], login.as_bytes(), 0);
    scene.run(&["status"], b"", 0);
    scene.run(&["refresh", "--force"], b"", 0);
    scene.run(&["enforce", "--forced-login-method", "api", "--dry-run"], b"", 4);
    scene.run(&["enforce", "--forced-login-method", "api"], b"", 4);
    scene.run(&["login", "--with-auth-json"], login.as_bytes(), 0);
    scene.run(&["logout"], b"", 0);
    assert_eq!(scene.locks.len(), 3);
}

#[test]
fn with_a_store() {
    let mut scene = Scene::new();
    let login = scene.login();
    scene.run_with_store(&["restore", "--seed-stdin"], login.as_bytes(), 0);
    scene.has(&["home/auth.json", "home/authbaton.json", "store/default.baton", "store/default.lock"]);
    scene.run_with_store(&["refresh", "--force"], b"", 0);
    scene.has(&["state/authbaton/journals"]);
    scene.run_with_store(&["restore"], b"", 0);
    scene.run_with_store(&["enforce", "--forced-login-method", "api"], b"", 4);
    let later = IssueOptions { issued: Some(TimeDelta::minutes(1)), ..IssueOptions::default() };
    let login = scene.authority.issue(&Account::named("modes"), &later).unwrap();
    scene.run_with_store(&["login", "--with-auth-json"], login.as_bytes(), 0);
    scene.run_with_store(&["logout", "--purge"], b"", 0);
    assert_eq!(scene.locks.len(), 6);
    assert_eq!(scene.journals(), 0);
}

#[test]
fn a_saved_login() {
    let mut scene = Scene::new();
    let login = scene.login();
    scene.run(&["login", "--with-auth-json"], login.as_bytes(), 0);
    scene.run_with_store(&["save"], b"", 0);
    scene.has(&["home/authbaton.json", "store/default.baton"]);
}

/// What failed leaves journals: they are ours, too.
#[test]
fn after_failures() {
    let mut scene = Scene::new();
    let login = scene.login();
    scene.run_with_store(&["restore", "--seed-stdin"], login.as_bytes(), 0);
    scene.authority.script(Behaviour::Failing(Fault::NotJson));
    scene.run_with_store(&["refresh", "--force"], b"", 6);
    assert_eq!(scene.journals(), 1);
    scene.authority.script(Behaviour::Twisted(Twist::OtherAccount));
    scene.run_with_store(&["refresh", "--force"], b"", 5);
    assert_eq!(scene.journals(), 2);
    scene.run_with_store(&["restore"], b"", 5);
}

/// A file that was there, and was open to all, is not after we have written it.
#[test]
fn a_loose_file_is_tightened() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut scene = Scene::new();
    scene.run(&["login", "--with-api-key"], b"sk-example", 0);
    let path = scene.sandbox.path("home/auth.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    scene.run(&["login", "--with-api-key"], b"sk-another", 0);
}
