//! A sandbox with an authority, the secrets that are known, and the rule where each of them may be.

use std::{
    cell::{Cell, RefCell},
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use authbaton::rehearsal::{Account, Authority, IssueOptions, Settings};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{
    process::{Outcome, run},
    sandbox::Sandbox,
    scanner::{Hay, Needle},
};

pub(crate) const API_KEY: &str = "sk-canary-3fK9+/x=Qz7wLb2vTn8RmYp4";
pub(crate) const PERSONAL: &str = "at-canary-8Jw2_pXc6Vd1Hs5Gt9Rk3Zn7";
/// Something else in the client's configuration.
pub(crate) const OF_OTHERS: &str = "hunter2-canary-Ux5Ye1Nq8Ba4Mf7Cj";
pub(crate) const ANOTHER_KEY: [u8; 32] = *b"another key that seals nothing!!";

/// How a run is asked to speak.
pub(crate) const VOICES: [&[&str]; 4] = [&[], &["-v"], &["--json"], &["--json", "-v"]];

/// The two of them that say least and most, for tests with very many runs.
pub(crate) const EXTREMES: [&[&str]; 2] = [&[], &["--json", "-v"]];

/// A secret, as far as it matters where it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What a client needs to work: in its home and nowhere else.
    Working,
    /// What is spent once: in a home only when that is the holder.
    Refresh,
    /// What opens the store, and what is not ours: nowhere.
    Foreign,
}

pub(crate) struct Scene {
    pub(crate) sandbox: Sandbox,
    pub(crate) authority: Authority,
    voice: &'static [&'static str],
    home_is_holder: Cell<bool>,
    /// Files that the test itself wrote, below the sandbox.
    given: RefCell<Vec<PathBuf>>,
    runs: Cell<usize>,
}

impl Scene {
    pub(crate) fn new(voice: &'static [&'static str]) -> Self {
        let authority = Authority::start(Settings::default()).unwrap();
        let scene = Self {
            sandbox: Sandbox::new(),
            authority,
            voice,
            home_is_holder: Cell::new(false),
            given: RefCell::default(),
            runs: Cell::new(0),
        };
        scene.given.borrow_mut().push(scene.sandbox.path("seal.key"));
        scene
    }

    /// From now on the refresh token belongs into the home, because there is no store.
    pub(crate) fn home_is_holder(&self, yes: bool) {
        self.home_is_holder.set(yes);
    }

    /// Opens a login; nobody has it yet but the test.
    pub(crate) fn issue(&self) -> String {
        self.authority.issue(&Account::named("canary"), &IssueOptions::default()).unwrap()
    }

    /// Writes a file that the test is to blame for.
    pub(crate) fn give(&self, name: &str, content: &[u8]) -> String {
        let path = self.sandbox.write(name, content);
        self.given.borrow_mut().push(path.clone());
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn with_store(&self, arguments: &[&str]) -> Vec<String> {
        let key = self.sandbox.path("seal.key");
        let store = ["--store", &self.sandbox.store(), "--seal-key-file", key.to_str().unwrap()];
        let all = arguments.iter().copied().chain(store).map(str::to_owned);
        all.collect()
    }

    /// Runs the program, demands its exit code, and searches everything for every secret.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[impl AsRef<str>], input: &[u8], code: i32) -> Outcome {
        self.run_with(arguments, input, &[], code)
    }

    #[track_caller]
    pub(crate) fn run_with(
        &self,
        arguments: &[impl AsRef<str>],
        input: &[u8],
        variables: &[(&str, &str)],
        code: i32,
    ) -> Outcome {
        self.attempt(arguments, input, variables).exited(code)
    }

    /// The same, however it ends.
    #[track_caller]
    pub(crate) fn attempt(
        &self,
        arguments: &[impl AsRef<str>],
        input: &[u8],
        variables: &[(&str, &str)],
    ) -> Outcome {
        let is_typed = |name: &str| arguments.iter().any(|argument| argument.as_ref().starts_with(name));
        let mut words = arguments.iter().map(AsRef::as_ref);
        let mut command = self.sandbox.authbaton(words.next().unwrap());
        command.args(words).args(self.voice).envs(variables.iter().copied());
        if !is_typed("--authority-url") {
            command.args(["--authority-url", &self.authority.url()]);
        }
        if !is_typed("--timeout") && variables.iter().all(|(name, _)| *name != "AUTHBATON_TIMEOUT") {
            command.args(["--timeout", "1s"]);
        }
        let outcome = run(&mut command, input, Duration::from_secs(150)).unwrap();
        self.search(&outcome);
        self.runs.set(self.runs.get() + 1);
        outcome
    }

    pub(crate) fn runs(&self) -> usize {
        self.runs.get()
    }

    fn secrets(&self) -> Vec<(Kind, String)> {
        let own = fs::read_to_string(self.sandbox.path("seal.key")).unwrap();
        let mut secrets = vec![
            (Kind::Working, API_KEY.to_owned()),
            (Kind::Working, PERSONAL.to_owned()),
            (Kind::Foreign, OF_OTHERS.to_owned()),
            (Kind::Foreign, own.trim().to_owned()),
            (Kind::Foreign, String::from_utf8(BASE64_STANDARD.decode(own.trim()).unwrap()).unwrap()),
            (Kind::Foreign, String::from_utf8(ANOTHER_KEY.to_vec()).unwrap()),
        ];
        secrets.extend(self.authority.secrets().into_iter().map(|secret| {
            let kind = if secret.starts_with("rt_") { Kind::Refresh } else { Kind::Working };
            (kind, secret)
        }));
        // Refresh tokens first: they are what matters most.
        secrets.sort_by_key(|(kind, _)| *kind != Kind::Refresh);
        secrets
    }

    #[track_caller]
    pub(crate) fn search(&self, outcome: &Outcome) {
        let needle = |(kind, secret): (_, String)| (kind, Needle::new(&secret), secret);
        let secrets: Vec<_> = self.secrets().into_iter().map(needle).collect();
        let (said, complained) = (Hay::new(outcome.stdout.as_bytes()), Hay::new(outcome.stderr.as_bytes()));
        for (kind, needle, secret) in &secrets {
            for (name, text) in [("stdout", &said), ("stderr", &complained)] {
                let found = needle.find(text);
                assert_eq!(found, None, "{kind:?} {secret} on {name}: {outcome:#?}");
            }
        }
        for path in files(&self.sandbox.path("")) {
            if self.given.borrow().contains(&path) {
                continue;
            }
            let mut content = fs::read(&path).unwrap();
            // Names of files can tell, too.
            content.extend(path.as_os_str().as_encoded_bytes());
            let content = Hay::new(&content);
            for (kind, needle, secret) in &secrets {
                let found = needle.find(&content).filter(|_| !self.belongs(*kind, &path));
                assert_eq!(found, None, "{kind:?} {secret} in {}: {outcome:#?}", path.display());
            }
        }
    }

    /// Where a secret may be.
    fn belongs(&self, kind: Kind, path: &Path) -> bool {
        let in_home = path == self.sandbox.path("home/auth.json");
        let renewed = path.starts_with(self.sandbox.home())
            && path.file_name().unwrap().to_str().unwrap().starts_with("authbaton-renewed-");
        // The action makes the home of a job below the temporary directory.
        let of_job = path.strip_prefix(self.sandbox.path("temporary")).is_ok_and(|path| {
            path.to_str()
                .is_some_and(|it| it.starts_with("authbaton-action-") && it.ends_with("/home/auth.json"))
        });
        let private = || fs::metadata(path).unwrap().permissions().mode() & 0o7777 == 0o600;
        match kind {
            Kind::Working => (in_home || of_job || renewed && self.home_is_holder.get()) && private(),
            // A home that is the holder also has what came back and could not be placed or used.
            Kind::Refresh => (in_home || renewed) && private() && self.home_is_holder.get(),
            Kind::Foreign => false,
        }
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files
}

/// The rule itself is tested: a secret that is planted where it does not belong is found.
#[test]
#[should_panic(expected = "Refresh rt_")]
fn a_planted_secret_is_found() {
    let scene = Scene::new(&[]);
    let login = scene.issue();
    scene.sandbox.write("state/leaked", BASE64_STANDARD.encode(login).as_bytes());
    scene.run(&["status"], b"", 3);
}

#[test]
#[should_panic(expected = "Refresh rt_")]
fn a_refresh_token_in_a_home_that_does_not_hold_it_is_found() {
    let scene = Scene::new(&[]);
    scene.sandbox.place(scene.issue().as_bytes());
    scene.run(&["status"], b"", 0);
}

#[test]
#[should_panic(expected = "home/auth.json")]
fn a_home_that_others_can_read_is_found() {
    let scene = Scene::new(&[]);
    scene.home_is_holder(true);
    scene.sandbox.place(scene.issue().as_bytes());
    fs::set_permissions(scene.sandbox.path("home/auth.json"), fs::Permissions::from_mode(0o644)).unwrap();
    scene.run(&["status"], b"", 0);
}
