//! Every layer of a configuration, in one world after another: what `codex login status` and `codex exec` make of it, and
//! what `enforce` does. Where we differ on purpose (docs/policy.md), that is what is compared.

use std::{fs, io::Write, path::Path, process::Command, time::Duration};

use crate::{
    support::{
        codex, fixtures,
        model::Model,
        process::{self, Outcome},
        sandbox::Sandbox,
    },
    worlds::{OF_PROJECTS, OF_THE_ADMINISTRATOR, OF_THE_USER, Verdict, World},
};

const LIMIT: Duration = Duration::from_secs(60);

/// Makes a directory of the sandbox `/etc`, in the eyes of one command.
const BEHIND_ETC: &str = "mount --bind \"$0\" /etc && exec \"$@\"";

/// A world that was set up, with a login in its home.
struct Stage<'a> {
    world: &'a World,
    sandbox: Sandbox,
    model: Model,
    codex: &'static Path,
    login: Vec<u8>,
}

impl<'a> Stage<'a> {
    /// Returns none only when the peer tests are turned off, which has been said loudly.
    fn set(world: &'a World) -> Option<Self> {
        let codex = codex::program()?;
        let login = fixtures::bytes(&fixtures::chatgpt());
        let stage = Self { world, sandbox: Sandbox::new(), model: Model::start(), codex, login };
        let configuration = codex::configuration(stage.model.origin(), world.user);
        stage.write("home/config.toml", &configuration);
        stage.sandbox.place(&stage.login);
        for (path, content) in world.files {
            stage.write(path, content);
        }
        Some(stage)
    }

    fn write(&self, path: &str, content: &str) {
        fs::create_dir_all(self.sandbox.path(path).parent().unwrap()).unwrap();
        self.sandbox.write(path, self.filled(content).as_bytes());
    }

    /// Projects are named by their real path.
    fn filled(&self, text: &str) -> String {
        let work = self.sandbox.path("work").canonicalize().unwrap();
        text.replace("{work}", work.to_str().unwrap())
    }

    fn flags(&self) -> Vec<String> {
        self.world.flags.iter().flat_map(|flag| ["-c".to_owned(), self.filled(flag)]).collect()
    }

    fn profile(&self) -> Vec<String> {
        self.world.profile.iter().flat_map(|name| ["--profile", name]).map(str::to_owned).collect()
    }

    fn run(&self, program: &Path, arguments: &[String]) -> Outcome {
        let mut command = if self.world.has_administrator() {
            let mut command = behind_etc(&self.sandbox);
            command.arg(program);
            command
        } else {
            self.sandbox.command(program)
        };
        command
            .args(arguments)
            .envs(codex::environment(self.model.origin()))
            .current_dir(self.sandbox.path("work").join(self.world.directory));
        process::run(&mut command, b"", LIMIT).unwrap()
    }

    fn codex_exec(&self) -> Outcome {
        let mut arguments = codex::turn(self.model.origin());
        arguments.splice(1..1, self.profile().into_iter().chain(self.flags()));
        self.run(self.codex, &arguments)
    }

    fn codex_status(&self) -> Outcome {
        let arguments = ["login", "status"].map(str::to_owned).into_iter().chain(self.flags());
        self.run(self.codex, &arguments.collect::<Vec<_>>())
    }

    fn enforce(&self, more: &[&str]) -> Outcome {
        let home = self.sandbox.home().to_str().unwrap().to_owned();
        let arguments = ["enforce", "--json", "--home", &home].into_iter().chain(more.iter().copied());
        let arguments = arguments.map(str::to_owned).chain(self.profile()).chain(self.flags());
        self.run(Path::new(env!("CARGO_BIN_EXE_authbaton")), &arguments.collect::<Vec<_>>())
    }

    /// Whether the login is where it was, byte for byte.
    fn has_login(&self) -> bool {
        let found = self.sandbox.auth_json();
        assert!(found.as_ref().is_none_or(|bytes| *bytes == self.login), "{}: another file", self.world.name);
        found.is_some()
    }
}

fn behind_etc(sandbox: &Sandbox) -> Command {
    let mut command = sandbox.command(Path::new("unshare"));
    let is_root = rustix::process::geteuid().is_root();
    command.args(if is_root { &["-m"][..] } else { &["-U", "-r", "-m"] });
    command.args(["sh", "-c", BEHIND_ETC]).arg(sandbox.path("system/etc"));
    command
}

/// Says loudly where nobody may mount. A CI must be able to.
fn may_mount() -> bool {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("system/etc/codex")).unwrap();
    let mut probe = behind_etc(&sandbox);
    let listed = process::run(probe.args(["ls", "/etc"]), b"", LIMIT);
    if listed.is_ok_and(|outcome| outcome.code == Some(0) && outcome.stdout == "codex\n") {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "a CI must be able to mount: this case did not run");
    // Not `eprintln!`, which a test that passes keeps to itself.
    let notice = b"NOT RUN, because this user may not mount: the worlds of an administrator\n";
    std::io::stderr().write_all(notice).unwrap();
    false
}

/// Demands that Codex does what is written down for this world.
#[track_caller]
fn codex_does(stage: &Stage<'_>) {
    let world = stage.world;
    // It has no `--profile`.
    let status = world.profile.is_none().then(|| stage.codex_status());
    let exec = stage.codex_exec();
    let case = format!("{}: {status:#?} {exec:#?}", world.name);
    let carried: Vec<_> = stage.model.turns().into_iter().map(|turn| turn.authorization).collect();
    let bearer = fixtures::bearer(&serde_json::from_slice(&stage.login).unwrap());
    let (code, said, expected) = match world.verdict {
        Verdict::Allowed => (0, "", vec![Some(bearer)]),
        Verdict::LoggedOut(line) => (1, line, vec![]),
        Verdict::Refused(text) => (1, text, vec![]),
        Verdict::Hidden | Verdict::Elsewhere => (0, "", vec![None]),
    };
    assert_eq!((exec.code, carried), (Some(code), expected), "{case}");
    assert!(exec.stderr.contains(said), "{said:?} is missing: {case}");
    assert_eq!(stage.has_login(), !matches!(world.verdict, Verdict::LoggedOut(_)), "{case}");
    let Some(status) = status else { return };
    let (code, says) = match world.verdict {
        Verdict::Allowed => (0, "Logged in using ChatGPT"),
        Verdict::LoggedOut(_) | Verdict::Hidden | Verdict::Elsewhere => (1, "Not logged in"),
        Verdict::Refused(_) => (1, "Error "),
    };
    assert_eq!(status.code, Some(code), "{case}");
    assert!(status.stderr.contains(says), "{case}");
}

/// Demands that we do the same, or what is better.
#[track_caller]
fn we_do(stage: &Stage<'_>) {
    let world = stage.world;
    let dry = stage.enforce(&["--dry-run"]);
    assert!(stage.has_login(), "{}: a dry run has deleted the login: {dry:#?}", world.name);
    let wet = stage.enforce(&[]);
    let case = format!("{}: {dry:#?} {wet:#?}", world.name);
    let code = match world.verdict {
        Verdict::Allowed => 0,
        Verdict::LoggedOut(_) | Verdict::Hidden => 4,
        Verdict::Elsewhere | Verdict::Refused(_) => 2,
    };
    assert_eq!((dry.code, wet.code), (Some(code), Some(code)), "{case}");
    assert_eq!(stage.has_login(), code != 4, "{case}");
    if let Verdict::LoggedOut(line) = world.verdict {
        assert!(dry.stderr.contains(line.trim_end_matches(" Logging out.")), "{case}");
        assert!(wet.stderr.contains(line), "{case}");
    }
    let seen = stage.model.seen();
    assert!(seen.is_empty(), "we have asked somebody: {seen:#?} {case}");
}

#[track_caller]
fn compare(worlds: &[World]) {
    for world in worlds {
        let (Some(theirs), Some(ours)) = (Stage::set(world), Stage::set(world)) else { return };
        codex_does(&theirs);
        we_do(&ours);
    }
}

#[test]
fn the_users_own_layers_mean_the_same_to_both() {
    compare(OF_THE_USER);
}

#[test]
fn projects_mean_the_same_to_both() {
    compare(OF_PROJECTS);
}

#[test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "the administrator's directory is replaced in a mount namespace"
)]
fn the_administrators_layers_mean_the_same_to_both() {
    if may_mount() {
        compare(OF_THE_ADMINISTRATOR);
    }
}
