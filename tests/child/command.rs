//! The command itself: its exit code, its streams, its environment, its place among the processes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::process::{End, Process, is_gone};
use crate::program::write_program;
use crate::role::{PATH, run, run_script};

fn end(command: Command) -> End {
    Process::start(command, "").end()
}

#[test]
fn exit_codes_are_kept() {
    let directory = TempDir::new().unwrap();
    let file = |name: &str, mode, content: &str| {
        let path = directory.path().join(name);
        write_program(&path, content);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let script = file("script", 0o755, "#!/bin/sh\nexit $1\n");
    let bare = file("bare", 0o755, "exit $1\n");
    let text = file("text", 0o644, "text");
    let table: [(&[&str], i32, String); 14] = [
        (&["true"], 0, String::new()),
        (&["false"], 1, String::new()),
        (&["sh", "-c", "exit 7"], 7, String::new()),
        (&["sh", "-c", "exit 255"], 255, String::new()),
        (&["sh", "-c", "kill -TERM $$"], 128 + 15, String::new()),
        (&["sh", "-c", "kill -KILL $$"], 128 + 9, String::new()),
        (&[&script, "12"], 12, String::new()),
        (&[&bare, "13"], 13, String::new()),
        (&["no-such-program"], 127, "`no-such-program` was not found\n".to_owned()),
        (&["/no/such/program"], 127, "`/no/such/program` was not found\n".to_owned()),
        (&[""], 127, "`` was not found\n".to_owned()),
        (&["KEY=sk-secret", "codex"], 127, "the command was not found\n".to_owned()),
        (&[&text], 126, format!("`{text}` cannot be executed\n")),
        (&["/"], 126, "`/` cannot be executed\n".to_owned()),
    ];
    for (command, code, stderr) in table {
        let expected = End { code, stdout: String::new(), stderr };
        assert_eq!(end(run(command)), expected, "{command:?}");
    }
}

#[test]
fn its_streams_are_ours() {
    let reading = Process::start(run_script("cat; echo said >&2"), "what was piped\n").end();
    let expected = End { code: 0, stdout: "what was piped\n".to_owned(), stderr: "said\n".to_owned() };
    assert_eq!(reading, expected);
    let closing = end(run_script("exec 0<&- 1>&- 2>&-; sleep 0.05; exit 3"));
    assert_eq!((closing.code, closing.stdout.as_str(), closing.stderr.as_str()), (3, "", ""));
    let mut without = Command::new("sh");
    let inner = run_script("cat; exit 4");
    without.args(["-c", "exec <&-; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
    without.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert_eq!(end(without).code, 4);
}

#[test]
fn its_environment_is_made_for_it() {
    let mut command = run_script("tr '\\0' '\\n' </proc/$$/environ");
    command.env("AUTHBATON_SEAL_KEY", "secret").env("CODEX_API_KEY", "secret").env("KEPT", "a\nb");
    let stdout = end(command).stdout;
    let mut lines: Vec<&str> = stdout.lines().collect();
    lines.sort_unstable();
    let path = format!("PATH={PATH}");
    assert_eq!(lines, ["CODEX_HOME=/home-of-the-command", "KEPT=a", path.as_str(), "b"]);
}

#[test]
fn it_is_in_our_group_and_session() {
    // The fields 4, 5 and 6: parent, group, session.
    let process = Process::start(run_script("cut -d ' ' -f 4,5,6 /proc/$$/stat"), "");
    let id = process.id();
    let session = our_session();
    assert_eq!(process.end().stdout, format!("{id} {id} {session}\n"));
}

/// As the kernel tells the command. `getsid` would do but for a container: there the session's leader may be outside,
/// and has the number 0.
fn our_session() -> String {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').nth(3).unwrap().to_owned()
}

/// This process and `run` have given their own limit up.
#[test]
fn it_may_write_a_core_dump_if_we_were_allowed_to() {
    let limit = |command: Command| end(command).stdout;
    let set = "ulimit -Sc 7 2>/dev/null;";
    let mut directly = Command::new("sh");
    directly.args(["-c", &format!("{set} ulimit -Sc")]);
    let inner = run_script("ulimit -Sc");
    let mut through = Command::new("sh");
    through
        .args(["-c", &format!("{set} exec \"$0\" \"$@\"")])
        .arg(inner.get_program())
        .args(inner.get_args());
    through.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    assert_eq!(limit(through), limit(directly));
}

#[test]
fn what_it_leaves_running_is_not_waited_for() {
    let process = Process::start(run_script("setsid sh -c 'echo $$ >&2; exec sleep 1000' & exit 4"), "");
    let daemon: u32 = {
        crate::process::wait_until("the daemon", || process.said().ends_with('\n'));
        process.said().trim().parse().unwrap()
    };
    assert_eq!(process.end().code, 4);
    assert!(!is_gone(daemon), "it should still run");
    kill_process(Pid::from_raw(daemon.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
}
