//! How the broker is started: what it is given, and what becomes of one that does not answer as a broker does.

use std::ffi::OsString;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authbaton::job::{BrokerProcess, BrokerProcessError, SystemClock, Voice};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::process::{LIMIT, is_gone, wait_until};
use crate::role::broker;

type Started = Result<(BrokerProcess, Value), BrokerProcessError>;
type Heard = Arc<Mutex<Vec<String>>>;

const GREETING: &str = "echo 'authbaton broker';";

fn script(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    command
}

fn start(command: Command, settings: &str, limit: Duration) -> (Started, Heard) {
    let ours = [
        ("AUTHBATON_SEAL_KEY", "secret"),
        ("CODEX_HOME", "/x"),
        ("HOME", "/root-of-the-user"),
        ("HTTPS_PROXY", "http://proxy:1"),
        ("LD_PRELOAD", "/x"),
        ("NO_PROXY", "a"),
        ("PATH", "/bin"),
        ("RUNNER_TRACKING_ID", "github_1"),
        ("SEED", "secret"),
    ];
    let ours = ours.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let settings = Zeroizing::new(settings.as_bytes().to_vec());
    let heard = Heard::default();
    let into = Arc::clone(&heard);
    let hear = move |line: &str| into.lock().unwrap().push(line.to_owned());
    (BrokerProcess::start(command, ours, settings, limit, &SystemClock, Voice::Heard(Box::new(hear))), heard)
}

#[test]
fn both_ends_understand_each_other() {
    // More than a pipe holds.
    let settings = "s".repeat(12 * 1024);
    let (started, heard) = start(broker(), &settings, LIMIT);
    let (mut process, answer) = started.unwrap();
    assert_eq!(answer, json!({ "told": settings }));
    assert_eq!(process.ended_within(LIMIT, &SystemClock), Some(Some(0)));
    assert_eq!(*heard.lock().unwrap(), ["told"]);
}

#[test]
fn large_settings_arrive_whole() {
    let settings = "s".repeat(400 * 1024);
    let (started, _) = start(script(&format!("{GREETING} wc -c")), &settings, LIMIT);
    assert_eq!(started.unwrap().1, json!(settings.len()));
}

#[test]
fn it_has_next_to_nothing_of_our_environment_and_its_own_group() {
    let look = "tr '\\0' '\\n' </proc/$$/environ >&2; cat >/dev/null; cut -d ' ' -f 5 /proc/$$/stat; \
                echo $$ >&2; printf 'a \\033[2Jtorn line' >&2";
    let (started, heard) = start(script(&format!("{GREETING} {look}")), "", LIMIT);
    let (mut process, group) = started.unwrap();
    assert_eq!(process.ended_within(LIMIT, &SystemClock), Some(Some(0)));
    let mut heard = heard.lock().unwrap().clone();
    assert_eq!(heard.pop().as_deref(), Some("a [2Jtorn line"));
    assert_eq!(heard.pop(), Some(group.to_string()), "it leads its own group");
    heard.sort();
    let kept =
        ["HOME=/root-of-the-user", "HTTPS_PROXY=http://proxy:1", "NO_PROXY=a", "RUNNER_TRACKING_ID=github_1"];
    assert_eq!(heard, kept);
}

#[test]
fn it_is_told_nothing_before_it_says_who_it_is() {
    let peek = "sleep 0.05; dd bs=64 count=1 iflag=nonblock 2>/dev/null >&2; echo peeked >&2;";
    let patient = "until cat 2>/dev/null; do sleep 0.01; done";
    let (started, heard) = start(script(&format!("{peek} {GREETING} {patient}")), "{}\n", LIMIT);
    let (mut process, answer) = started.unwrap();
    process.ended_within(LIMIT, &SystemClock);
    assert_eq!((answer, heard.lock().unwrap().clone()), (json!({}), vec!["peeked".to_owned()]));
}

#[test]
fn one_that_does_not_answer_as_a_broker_is_told_to_end() {
    const SHORT: Duration = Duration::from_millis(300);
    let waits = "exec sleep 1000";
    let table = [
        ("ends at once", "exit 3".to_owned(), LIMIT, "ended 3"),
        ("is another program", "echo hello".to_owned(), LIMIT, "ended 0"),
        ("goes on as another program", format!("echo usage: another program; {waits}"), LIMIT, "garbled"),
        ("ends when it is told", format!("{GREETING} cat >/dev/null; exit 2"), LIMIT, "ended 2"),
        ("answers no JSON", format!("{GREETING} cat >/dev/null; echo no; {waits}"), LIMIT, "garbled"),
        ("answers for ever", format!("{GREETING} cat >/dev/null; exec cat /dev/zero"), LIMIT, "garbled"),
        ("says nothing", waits.to_owned(), SHORT, "timed out"),
        ("reads nothing", format!("{GREETING} {waits}"), SHORT, "timed out"),
        ("answers nothing", format!("{GREETING} cat >/dev/null; {waits}"), SHORT, "timed out"),
    ];
    for (what, does, limit, expected) in table {
        let settings = "s".repeat(200 * 1024);
        let (started, heard) = start(script(&format!("echo $$ >&2; {does}")), &settings, limit);
        let problem = match started {
            Ok(_) => "none".to_owned(),
            Err(BrokerProcessError::NotStarted(_)) => "not started".to_owned(),
            Err(BrokerProcessError::Ended { code }) => format!("ended {}", code.unwrap_or(-1)),
            Err(BrokerProcessError::TimedOut(_)) => "timed out".to_owned(),
            Err(BrokerProcessError::Garbled) => "garbled".to_owned(),
        };
        assert_eq!(problem, expected, "{what}");
        wait_until("it said who it is", || !heard.lock().unwrap().is_empty());
        let pid: u32 = heard.lock().unwrap()[0].parse().unwrap();
        wait_until(what, || is_gone(pid));
    }
    let (started, _) = start(Command::new("/no/such/program"), "", LIMIT);
    assert!(matches!(started, Err(BrokerProcessError::NotStarted(_))));
}
