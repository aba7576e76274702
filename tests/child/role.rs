//! What other processes than the test do: this test program is started again, and plays one of these roles.

use std::env;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::thread;
use std::time::Duration;

use authbaton::credential::Client;
use authbaton::disk::Patience;
use authbaton::home::{Home, RunHome, Users};
use authbaton::job::{
    ChildEnvironment, Deferral, Environment, ForChild, Signals, SystemClock, announce, harden,
    receive_settings,
};
use rustix::process::{Signal, getpid, kill_process};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGUSR1};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::raw::WithRawSiginfo;

const ROLE: &str = "ROLE";
const PLACE: &str = "PLACE";
const COMMAND: &str = "COMMAND";
/// A character that no argument has.
const BETWEEN: &str = "\u{1f}";
/// As a shell without a `PATH` has it.
pub(crate) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A process in a role. Its environment is only this.
pub(crate) fn role(name: &str, place: &Path, command: &[&str]) -> Command {
    let mut role = Command::new(env::current_exe().unwrap());
    role.args(["--exact", "role::play", "--nocapture", "--test-threads=1"]);
    role.env_clear().env("PATH", PATH).current_dir("/");
    role.env(ROLE, name).env(PLACE, place).env(COMMAND, command.join(BETWEEN));
    role
}

/// `run -- COMMAND`, as far as it is meant here.
pub(crate) fn run(command: &[&str]) -> Command {
    role("run", Path::new("/home-of-the-command"), command)
}

/// `run -- sh -c SCRIPT`.
pub(crate) fn run_script(script: &str) -> Command {
    run(&["sh", "-c", script])
}

/// `run -- COUNTER`, which says where interrupts come from.
pub(crate) fn run_counter() -> Command {
    let program = env::current_exe().unwrap();
    let script = format!(
        "ROLE=counter exec '{}' --exact role::play --nocapture --test-threads=1",
        program.to_str().unwrap()
    );
    run_script(&script)
}

/// The broker's side of its start. The frame of the tests talks on stdout, the role must not.
pub(crate) fn broker() -> Command {
    let mut command = Command::new("/bin/sh");
    let script = "exec 3>&1 >/dev/null; export ROLE=broker; exec \"$0\" \"$@\"";
    command.args(["-c", script]).arg(env::current_exe().unwrap());
    command.args(["--exact", "role::play", "--nocapture", "--test-threads=1"]);
    command
}

pub(crate) fn home(path: &Path) -> Home {
    Home::find(Client::Codex, Some(path.to_owned()), &Environment::Process).unwrap()
}

#[test]
fn play() {
    let Ok(role) = env::var(ROLE) else { return };
    harden();
    let place = env::var_os(PLACE).map(PathBuf::from).unwrap_or_default();
    match role.as_str() {
        "run" => {
            // As after an exchange: from then on signals end us again.
            drop(Deferral::begin().unwrap());
            leave(play_run(&place, Signals::listen().unwrap()))
        }
        "signalled-early" => {
            let signals = Signals::listen().unwrap();
            kill_process(getpid(), Signal::TERM).unwrap();
            leave(play_run(&place, signals));
        }
        "signalled-late" => {
            let code = play_run(&place, Signals::listen().unwrap());
            kill_process(getpid(), Signal::TERM).unwrap();
            // Another thread may take it: it needs a moment.
            thread::sleep(Duration::from_secs(5));
            leave(code);
        }
        "user" => {
            let patience = Patience { clock: &SystemClock, limit: Duration::from_secs(60), tell: &|_| {} };
            let _users = Users::join(&home(&place), &patience).unwrap();
            leave(play_run(&place, Signals::listen().unwrap()));
        }
        "home" => {
            let run = RunHome::create(&place, Client::Codex).unwrap();
            eprintln!("{}", run.home().path().display());
            loop {
                thread::park();
            }
        }
        "counter" => count_interrupts(),
        "broker" => {
            let real = OpenOptions::new().write(true).open("/proc/self/fd/3").unwrap();
            rustix::stdio::dup2_stdout(real).unwrap();
            let settings = receive_settings().unwrap();
            eprintln!("told");
            announce(&json!({ "told": String::from_utf8_lossy(&settings) })).unwrap();
            leave(0);
        }
        other => panic!("there is no role {other}"),
    }
}

/// Says where each interrupt comes from (`si_code`, see sigaction(2)), until it is told to end.
fn count_interrupts() -> ! {
    let mut signals = SignalsInfo::<WithRawSiginfo>::new([SIGINT, SIGUSR1]).unwrap();
    eprintln!("ready");
    loop {
        for info in signals.wait() {
            if info.si_signo == SIGUSR1 {
                leave(0);
            }
            eprintln!("interrupt {}", info.si_code);
        }
    }
}

fn play_run(home: &Path, mut signals: Signals) -> u8 {
    let command: Vec<OsString> = env::var(COMMAND).unwrap().split(BETWEEN).map(OsString::from).collect();
    let wanted = ForChild { client: Client::Codex, home, broker: None, secrets: &[] };
    let ours = env::vars_os().filter(|(name, _)| name != ROLE && name != PLACE && name != COMMAND);
    match signals.run(&command, &ChildEnvironment::new(ours, wanted)) {
        Ok(ended) => ended.exit_code(),
        Err(error) => {
            eprintln!("{error}");
            error.shell_code().unwrap_or(1)
        }
    }
}

/// Past the frame of the tests, which has exit codes of its own.
fn leave(code: u8) -> ! {
    process::exit(code.into())
}
