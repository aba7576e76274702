//! At a terminal: the kernel tells the whole group of Ctrl-C, and only the leader of the session of its end.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;

use rustix::fs::OFlags;
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::process::{Process, wait_until};
use crate::role::{run_counter, run_script};

/// `run` as the leader of a session with a terminal of its own, and the other end of that terminal.
fn at_a_terminal(inner: Command) -> (Process, File) {
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&keyboard).unwrap();
    unlockpt(&keyboard).unwrap();
    let name = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
    let no_terminal_of_ours = OFlags::NOCTTY.bits().try_into().unwrap();
    let terminal =
        OpenOptions::new().read(true).write(true).custom_flags(no_terminal_of_ours).open(name).unwrap();
    let mut command = Command::new("setsid");
    command.arg("--ctty").arg(inner.get_program()).args(inner.get_args());
    command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    (Process::start_with(command, terminal), keyboard.into())
}

/// Many, because one that is handed on may come so soon after the other that both count as one.
#[test]
fn each_ctrl_c_reaches_the_command_once() {
    const TIMES: usize = 20;
    const OF_THE_KERNEL: &str = "interrupt 128\n";
    let (process, mut keyboard) = at_a_terminal(run_counter());
    process.wait_for("ready");
    for time in 1..=TIMES {
        keyboard.write_all(b"\x03").unwrap();
        wait_until("the interrupt", || process.said().matches(OF_THE_KERNEL).count() >= time);
    }
    // Handed on after whatever else would have been.
    process.send(Signal::USR1);
    let end = process.end();
    assert_eq!((end.code, end.stderr), (0, format!("ready\n{}", OF_THE_KERNEL.repeat(TIMES))));
}

#[test]
fn a_terminal_that_goes_away_is_told_to_the_command() {
    let (process, keyboard) =
        at_a_terminal(run_script("trap 'exit 33' HUP; echo ready >&2; while :; do sleep 0.01; done"));
    process.wait_for("ready");
    drop(keyboard);
    assert_eq!(process.end().code, 33);
}
