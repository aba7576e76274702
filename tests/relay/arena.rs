//! One authority, one store and as many machines as a test wants, with our program on them.
//!
//! After every run it is checked that nothing was said or left lying that is a secret: promises 5, 7 and 8 hold in
//! each of these tests, or it fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use authbaton::baton::{Baton, SealKeys, SlotId, SlotName, State};
use authbaton::rehearsal::{Account, Authority, IssueOptions, Settings};
use authbaton::store::{FileStore, Store};
use chrono::TimeDelta;
use serde_json::Value;

use crate::launch::{self, LIMIT, Started};
use crate::support::sandbox::Sandbox;

/// What every refresh token begins with, so that one that lies around is found.
const CANARY: &str = "rt_CANARY_";

pub(crate) struct Arena {
    pub(crate) sandbox: Sandbox,
    pub(crate) authority: Authority,
}

/// A home on a machine: homes of one machine share its state directory.
#[derive(Clone)]
pub(crate) struct Runner {
    pub(crate) home: PathBuf,
    pub(crate) state: PathBuf,
}

/// How a run ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) json: Value,
    pub(crate) stderr: String,
}

impl Arena {
    pub(crate) fn new() -> Self {
        let settings = Settings { refresh_prefix: CANARY.to_owned(), ..Settings::default() };
        Self { sandbox: Sandbox::new(), authority: Authority::start(settings).unwrap() }
    }

    /// An arena whose slot has a login that is due, and whose first home has its access-only file.
    pub(crate) fn due() -> Self {
        let arena = Self::new();
        arena.seed(&due());
        arena
    }

    /// Issues a login and seeds the slot with it from the first home.
    pub(crate) fn seed(&self, options: &IssueOptions) -> String {
        let login = self.issue(options);
        self.restore(&self.first(), &login).fine();
        login
    }

    pub(crate) fn issue(&self, options: &IssueOptions) -> String {
        self.authority.issue(&Account::named("one"), options).unwrap()
    }

    /// Restores with a login as the seed.
    pub(crate) fn restore(&self, runner: &Runner, login: &str) -> Ran {
        self.run_with(runner, &["restore", "--seed-stdin"], login)
    }

    /// The home that is there from the start.
    pub(crate) fn first(&self) -> Runner {
        Runner { home: self.sandbox.home(), state: self.sandbox.path("state") }
    }

    /// Another home, on a machine of that number; 0 is the first home's.
    pub(crate) fn runner(&self, home: usize, machine: usize) -> Runner {
        let state = if machine == 0 { "state".to_owned() } else { format!("state-{machine}") };
        Runner { home: self.sandbox.path(&format!("home-{home}")), state: self.sandbox.path(&state) }
    }

    pub(crate) fn command(&self, runner: &Runner, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(Path::new(env!("CARGO_BIN_EXE_authbaton")));
        command.env("XDG_STATE_HOME", &runner.state).env_remove("CODEX_HOME").args(arguments);
        command.arg("--home").arg(&runner.home).arg("--seal-key-file").arg(self.sandbox.path("seal.key"));
        command.arg("--json");
        if !arguments.contains(&"--authority-url") {
            command.args(["--authority-url", &self.authority.url()]);
        }
        if !arguments.contains(&"--store") {
            command.args(["--store", &self.sandbox.store()]);
        }
        if !arguments.contains(&"--timeout") {
            command.args(["--timeout", "2s"]);
        }
        command
    }

    pub(crate) fn run(&self, runner: &Runner, arguments: &[&str]) -> Ran {
        self.run_with(runner, arguments, "")
    }

    pub(crate) fn run_with(&self, runner: &Runner, arguments: &[&str], input: &str) -> Ran {
        let ran = self.run_only(runner, arguments, input);
        if !arguments.contains(&"home:") {
            self.nothing_lies_around();
        }
        ran
    }

    /// Runs without looking at what lies around: for homes that are the holder, and for many at once.
    pub(crate) fn run_only(&self, runner: &Runner, arguments: &[&str], input: &str) -> Ran {
        self.ended(self.start(runner, arguments, input))
    }

    /// Starts a run that is not waited for yet.
    pub(crate) fn start(&self, runner: &Runner, arguments: &[&str], input: &str) -> Started {
        launch::start(&mut self.command(runner, arguments), input)
    }

    /// Waits for the end of a run.
    #[track_caller]
    pub(crate) fn ended(&self, started: Started) -> Ran {
        let ended = started.end();
        self.is_silent(&ended.stdout);
        self.is_silent(&ended.stderr);
        let json = serde_json::from_str(&ended.stdout).unwrap_or(Value::Null);
        Ran { code: ended.code, json, stderr: ended.stderr }
    }

    #[track_caller]
    pub(crate) fn is_silent(&self, text: &str) {
        let secrets = self.authority.secrets();
        assert!(!secrets.iter().any(|secret| text.contains(secret.as_str())), "a secret was said");
    }

    /// Demands that no refresh token is in any file, and no token of any kind outside of homes.
    #[track_caller]
    pub(crate) fn nothing_lies_around(&self) {
        let secrets = self.authority.secrets();
        let root = self.sandbox.path("");
        for path in files(&root) {
            // A file may be gone by now: somebody else's temporary one.
            let Ok(bytes) = fs::read(&path) else { continue };
            assert!(!contains(&bytes, CANARY), "a refresh token lies in {}", path.display());
            let is_home = path.strip_prefix(&root).unwrap().starts_with("home")
                || path.strip_prefix(&root).unwrap().to_string_lossy().starts_with("home-");
            let lies_open = secrets.iter().any(|secret| contains(&bytes, secret));
            assert!(is_home || !lies_open, "a token lies in {}", path.display());
        }
    }

    pub(crate) fn refresh(&self) -> Ran {
        self.run(&self.first(), &["refresh"])
    }

    /// Returns what the slot holds, opened as we open it.
    pub(crate) fn baton(&self) -> Baton {
        let id = SlotId { slot: SlotName::default(), audience: Default::default() };
        let store = FileStore::new(&self.sandbox.path("store"), false, false);
        let (sealed, _) = store.load(&id.slot).unwrap().unwrap();
        Baton::open(&self.keys(), &id, &sealed).unwrap().baton
    }

    pub(crate) fn keys(&self) -> SealKeys {
        SealKeys::parse(&fs::read_to_string(self.sandbox.path("seal.key")).unwrap()).unwrap()
    }

    pub(crate) fn state(&self) -> State {
        self.baton().state().clone()
    }

    /// Returns the slot's phase in words: `idle`, `dead reply-refused` and so on.
    pub(crate) fn phase(&self) -> String {
        phase(&self.state())
    }

    /// Returns the refresh token that the slot holds.
    pub(crate) fn held_token(&self) -> String {
        let login: Value = serde_json::from_str(&self.baton().login().unwrap().to_text()).unwrap();
        login["tokens"]["refresh_token"].as_str().unwrap().to_owned()
    }

    /// Demands that the slot holds a token that works.
    #[track_caller]
    pub(crate) fn holds_a_living_token(&self) {
        assert!(self.authority.is_alive(&self.held_token()), "the slot holds a spent token");
    }

    /// Returns the access token that the slot holds.
    pub(crate) fn held_access_token(&self) -> String {
        let login: Value = serde_json::from_str(&self.baton().login().unwrap().to_text()).unwrap();
        login["tokens"]["access_token"].as_str().unwrap().to_owned()
    }

    /// Returns the journals of a machine, and how many bytes of each say something.
    pub(crate) fn journals(&self, runner: &Runner) -> Vec<(PathBuf, usize)> {
        let paths = files(&runner.state).into_iter();
        let journals = paths.filter(|path| path.extension().is_some_and(|it| it == "journal"));
        journals
            .map(|path| {
                let bytes = fs::read(&path).unwrap_or_default();
                (path, bytes.iter().filter(|byte| **byte != 0).count())
            })
            .collect()
    }
}

impl Runner {
    pub(crate) fn auth_json(&self) -> PathBuf {
        self.home.join("auth.json")
    }

    /// Returns the access token in the home.
    #[track_caller]
    pub(crate) fn access_token(&self) -> String {
        let document: Value = serde_json::from_slice(&fs::read(self.auth_json()).unwrap()).unwrap();
        document["tokens"]["access_token"].as_str().unwrap().to_owned()
    }
}

impl Ran {
    /// Demands success.
    #[track_caller]
    pub(crate) fn fine(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.json, self.stderr);
        self
    }

    /// Demands this exit code and this error id, and that the error says what to do.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, id: &str) -> &Self {
        let error = &self.json["error"];
        assert_eq!((self.code, error["id"].as_str()), (Some(code), Some(id)), "{}", self.stderr);
        assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
        assert!(self.stderr.contains(&format!("error[{id}]: ")), "{}", self.stderr);
        self
    }

    /// Demands that the run said whether it exchanged a token.
    #[track_caller]
    pub(crate) fn refreshed(&self, expected: bool) -> &Self {
        self.fine();
        assert_eq!(self.json["refreshed"], expected, "{}", self.stderr);
        self
    }
}

/// A login that has ended, with an `iat` like every real one.
pub(crate) fn due() -> IssueOptions {
    issued(TimeDelta::hours(-10), TimeDelta::hours(-1))
}

/// A login that is good for days.
pub(crate) fn fresh() -> IssueOptions {
    issued(TimeDelta::hours(-10), TimeDelta::days(9))
}

pub(crate) fn issued(issued: TimeDelta, lifetime: TimeDelta) -> IssueOptions {
    IssueOptions { lifetime: Some(lifetime), issued: Some(issued), refresh_token: None }
}

pub(crate) fn phase(state: &State) -> String {
    let phase = serde_json::to_value(&state.phase).unwrap();
    let reason = phase["reason"].as_str().map(|reason| format!(" {reason}"));
    format!("{}{}", phase["is"].as_str().unwrap(), reason.unwrap_or_default())
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < end, "{what} never came");
        thread::sleep(Duration::from_millis(2));
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
