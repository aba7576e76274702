//! The two stages of the action around a job: a broker that outlives `main`, serves the steps that follow, and is gone, with
//! all that it renewed in the store, when `post` has ended.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::arena::{Arena, fresh, wait_until};
use crate::client::Client;
use crate::job::{End, Job, file_of, kill_9, lives};
use crate::launch::LIMIT;

const FILES: [&str; 4] = ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"];
const PUSH: &str = r#"{"repository":{"id":1,"default_branch":"main"}}"#;

/// A job of the action.
struct Stages<'a> {
    arena: &'a Arena,
    name: String,
    inputs: Vec<(&'static str, String)>,
    variables: Vec<(&'static str, String)>,
    state: Vec<(String, String)>,
    /// Of the runner.
    process: Option<u32>,
}

impl<'a> Stages<'a> {
    fn new(arena: &'a Arena, name: &str, inputs: &[(&'static str, &str)]) -> Self {
        let key = fs::read_to_string(arena.sandbox.path("seal.key")).unwrap();
        let mut all =
            vec![("STORE", arena.sandbox.store()), ("SEAL-KEY", key), ("BROKER", "always".to_owned())];
        all.push(("AUTHORITY-URL", arena.authority.url()));
        all.extend(inputs.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let name = format!("stage-{name}");
        fs::create_dir(arena.sandbox.path(&format!("work/{name}"))).unwrap();
        Self { arena, name, inputs: all, variables: Vec::new(), state: Vec::new(), process: None }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.arena.sandbox.path(&format!("work/{}/{name}", self.name))
    }

    fn command(&self, stage: &str) -> Command {
        let sandbox = &self.arena.sandbox;
        let mut command = sandbox.command(Path::new(env!("CARGO_BIN_EXE_authbaton")));
        command.args(["action", stage]).args(self.process.map(|it| it.to_string()));
        for name in FILES {
            fs::write(self.file(name), "").unwrap();
            command.env(name, self.file(name));
        }
        fs::write(self.file("event.json"), PUSH).unwrap();
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", "push")
            .env("GITHUB_REF", "refs/heads/main");
        command
            .env("GITHUB_EVENT_PATH", self.file("event.json"))
            .env("RUNNER_TEMP", sandbox.path("temporary"));
        command.env("RUNNER_TRACKING_ID", self.tracking());
        command.envs(self.inputs.iter().map(|(name, value)| (format!("INPUT_{name}"), value)));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.envs(self.state.iter().map(|(name, value)| (format!("STATE_{name}"), value)));
        command
    }

    /// By which a runner finds what a job leaves running.
    fn tracking(&self) -> String {
        format!("github_{}", self.file("").display())
    }

    #[track_caller]
    fn main(&mut self) -> End {
        let mut command = self.command("main");
        let end = Job::spawn(self.arena, &mut command, PathBuf::new()).wait_masked(self.arena);
        for name in ["directory", "home", "placed", "broker"] {
            self.state.extend(self.told("GITHUB_STATE", name).map(|value| (name.to_owned(), value)));
        }
        end
    }

    #[track_caller]
    fn post(&self) -> End {
        let mut command = self.command("post");
        Job::spawn(self.arena, &mut command, PathBuf::new()).wait_masked(self.arena)
    }

    fn told(&self, file: &str, name: &str) -> Option<String> {
        let text = fs::read_to_string(self.file(file)).unwrap();
        let (_, rest) = text.split_once(&format!("{name}<<"))?;
        let (delimiter, rest) = rest.split_once('\n')?;
        rest.split_once(&format!("\n{delimiter}\n")).map(|(value, _)| value.to_owned())
    }

    /// The home, as a step after `main` finds it.
    fn home(&self) -> PathBuf {
        self.state.iter().find(|(name, _)| name == "home").map_or_else(
            || {
                PathBuf::from(&self.state.iter().find(|(name, _)| name == "directory").unwrap().1)
                    .join("home")
            },
            |(_, path)| path.into(),
        )
    }

    fn auth_json(&self) -> Value {
        serde_json::from_slice(&fs::read(self.home().join("auth.json")).unwrap()).unwrap()
    }

    /// A client of the broker, before another stage has been run.
    fn client(&self) -> Client {
        let handle = self.auth_json()["tokens"]["refresh_token"].as_str().unwrap().to_owned();
        assert!(handle.starts_with("abh1_"));
        Client { url: self.told("GITHUB_ENV", "CODEX_REFRESH_TOKEN_URL_OVERRIDE").unwrap(), handle }
    }

    fn broker(&self) -> Option<u32> {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.find(|pid| {
            lives(*pid)
                && file_of(*pid, "cmdline").contains("--handed-over")
                && file_of(*pid, "environ").contains(&self.tracking())
        })
    }
}

impl Drop for Stages<'_> {
    /// A test that fails leaves no broker behind.
    fn drop(&mut self) {
        if let Some(broker) = self.broker() {
            kill_9(broker);
        }
    }
}

fn arena() -> Arena {
    let arena = Arena::new();
    arena.seed(&fresh());
    arena
}

#[track_caller]
fn fine(end: &End) {
    assert_eq!(end.code, Some(0), "{end:?}");
}

#[track_caller]
fn nothing_is_left(stages: &Stages<'_>) {
    assert_eq!(stages.broker(), None, "the broker is still there");
    assert_eq!(fs::read_dir(stages.arena.sandbox.path("temporary")).unwrap().count(), 0);
    stages.arena.holds_a_living_token();
    stages.arena.nothing_lies_around();
}

#[test]
fn the_broker_serves_between_the_stages() {
    let arena = arena();
    let mut stages = Stages::new(&arena, "serves", &[]);
    fine(&stages.main());
    let client = stages.client();
    let before = arena.held_access_token();
    let renewed = client.ask("unauthorized_recovery").unwrap().token(&client);
    assert_ne!(before, renewed);
    assert_eq!(renewed, arena.held_access_token(), "stored before used");
    let end = stages.post();
    fine(&end);
    assert!(client.ask("unauthorized_recovery").is_err());
    assert_eq!(arena.authority.exchanges(), 1);
    nothing_is_left(&stages);
}

#[test]
fn an_exchange_at_the_end_is_finished_and_stored() {
    let arena = arena();
    let mut stages = Stages::new(&arena, "finishes", &[]);
    fine(&stages.main());
    let client = stages.client();
    arena.authority.hold_replies();
    let asking = std::thread::spawn(move || client.ask("unauthorized_recovery"));
    assert!(arena.authority.wait_for_exchanges(1, LIMIT));
    let sign = Path::new(&stages.state[0].1).join("broker.stay");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_until("post", || !sign.exists());
            arena.authority.release();
        });
        fine(&stages.post());
    });
    asking.join().unwrap().ok();
    assert_eq!((arena.authority.exchanges(), arena.phase().as_str()), (1, "idle"));
    nothing_is_left(&stages);
}

#[test]
fn a_broker_does_not_outlive_its_runner() {
    let arena = arena();
    let mut stages = Stages::new(&arena, "runner", &[]);
    let mut runner: Child = Command::new("sleep").arg("600").spawn().unwrap();
    stages.process = Some(runner.id());
    fine(&stages.main());
    let broker = stages.broker().unwrap();
    runner.kill().unwrap();
    runner.wait().unwrap();
    wait_until("the end of the broker", || !lives(broker));
    stages.process = None;
    fine(&stages.post());
    nothing_is_left(&stages);
}

#[test]
fn a_broker_that_was_killed_is_told_of() {
    let arena = arena();
    let mut stages = Stages::new(&arena, "killed", &[]);
    fine(&stages.main());
    kill_9(stages.broker().unwrap());
    let end = stages.post();
    fine(&end);
    assert!(end.stdout.contains("::warning title=authbaton::the broker was killed"), "{end:?}");
    nothing_is_left(&stages);
}

#[cfg(feature = "failpoints")]
#[test]
fn what_a_killed_broker_renewed_is_stored_at_the_end() {
    for (number, point) in ["after:write-journal", "before:store", "after:store"].into_iter().enumerate() {
        let arena = arena();
        let mut stages = Stages::new(&arena, &format!("point-{number}"), &[]);
        stages.variables =
            vec![("AUTHBATON_FAILPOINT", point.to_owned()), ("AUTHBATON_CLOCK_SPEED", "25".to_owned())];
        fine(&stages.main());
        let (client, broker) = (stages.client(), stages.broker().unwrap());
        assert!(client.ask("unauthorized_recovery").is_err(), "{point}");
        wait_until("the end of the broker", || !lives(broker));
        stages.variables.remove(0);
        fine(&stages.post());
        assert_eq!((arena.authority.exchanges(), arena.phase().as_str()), (1, "idle"), "{point}");
        nothing_is_left(&stages);
    }
}

#[cfg(feature = "failpoints")]
#[test]
fn what_is_not_stored_fails_the_job() {
    let arena = arena();
    let mut stages = Stages::new(&arena, "unstored", &[]);
    stages.variables = vec![("AUTHBATON_CLOCK_SPEED", "25".to_owned())];
    fine(&stages.main());
    let client = stages.client();
    arena.authority.hold_replies();
    let asking = std::thread::spawn(move || client.ask("unauthorized_recovery"));
    assert!(arena.authority.wait_for_exchanges(1, LIMIT));
    let (store, away) = (arena.sandbox.path("store"), arena.sandbox.path("store-away"));
    fs::rename(&store, &away).unwrap();
    fs::write(&store, "").unwrap();
    arena.authority.release();
    asking.join().unwrap().ok();
    let end = stages.post();
    assert_eq!(end.code, Some(10), "{end:?}");
    assert!(end.stdout.contains("::error title=authbaton%3A rotated-not-stored::"), "{end:?}");
    assert!(end.stdout.contains("BEGIN AUTHBATON RESCUE"), "no rescue text: {end:?}");
    // The journal of this machine brings it back.
    fs::remove_file(&store).unwrap();
    fs::rename(&away, &store).unwrap();
    let mut next = Stages::new(&arena, "next", &[]);
    fine(&next.main());
    fine(&next.post());
    assert_eq!((arena.authority.exchanges(), arena.phase().as_str()), (1, "idle"));
    nothing_is_left(&next);
}

/// A CI cancels with SIGINT; what was begun is finished, and the next job has it.
#[test]
fn a_job_that_is_cancelled_in_an_exchange_loses_nothing() {
    let arena = Arena::due();
    let mut stages = Stages::new(&arena, "cancelled", &[("BROKER", "never")]);
    arena.authority.hold_replies();
    let mut command = stages.command("main");
    let job = Job::spawn(&arena, &mut command, PathBuf::new());
    assert!(arena.authority.wait_for_exchanges(1, LIMIT));
    kill_process(Pid::from_raw(i32::try_from(job.pid()).unwrap()).unwrap(), Signal::INT).unwrap();
    arena.authority.release();
    let end = job.wait_masked(&arena);
    assert_eq!(end.signal, Some(2), "{end:?}");
    stages.state.extend(stages.told("GITHUB_STATE", "directory").map(|it| ("directory".to_owned(), it)));
    fine(&stages.post());
    assert_eq!((arena.authority.exchanges(), arena.phase().as_str()), (1, "idle"));
    nothing_is_left(&stages);
}

#[test]
fn a_home_that_is_kept_has_no_handle() {
    let arena = arena();
    let mut stages = Stages::new(&arena, "kept", &[("CLEANUP", "false")]);
    fine(&stages.main());
    stages.client();
    fine(&stages.post());
    assert_eq!(stages.broker(), None);
    assert_eq!(stages.auth_json()["tokens"]["refresh_token"], "");
}

#[test]
fn in_a_home_of_the_user_only_our_login_is_deleted() {
    let arena = arena();
    for foreign in [false, true] {
        let home = arena.sandbox.path(&format!("home-{foreign}"));
        let mut stages =
            Stages::new(&arena, &format!("named-{foreign}"), &[("CODEX-HOME", home.to_str().unwrap())]);
        fs::create_dir(&home).unwrap();
        fs::write(home.join("config.toml"), "model = \"m\"\n").unwrap();
        fine(&stages.main());
        let other = r#"{"OPENAI_API_KEY":"sk-of-the-job"}"#;
        if foreign {
            fs::write(home.join("auth.json"), other).unwrap();
        }
        let end = stages.post();
        fine(&end);
        assert_eq!(fs::read_to_string(home.join("auth.json")).ok(), foreign.then(|| other.to_owned()));
        assert_eq!(end.stdout.contains("was not placed here; it is left alone"), foreign, "{end:?}");
        assert!(home.join("config.toml").is_file());
        nothing_is_left(&stages);
    }
}

/// The last of two steps is the first at the end.
#[test]
fn two_steps_in_one_home_share_a_broker() {
    let arena = arena();
    let home = arena.sandbox.path("home-shared");
    let inputs = [("CODEX-HOME", home.to_str().unwrap())];
    let (mut first, mut second) =
        (Stages::new(&arena, "first", &inputs), Stages::new(&arena, "second", &inputs));
    fine(&first.main());
    fine(&second.main());
    let (ours, theirs) = (first.client(), second.client());
    assert_eq!((&ours.url, &ours.handle), (&theirs.url, &theirs.handle));
    assert_eq!(second.broker(), None);
    fine(&second.post());
    assert!(first.broker().is_some(), "the second step ended the broker of the first");
    fine(&first.post());
    nothing_is_left(&first);
}
