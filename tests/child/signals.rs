//! Signals that are sent to `run` alone: they are the command's.

use std::path::Path;
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{Process, state, wait_until};
use crate::role::{role, run_script};

const HANDED_ON: [(&str, Signal); 6] = [
    ("INT", Signal::INT),
    ("TERM", Signal::TERM),
    ("HUP", Signal::HUP),
    ("QUIT", Signal::QUIT),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
];

/// A script that says that it is ready, and then waits in a way that lets traps run soon.
fn ready_then_wait(traps: &str) -> Command {
    run_script(&format!("{traps}; echo ready >&2; while :; do sleep 0.01; done"))
}

fn started(command: Command) -> Process {
    let process = Process::start(command, "");
    process.wait_for("ready");
    process
}

#[test]
fn each_is_handed_on() {
    for (name, signal) in HANDED_ON {
        let process = started(ready_then_wait(&format!("trap 'echo got {name} >&2; exit 42' {name}")));
        process.send(signal);
        let end = process.end();
        assert_eq!((end.code, end.stderr), (42, format!("ready\ngot {name}\n")), "{name}");
    }
}

#[test]
fn a_command_that_obeys_one_ends_with_128_and_its_number() {
    for (name, signal) in HANDED_ON {
        let process = started(ready_then_wait(":"));
        process.send(signal);
        assert_eq!(process.end().code, 128 + signal.as_raw(), "{name}");
    }
}

#[test]
fn a_second_interrupt_is_handed_on_too() {
    let trap = "n=0; trap 'n=$((n+1)); echo int $n >&2; [ $n = 2 ] && exit 9' INT";
    let process = started(ready_then_wait(trap));
    process.send(Signal::INT);
    process.wait_for("int 1");
    assert_ne!(state(process.id()), 'Z', "the first one ended us");
    process.send(Signal::INT);
    let end = process.end();
    assert_eq!((end.code, end.stderr.as_str()), (9, "ready\nint 1\nint 2\n"));
}

#[test]
fn one_that_comes_before_the_command_has_started_is_the_commands() {
    let command = role("signalled-early", Path::new("/"), &["sleep", "1000"]);
    assert_eq!(Process::start(command, "").end().code, 128 + 15);
}

#[test]
fn one_that_comes_after_all_is_done_ends_us_again() {
    let command = role("signalled-late", Path::new("/"), &["true"]);
    assert_eq!(Process::start(command, "").end().code, 1000 + 15);
}

/// As `nohup` starts us.
#[test]
fn what_was_ignored_stays_ignored_for_both() {
    let directory = TempDir::new().unwrap();
    let go = directory.path().join("go");
    let script =
        format!("kill -HUP $$; echo ready >&2; while [ ! -e {} ]; do sleep 0.01; done; exit 3", go.display());
    let inner = run_script(&script);
    let mut outer = Command::new("sh");
    outer.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    outer.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let process = started(outer);
    process.send(Signal::HUP);
    std::fs::write(go, "").unwrap();
    assert_eq!(process.end().code, 3);
}

/// Ctrl-Z and `fg`, as a shell sees them. The command starts nothing: a shell that is just doing so waits for its child,
/// which has stopped, and does not stop itself.
#[test]
fn the_group_stops_and_goes_on_as_one() {
    let directory = TempDir::new().unwrap();
    let pipe = directory.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let script = format!("echo pid $$ >&2; read line <{}; exit 6", pipe.display());
    let process = Process::start(run_script(&script), "");
    let command: u32 = process.wait_for("pid ").parse().unwrap();
    let both_are = |letter| [process.id(), command].iter().all(|pid| state(*pid) == letter);
    wait_until("both wait", || both_are('S'));
    process.send_to_group(Signal::TSTP);
    wait_until("both have stopped", || both_are('T'));
    process.send_to_group(Signal::CONT);
    wait_until("both wait again", || both_are('S'));
    std::fs::write(pipe, "line\n").unwrap();
    assert_eq!(process.end().code, 6);
}
