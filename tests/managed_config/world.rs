//! A cell on disk, and our program in it: the files at their places below a root of our own, the command line that asks
//! the same question, and what came of it.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    busy,
    cell::{Case, Verb},
    outcome::{Fate, Seen},
    process::run,
};

/// Only a program that hangs needs it.
const LIMIT: Duration = Duration::from_secs(30);

/// One cell's directories. They vanish with the value.
pub(crate) struct World<'a> {
    case: &'a Case,
    directory: TempDir,
    before: Option<Vec<u8>>,
}

impl<'a> World<'a> {
    pub(crate) fn new(case: &'a Case) -> Self {
        let directory = TempDir::new().unwrap();
        let mut world = Self { case, directory, before: None };
        for name in ["user/home", "user/work", "root", "temporary", "state"] {
            fs::create_dir_all(world.path(name)).unwrap();
        }
        fs::create_dir_all(world.real(case.directory())).unwrap();
        if let Some(config) = &case.user_config {
            world.write("$CODEX_HOME/config.toml", config);
        }
        for (path, content) in &case.cell.files {
            world.write(path, content);
        }
        world.before = match &case.auth_json {
            Value::Null => None,
            Value::String(raw) => Some(raw.clone().into_bytes()),
            object => Some(serde_json::to_vec_pretty(object).unwrap()),
        };
        if let Some(bytes) = &world.before {
            let linked = case.cell.setup == "auth-json-symlink";
            private(&if linked { world.target() } else { world.auth_json() }, bytes);
            if linked {
                symlink(world.target(), world.auth_json()).unwrap();
            }
        }
        world
    }

    /// Puts the real paths in the place of the placeholders.
    pub(crate) fn real(&self, text: &str) -> String {
        let text = text.replace("/etc/codex/", &format!("{}/etc/codex/", self.path("root").display()));
        [("$CODEX_HOME", "user/home"), ("$CWD", "user/work"), ("$HOME", "user")]
            .iter()
            .fold(text, |text, (name, place)| text.replace(name, &self.path(place).display().to_string()))
            .replace("$BASE", "http://127.0.0.1:9")
    }

    /// Runs our program.
    pub(crate) fn run(&self) -> Seen {
        let mut command = self.command();
        let mount = (self.case.cell.setup == "auth-json-busy-mount").then(|| self.auth_json());
        if let Some(path) = mount {
            command = busy::mounted_by_itself(&command, &path);
        }
        let outcome = run(&mut command, self.case.stdin.as_bytes(), LIMIT).unwrap();
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let linked = self.case.cell.setup == "auth-json-symlink";
        Seen {
            code: outcome.code,
            id: text(&report["error"]["id"]),
            message: text(&report["error"]["message"]),
            fate: self.fate(),
            target_survived: !linked || fs::read(self.target()).ok() == self.before,
            policy: report["policy"].clone(),
            stderr: outcome.stderr,
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authbaton"));
        let verb = self.case.verb();
        match verb {
            Verb::Exec => command.arg("enforce"),
            Verb::Status | Verb::ConfigRead | Verb::StartupConfig | Verb::Bystander => {
                command.args(["enforce", "--dry-run"])
            }
            Verb::LoginKey => command.args(["login", "--with-api-key"]),
            Verb::LoginToken => command.args(["login", "--with-access-token"]),
            Verb::LoginArgument => command.args(["login", "--api-key", self.case.options(&["--api-key"])[0]]),
            Verb::Logout => command.arg("logout"),
        };
        command.arg("--json").arg("--home").arg(self.path("user/home"));
        if verb != Verb::Logout {
            command.arg("--config-root").arg(self.path("root"));
            for text in self.case.overrides() {
                command.args(["-c", &self.real(&text)]);
            }
            command.args(self.case.profile().map(|name| format!("--profile={name}")));
        }
        command.env_clear().envs(&self.case.cell.env);
        command.env("HOME", self.path("user")).env("CODEX_HOME", self.path("user/home"));
        command.env("TMPDIR", self.path("temporary")).env("XDG_STATE_HOME", self.path("state"));
        command.current_dir(self.real(self.case.directory()));
        command
    }

    fn fate(&self) -> Fate {
        // Not what a link leads to: a link that is left is a file that is left.
        let present = self.auth_json().symlink_metadata().is_ok();
        match (&self.before, present) {
            (None, false) => Fate::Absent,
            (None, true) => Fate::Created,
            (Some(_), false) => Fate::Removed,
            (Some(before), true) if fs::read(self.auth_json()).ok().as_ref() == Some(before) => Fate::Kept,
            (Some(_), true) => Fate::Rewritten,
        }
    }

    fn auth_json(&self) -> PathBuf {
        self.path("user/home/auth.json")
    }

    /// What a linked `auth.json` leads to.
    fn target(&self) -> PathBuf {
        self.path("user/elsewhere.json")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, path: &str, content: &str) {
        private(Path::new(&self.real(path)), self.real_content(content).as_bytes());
    }

    /// As [`Self::real`], but for `/etc/codex/`, which is only a place.
    fn real_content(&self, content: &str) -> String {
        content.split("/etc/codex/").map(|part| self.real(part)).collect::<Vec<_>>().join("/etc/codex/")
    }
}

fn private(path: &Path, content: &[u8]) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
