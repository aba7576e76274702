//! A command in whose eyes one file is mounted by itself, as a container does with a file that it is given: it can be
//! written, but neither replaced nor deleted.

use std::{path::Path, process::Command};

/// Whether this user may mount; a CI must be able to.
pub(crate) fn is_possible(file: &Path) -> bool {
    let mut nothing = Command::new("true");
    nothing.current_dir("/");
    let possible = mounted_by_itself(&nothing, file).status().is_ok_and(|status| status.success());
    assert!(possible || std::env::var_os("CI").is_none(), "a CI must be able to mount");
    possible
}

/// Wraps the command. Where nobody may mount, it does not run, and the case fails.
pub(crate) fn mounted_by_itself(command: &Command, file: &Path) -> Command {
    let mut outer = Command::new("unshare");
    let root = rustix::process::geteuid().is_root();
    outer.args(if root { &["-m"][..] } else { &["-U", "-r", "-m"] });
    outer.args(["sh", "-c", "mount --bind \"$0\" \"$0\" && exec \"$@\""]).arg(file);
    outer.arg(command.get_program()).args(command.get_args()).env_clear();
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    outer.current_dir(command.get_current_dir().unwrap());
    outer
}
