//! What the command does to the home: it is told, and never stored.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use authbaton::rehearsal::{Account, IssueOptions};

use crate::arena::{Arena, Runner, fresh, wait_until};
use crate::job::{Job, ran};

const TOLD: &str = "warning: the command left a login of its own in its home; it is stored nowhere";

/// Runs a job in which somebody writes this into the home, and returns whether that was told.
#[track_caller]
fn is_told(arena: &Arena, broker: &str, change: impl FnOnce(&Path)) -> bool {
    let report = arena.sandbox.path("work/report.json");
    let before = arena.held_token();
    let job = Job::start(arena, &["--broker", broker, "--report", report.to_str().unwrap()]);
    let home = job.home();
    change(&home.join("auth.json"));
    let end = job.end(arena);
    let report: Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    let told = report["foreign_login"].as_bool().unwrap();
    assert_eq!(end.stderr.contains(TOLD), told, "{end:?}");
    assert!(!home.exists());
    assert_eq!(arena.held_token(), before, "something of the job was stored");
    arena.holds_a_living_token();
    arena.nothing_lies_around();
    told
}

#[test]
fn a_login_of_the_command_is_told_and_not_stored() {
    for broker in ["always", "never"] {
        let arena = Arena::new();
        arena.seed(&fresh());
        let full = arena.authority.issue(&Account::named("one"), &IssueOptions::default()).unwrap();
        let other = arena.authority.issue(&Account::named("two"), &IssueOptions::default()).unwrap();
        let key = json!({"OPENAI_API_KEY": "sk-of-the-job"}).to_string();
        for foreign in [full.as_str(), &other, &key, "not json", ""] {
            assert!(is_told(&arena, broker, |path| fs::write(path, foreign).unwrap()), "{broker}");
        }
        assert!(!is_told(&arena, broker, |_| {}));
        assert!(!is_told(&arena, broker, |path| fs::remove_file(path).unwrap()), "a logout was told");
        // The client writes what the broker gave it.
        let renewed = |path: &Path| {
            let mut document: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            document["last_refresh"] = "2030-01-01T00:00:00Z".into();
            document["tokens"]["access_token"] = "another".into();
            fs::write(path, document.to_string()).unwrap();
        };
        assert!(!is_told(&arena, broker, renewed), "{broker}");
    }
}

/// `save` of the command itself, or of a step beside it.
#[test]
fn nothing_is_saved_from_the_home_of_a_run() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let full = arena.issue(&IssueOptions::default());
    let before = arena.held_token();
    for broker in ["always", "never"] {
        let job = Job::start(&arena, &["--broker", broker]);
        let runner = Runner { home: job.home(), ..arena.first() };
        let placed = fs::read(runner.auth_json()).unwrap();
        arena.run_only(&runner, &["save"], "").failed(9, "home-brokered");
        assert!(placed == fs::read(runner.auth_json()).unwrap());
        fs::write(runner.auth_json(), &full).unwrap();
        arena.run_only(&runner, &["save"], "").failed(9, "home-brokered");
        assert_eq!(fs::read_to_string(runner.auth_json()).unwrap(), full);
        job.end(&arena);
    }
    assert_eq!(arena.held_token(), before);
    arena.nothing_lies_around();
    // Where no run is, the same login is saved.
    let runner = arena.runner(2, 0);
    fs::create_dir(&runner.home).unwrap();
    fs::write(runner.auth_json(), &full).unwrap();
    Command::new("chmod").arg("600").arg(runner.auth_json()).status().unwrap();
    arena.run(&runner, &["save"]).fine();
    assert_ne!(arena.held_token(), before);
}

/// The broker alone: nobody joins it, and nothing is saved from the home that it serves.
#[test]
fn nothing_is_saved_from_the_home_of_a_broker_alone() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let runner = arena.runner(2, 0);
    fs::create_dir(&runner.home).unwrap();
    let full = arena.issue(&IssueOptions::default());
    let before = arena.held_token();
    let mut broker = broker_alone(&arena, &runner);
    let process = Killed(broker.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let placed = || fs::read_to_string(runner.auth_json()).is_ok_and(|text| text.contains("abh1_"));
    wait_until("the handle", placed);
    ran(&arena, broker_alone(&arena, &runner)).refused(9, "home-brokered");
    fs::write(runner.auth_json(), &full).unwrap();
    arena.run_only(&runner, &["save"], "").failed(9, "home-brokered");
    drop(process);
    assert_eq!(arena.held_token(), before);
}

/// A process that ends with the test, also with one that fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn broker_alone(arena: &Arena, runner: &Runner) -> Command {
    let mut broker = arena.sandbox.command(Path::new(env!("CARGO_BIN_EXE_authbaton")));
    broker.args(["broker", "--authority-url", &arena.authority.url(), "--store", &arena.sandbox.store()]);
    broker.arg("--seal-key-file").arg(arena.sandbox.path("seal.key")).arg("--home").arg(&runner.home);
    broker
}
