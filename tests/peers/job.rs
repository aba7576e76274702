//! One job: `authbaton run` with the real Codex in it, an authority that counts, a model, and what must hold afterwards
//! whatever the job did.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use authbaton::rehearsal::{Account, Authority, Endpoint, IssueOptions, Settings};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use serde_json::Value;

use crate::{
    scene::Scene,
    support::{
        codex,
        model::Model,
        process::{self, Outcome},
    },
};

/// Only a failing test waits for it.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);

/// What every refresh token begins with, so that it is known wherever it turns up.
pub(crate) const CANARY: &str = "rt-canary-of-peers-";

/// One turn, in a script: `$0` is Codex. Its exit code goes to a file, so that a script may end as it likes.
pub(crate) const TURN: &str = r#""$0" "$@" </dev/null; echo $? >>codes"#;

pub(crate) struct Job {
    pub(crate) scene: Scene,
    pub(crate) authority: Authority,
    seed: String,
}

/// How a job ended.
pub(crate) struct Done {
    pub(crate) outcome: Outcome,
    /// Counted by the authority.
    pub(crate) exchanges: usize,
    /// Requests for a token that reached the broker, by what it says with `-v`.
    pub(crate) posts_at_broker: usize,
    pub(crate) codex_codes: Vec<i32>,
}

impl Job {
    /// Opens a login whose access token has this much left. Returns none only when the peer tests are turned off.
    pub(crate) fn with_left(left: TimeDelta) -> Option<Self> {
        let scene = Scene::open()?;
        let settings = Settings { refresh_prefix: CANARY.to_owned(), ..Settings::default() };
        let authority = Authority::start(settings).unwrap();
        let options =
            IssueOptions { lifetime: Some(left), issued: Some(TimeDelta::days(-1)), refresh_token: None };
        let seed = authority.issue(&Account::named("peers"), &options).unwrap();
        Some(Self { scene, authority, seed })
    }

    /// Returns the authorization of the login that the job is seeded with.
    pub(crate) fn seeds_authorization(&self) -> String {
        let login: Value = serde_json::from_str(&self.seed).unwrap();
        format!("Bearer {}", login["tokens"]["access_token"].as_str().unwrap())
    }

    /// Returns `run` with the seed, these options, and a shell script in which `$0 $@` is one turn. Seed and key come in
    /// variables, as from a CI's secrets.
    pub(crate) fn command(&self, options: &[&str], script: &str) -> Command {
        let mut command = self.without_seed(&[&["--seed-env", "SEED"], options].concat(), script);
        command.env("SEED", &self.seed);
        command
    }

    fn without_seed(&self, options: &[&str], script: &str) -> Command {
        let mut command = self.scene.sandbox.command(Path::new(env!("CARGO_BIN_EXE_authbaton")));
        command
            .envs(codex::environment(self.scene.model.origin()))
            .env("AUTHBATON_SEAL_KEY", BASE64_STANDARD.encode([7; 32]))
            .args(["-v", "run", "--store", &self.scene.sandbox.store(), "--slot", "peers"])
            .args(["--authority-url", &self.authority.url()])
            // As late as Codex itself asks: otherwise what is due for Codex never lasts until the start.
            .args(["--refresh-before-expiry", "300s"])
            .args(options)
            .args(["--", "sh", "-c", script])
            .arg(self.scene.program())
            .args(codex::turn(self.scene.model.origin()));
        command
    }

    /// Runs a job to its end, and demands what holds after every job.
    pub(crate) fn run(&self, options: &[&str], script: &str) -> Done {
        self.finish(&mut self.command(options, script))
    }

    /// Runs a prepared job to its end.
    pub(crate) fn finish(&self, command: &mut Command) -> Done {
        let outcome = process::run(command, b"", LIMIT).unwrap();
        self.done(outcome)
    }

    /// Counts, and demands what holds after every job.
    pub(crate) fn done(&self, outcome: Outcome) -> Done {
        self.leaked_nothing(&outcome);
        self.scene.authority_was_left_alone();
        let outside = self.scene.model.seen().into_iter().filter(|seen| seen.method == "CONNECT");
        assert_eq!(outside.count(), 0, "something left loopback");
        let received = self.authority.received();
        assert!(received.iter().all(|it| it.endpoint == Endpoint::Token), "something was revoked");
        assert_eq!(self.authority.posts(), self.authority.exchanges(), "an exchange was in vain");
        self.login_is_alive();
        let asked = |line: &&str| {
            line.contains("broker: a client got") || line.contains("broker: a request was refused")
        };
        let codes = fs::read_to_string(self.scene.sandbox.path("work/codes")).unwrap_or_default();
        fs::remove_file(self.scene.sandbox.path("work/codes")).ok();
        Done {
            exchanges: self.authority.exchanges(),
            posts_at_broker: outcome.stderr.lines().filter(asked).count(),
            codex_codes: codes.lines().map(|code| code.parse().unwrap()).collect(),
            outcome,
        }
    }

    /// Demands that one turn succeeds in a job of its own, without a seed: the store has the login.
    pub(crate) fn next_job_works(&self) {
        let (exchanges, turns) = (self.authority.exchanges(), self.scene.model.turns().len());
        let done = self.finish(&mut self.without_seed(&["--broker", "never"], TURN));
        assert_eq!(done.codex_codes, [0], "{:#?}", done.outcome);
        assert_eq!(done.exchanges, exchanges);
        assert!(self.scene.model.turns().len() > turns);
    }

    fn login_is_alive(&self) {
        let newest = self.refresh_tokens().pop().unwrap();
        assert!(self.authority.is_alive(&newest), "the login was ended");
    }

    fn refresh_tokens(&self) -> Vec<String> {
        let mut secrets = self.authority.secrets();
        secrets.retain(|secret| secret.starts_with(CANARY));
        secrets
    }

    /// No refresh token on stdout, on stderr, or in a file; and no home left over.
    fn leaked_nothing(&self, outcome: &Outcome) {
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(!text.contains(CANARY), "a refresh token was printed");
        }
        self.no_file_has_it();
        let left: Vec<_> = fs::read_dir(self.scene.sandbox.path("temporary"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().contains("authbaton"))
            .collect();
        assert!(left.is_empty(), "{left:?} were left");
    }

    /// Looks through everything that the job can write, and returns how many files that are.
    pub(crate) fn no_file_has_it(&self) -> usize {
        no_file_below_has_it(&self.scene.sandbox.path(""))
    }

    /// Returns a proxy that remembers what it is asked.
    pub(crate) fn proxy() -> Model {
        Model::start()
    }
}

/// Whether the needle is somewhere. Written so that a debug build can look through the memory of Codex.
pub(crate) fn contains(mut hay: &[u8], needle: &[u8]) -> bool {
    use std::io::BufRead as _;
    let (first, rest) = needle.split_first().unwrap();
    loop {
        let skipped = hay.len();
        hay.skip_until(*first).unwrap();
        if hay.starts_with(rest) && skipped > hay.len() && !hay.is_empty() {
            return true;
        }
        if hay.is_empty() {
            return false;
        }
    }
}

/// Demands that no file below a directory has a refresh token, and returns how many files there are.
pub(crate) fn no_file_below_has_it(directory: &Path) -> usize {
    let files = files_below(directory);
    for path in &files {
        // Some files of Codex come and go.
        let Ok(content) = fs::read(path) else { continue };
        assert!(!contains(&content, CANARY.as_bytes()), "a refresh token is in {}", path.display());
    }
    files.len()
}

pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files.extend(files_below(&entry.path())),
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    files
}

#[test]
fn what_is_there_is_found() {
    assert!(contains(b"xxrrt-canary", b"rt-canary"));
    assert!(contains(b"rt-canary", b"rt-canary"));
    assert!(!contains(b"rt-canar", b"rt-canary"));
    assert!(!contains(b"t-canary", b"rt-canary"));
    assert!(!contains(b"", b"rt-canary"));
}
