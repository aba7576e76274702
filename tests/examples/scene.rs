//! One machine of a user's: its directories, the programs on its `PATH`, and an authority whose login it uses.
//!
//! The places that examples name (`/var/lib/authbaton` and the like) are directories of the sandbox here; nothing else is
//! changed in what is executed. `authbaton` is the real program behind a script that tells it the authority, which no variable
//! may do. `codex` is a stand-in that reads its home as Codex does, and is strict about what it finds.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use authbaton::{
    baton::{Audience, Baton, SealKeys, SlotId, SlotName},
    rehearsal::{Account, Authority, IssueOptions, Settings},
    store::{FileStore, Store as _},
};
use chrono::TimeDelta;

use crate::{
    parts,
    process::{self, Outcome},
    program::write_program,
    sandbox::Sandbox,
};

pub(crate) const LIMIT: Duration = Duration::from_secs(120);
/// What every refresh token begins with, so that one that lies around is found.
const CANARY: &str = "rt_CANARY_";

/// Places that examples name, and the directories of the sandbox that they are here.
const PLACES: [(&str, &str); 3] =
    [("/var/lib/authbaton", "var"), ("/etc/authbaton", "etc"), ("/usr/local/bin", "bin")];

/// `login` writes what a person's login would, `exec` needs a home that has no refresh token, and keeps what it saw.
const CODEX: &str = r#"#!/bin/sh
set -eu
case $1 in
login) cp "@/issued.json" "$CODEX_HOME/auth.json" ;;
exec)
    test ! -e "@/stage-fails" || { echo 'the stage fails' >&2; exit 1; }
    case $CODEX_HOME/ in
    "${WORKSPACE-/nowhere}"/* | "${GITHUB_WORKSPACE-/nowhere}"/*) echo 'a home in the workspace' >&2; exit 1 ;;
    esac
    test "$(stat -c %a "$CODEX_HOME/auth.json")" = 600
    if grep -q '"tokens"' "$CODEX_HOME/auth.json"; then
        grep -q '"refresh_token": "\(abh1_[^"]*\)\{0,1\}"' "$CODEX_HOME/auth.json"
    fi
    cp "$CODEX_HOME/auth.json" "@/seen/auth.json"
    env >"@/seen/environment"
    echo hello
    ;;
esac
"#;

pub(crate) struct Scene {
    pub(crate) sandbox: Sandbox,
    pub(crate) authority: Authority,
    wanted: BTreeSet<String>,
    ran: BTreeSet<String>,
    /// Where else than in the sandbox something is that an example names.
    elsewhere: Vec<(String, String)>,
}

impl Scene {
    pub(crate) fn new(parts: &[&str]) -> Self {
        let settings = Settings { refresh_prefix: CANARY.to_owned(), ..Settings::default() };
        let scene = Self {
            sandbox: Sandbox::new(),
            authority: Authority::start(settings).unwrap(),
            wanted: parts.iter().map(|name| (*name).to_owned()).collect(),
            ran: BTreeSet::new(),
            elsewhere: Vec::new(),
        };
        for name in ["var", "etc", "bin", "seen"] {
            fs::create_dir(scene.sandbox.path(name)).unwrap();
        }
        fs::copy(scene.sandbox.path("seal.key"), scene.sandbox.path("etc/seal.key")).unwrap();
        scene.program("codex", &CODEX.replace('@', scene.sandbox.path("").to_str().unwrap()));
        let authbaton = format!(
            "#!/bin/sh\nexec '{}' --authority-url '{}' --config-root '{}' --timeout 5s \"$@\"\n",
            env!("CARGO_BIN_EXE_authbaton"),
            scene.authority.url(),
            scene.sandbox.path("system").display(),
        );
        scene.program("authbaton", &authbaton);
        scene
    }

    /// Puts a program on the `PATH`, and returns where it is.
    pub(crate) fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.sandbox.path("bin").join(name);
        write_program(&path, text);
        path
    }

    /// Takes what an example names for something else than a directory of the sandbox.
    pub(crate) fn take_for(&mut self, named: &str, here: &str) {
        self.elsewhere.push((named.to_owned(), here.to_owned()));
    }

    /// Returns the text with the places that this machine has.
    pub(crate) fn filled(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (named, here) in &self.elsewhere {
            filled = filled.replace(named, here);
        }
        for (named, here) in PLACES {
            filled = filled.replace(named, self.sandbox.path(here).to_str().unwrap());
        }
        filled
    }

    /// Returns a part that is about to be executed.
    #[track_caller]
    pub(crate) fn part(&mut self, name: &str) -> String {
        let part = parts::named(name);
        assert!(self.wanted.contains(&part.name), "{name} is not in the list of this scenario");
        self.ran.insert(part.name);
        self.filled(&part.text)
    }

    /// Installs a script of ours, and returns where it is.
    #[track_caller]
    pub(crate) fn script(&mut self, name: &str) -> PathBuf {
        let text = self.part(name);
        self.program(name.rsplit('/').next().unwrap(), &text)
    }

    #[track_caller]
    pub(crate) fn every_part_ran(&self) {
        assert_eq!(self.ran, self.wanted, "a part was not executed");
    }

    /// Returns a command in the environment of this machine, and no more.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = self.sandbox.command(program.as_ref());
        let path = env::var("PATH").unwrap();
        command
            .env_remove("CODEX_HOME")
            .env("PATH", format!("{}:{path}", self.sandbox.path("bin").display()));
        command
    }

    /// Runs a command to its end. Whatever it says has no secret in it.
    #[track_caller]
    pub(crate) fn run(&self, command: &mut Command) -> Outcome {
        self.run_with(command, b"")
    }

    /// The same with this standard input.
    #[track_caller]
    pub(crate) fn run_with(&self, command: &mut Command, input: &[u8]) -> Outcome {
        let outcome = process::run(command, input, LIMIT).unwrap();
        self.is_silent(&outcome.stdout);
        self.is_silent(&outcome.stderr);
        outcome
    }

    #[track_caller]
    pub(crate) fn is_silent(&self, text: &str) {
        for secret in self.secrets() {
            assert!(!text.contains(&secret), "a secret was said: {}", text.replace(&secret, "«SECRET»"));
        }
    }

    fn secrets(&self) -> Vec<String> {
        let key = fs::read_to_string(self.key()).unwrap();
        self.authority.secrets().into_iter().chain([CANARY.to_owned(), key.trim().to_owned()]).collect()
    }

    /// Issues a login whose access token ended an hour ago.
    pub(crate) fn due(&self) -> String {
        self.issue(TimeDelta::hours(-10), TimeDelta::hours(-1))
    }

    /// Issues a login that is good for days.
    pub(crate) fn fresh(&self) -> String {
        self.issue(TimeDelta::hours(-10), TimeDelta::days(9))
    }

    /// Issues a later login of the same person.
    pub(crate) fn later(&self) -> String {
        self.issue(TimeDelta::hours(-5), TimeDelta::days(9))
    }

    fn issue(&self, issued: TimeDelta, lifetime: TimeDelta) -> String {
        let options = IssueOptions { lifetime: Some(lifetime), issued: Some(issued), refresh_token: None };
        self.authority.issue(&Account::named("one"), &options).unwrap()
    }

    /// Returns the options for the store in the sandbox, as examples name it.
    pub(crate) fn store(&self) -> [String; 4] {
        let key = self.key().display().to_string();
        ["--store".to_owned(), self.store_url(), "--seal-key-file".to_owned(), key]
    }

    /// The file with the seal key, where examples have it.
    pub(crate) fn key(&self) -> PathBuf {
        self.sandbox.path("etc/seal.key")
    }

    pub(crate) fn store_url(&self) -> String {
        format!("file:{}", self.sandbox.path("var/store").display())
    }

    /// Runs our program with the store.
    #[track_caller]
    pub(crate) fn authbaton(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut command = self.command(self.sandbox.path("bin/authbaton"));
        command.args(arguments).args(self.store());
        self.run_with(&mut command, input.as_bytes())
    }

    /// Puts a login into the store, and leaves nothing else.
    #[track_caller]
    pub(crate) fn seed(&self, login: &str) {
        let home = self.sandbox.path("seed-home");
        self.authbaton(&["login", "--with-auth-json", "--home", home.to_str().unwrap()], login).exited(0);
        fs::remove_dir_all(home).unwrap();
    }

    /// Returns the refresh token that the store holds, if it holds a login.
    pub(crate) fn held(&self) -> Option<String> {
        let id = SlotId { slot: SlotName::default(), audience: Audience::default() };
        let store = FileStore::new(&self.sandbox.path("var/store"), false, false);
        let (sealed, _) = store.load(&id.slot).unwrap()?;
        let keys = SealKeys::parse(&fs::read_to_string(self.key()).unwrap()).unwrap();
        let opened = Baton::open(&keys, &id, &sealed).unwrap();
        opened.baton.login().map(|login| refresh_token(&login.to_text()))
    }

    /// Demands that the store holds a login that works.
    #[track_caller]
    pub(crate) fn holds_a_living_login(&self) {
        assert!(self.authority.is_alive(&self.held().unwrap()), "the store holds a spent token");
    }

    /// Demands that no refresh token and no access token is in any file, but in these.
    #[track_caller]
    pub(crate) fn nothing_lies_around(&self, but: &[&Path]) {
        let key = fs::read_to_string(self.key()).unwrap();
        for path in files(&self.sandbox.path("")) {
            let (Ok(bytes), false) = (fs::read(&path), but.iter().any(|it| path.starts_with(it))) else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(CANARY), "a refresh token lies in {}", path.display());
            let may_have_token = path.starts_with(self.sandbox.path("seen"));
            let found = self.secrets().into_iter().find(|it| *it != key.trim() && text.contains(it.as_str()));
            assert!(may_have_token || found.is_none(), "a token lies in {}", path.display());
        }
    }
}

/// Returns the refresh token of a login.
pub(crate) fn refresh_token(login: &str) -> String {
    let login: serde_json::Value = serde_json::from_str(login).unwrap();
    login["tokens"]["refresh_token"].as_str().unwrap().to_owned()
}

/// Returns every file below a directory.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    paths
        .flat_map(|path| if path.is_dir() && !path.is_symlink() { files(&path) } else { vec![path] })
        .collect()
}
