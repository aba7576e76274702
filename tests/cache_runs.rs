//! The program with `--store actions-cache:`, as real processes against the strict server: how often each kind of run asks,
//! who may do what, and that nothing of the cache's secrets is said or handed on.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what a test cannot arrange is a failed test"
)]

#[expect(dead_code, reason = "other tests use the rest of what the server can do")]
#[path = "support/cache_server/mod.rs"]
mod cache_server;
#[path = "support/process.rs"]
mod process;
#[path = "support/sandbox.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod sandbox;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use authbaton::rehearsal::{Account, Authority, IssueOptions, Settings};
use chrono::TimeDelta;

use cache_server::Route::{self, Delete, Download, Finish, List, Lookup, Reserve, Upload};
use cache_server::{CacheServer, MAIN, Mint, Speaks, environment, on_main, routes};
use process::{Outcome, run};
use sandbox::Sandbox;

const LIMIT: Duration = Duration::from_secs(60);

struct Scene {
    sandbox: Sandbox,
    server: CacheServer,
    authority: Authority,
}

impl Scene {
    /// A slot that was seeded on the default branch, with a token that lasts so long.
    fn seeded(lifetime: TimeDelta) -> Self {
        let scene = Self {
            sandbox: Sandbox::new(),
            server: CacheServer::start(),
            authority: Authority::start(Settings::default()).unwrap(),
        };
        let seed = scene.seed(lifetime);
        scene.run(&on_main(), &["restore", "--seed-file", &seed]).exited(0);
        scene.server.asked();
        scene
    }

    fn seed(&self, lifetime: TimeDelta) -> String {
        // Long ago, so that what is left of a short life is due.
        let issued = Some(TimeDelta::hours(-10));
        let options = IssueOptions { lifetime: Some(lifetime), issued, ..IssueOptions::default() };
        let login = self.authority.issue(&Account::named("one"), &options).unwrap();
        self.sandbox.write("seed.json", login.as_bytes()).display().to_string()
    }

    fn command(&self, token: &str, arguments: &[&str]) -> Command {
        self.command_in("home", token, arguments)
    }

    fn command_in(&self, home: &str, token: &str, arguments: &[&str]) -> Command {
        let (verb, rest) = arguments.split_first().unwrap();
        let mut command = self.sandbox.command(Path::new(env!("CARGO_BIN_EXE_authbaton")));
        command.arg(verb).arg("--home").arg(self.sandbox.path(home));
        command
            .args([
                "--store",
                "actions-cache:",
                "--authority-url",
                &self.authority.url(),
                "-v",
                "--seal-key-file",
            ])
            .arg(self.sandbox.path("seal.key"))
            .args(rest)
            .envs(environment(self.server.url(), Speaks::V2, token));
        command
    }

    #[track_caller]
    fn run(&self, token: &str, arguments: &[&str]) -> Outcome {
        self.is_silent(run(&mut self.command(token, arguments), b"", LIMIT).unwrap(), token)
    }

    #[track_caller]
    fn is_silent(&self, outcome: Outcome, token: &str) -> Outcome {
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(!said.contains(token) && !said.contains("sig=") && !said.contains("/blob/"), "{said}");
        assert!(!self.server.signatures().iter().any(|signature| said.contains(signature)), "{said}");
        outcome
    }
}

fn pull() -> String {
    Mint::scopes(&[("refs/pull/7/merge", 3), (MAIN, 1)]).token()
}

const LOAD: [Route; 2] = [Lookup, Download];
const SWAP: [Route; 4] = [Reserve, Upload, Finish, Lookup];

#[test]
fn a_token_that_lasts_costs_two_requests_for_writers_and_readers() {
    let scene = Scene::seeded(TimeDelta::days(9));
    for token in [on_main(), pull()] {
        for verb in ["restore", "refresh", "doctor"] {
            scene.run(&token, &[verb]).exited(0);
            assert_eq!(scene.server.asked(), LOAD, "{verb}");
        }
    }
    assert_eq!(scene.authority.posts(), 0);
}

/// However much there would be to do: it is told, and left to others.
#[test]
fn doctor_asks_for_the_slot_once_and_nobody_for_anything_else() {
    let scene = Scene::seeded(TimeDelta::hours(-1));
    let writer = scene.run(&on_main(), &["doctor", "--strict"]).exited(0);
    assert!(writer.stdout.contains("[renewal-due]"), "{writer:#?}");
    assert_eq!(scene.server.asked(), LOAD);
    let reader = scene.run(&pull(), &["doctor", "--strict"]).exited(3);
    assert!(reader.stdout.contains("[store-read-only]"), "{reader:#?}");
    assert!(reader.stderr.contains("error[token-too-short]"), "{reader:#?}");
    assert_eq!(scene.server.asked(), LOAD);
    // Before anybody has seeded: one look that finds nothing.
    scene.run(&on_main(), &["doctor", "--slot", "other"]).exited(0);
    assert_eq!(scene.server.asked(), [Lookup]);
    assert_eq!(scene.authority.posts(), 0);
}

#[test]
fn a_refresh_loads_leases_and_stores() {
    let scene = Scene::seeded(TimeDelta::hours(1));
    scene.run(&on_main(), &["refresh"]).exited(0);
    // Between the two swaps nobody can have written: the second one would tell.
    let expected = [&LOAD as &[_], &SWAP, &SWAP].concat();
    assert_eq!(scene.server.asked(), expected);
    assert_eq!(scene.authority.exchanges(), 1);
    // With a token that may delete, one list more.
    scene.server.age(TimeDelta::days(2));
    let mut command = scene.command(&on_main(), &["refresh", "--force"]);
    command.env("AUTHBATON_GITHUB_TOKEN", routes::REST_WRITE);
    let outcome = scene.is_silent(run(&mut command, b"", LIMIT).unwrap(), routes::REST_WRITE);
    outcome.exited(0);
    let asked = scene.server.asked();
    assert_eq!(asked[..expected.len()], expected);
    assert_eq!(asked[expected.len()..], [List, Delete, Delete, Delete]);
    assert_eq!(scene.server.there().len(), 2);
}

#[test]
fn old_records_that_cannot_be_deleted_fail_nothing() {
    let scene = Scene::seeded(TimeDelta::hours(1));
    let mut command = scene.command(&on_main(), &["refresh"]);
    command.env("AUTHBATON_GITHUB_TOKEN", routes::REST_READ);
    scene.server.faults(List, 9, || cache_server::Fault::Html(500));
    run(&mut command, b"", LIMIT).unwrap().exited(0).said("old records were not removed");
}

#[test]
fn of_several_jobs_at_once_one_exchanges_and_nobody_asks_often() {
    let scene = Scene::seeded(TimeDelta::hours(1));
    let jobs: Vec<_> = (0..4)
        .map(|job| {
            // Machines of their own: homes of one machine wait for each other at a lock.
            let mut command = scene.command_in(&format!("home-{job}"), &on_main(), &["refresh"]);
            command.env("XDG_STATE_HOME", scene.sandbox.path(&format!("state-{job}")));
            command
        })
        .map(|mut command| std::thread::spawn(move || run(&mut command, b"", LIMIT).unwrap()))
        .collect();
    for job in jobs {
        scene.is_silent(job.join().unwrap(), "no token is said").exited(0);
    }
    let asked = scene.server.asked();
    assert_eq!(scene.authority.exchanges(), 1);
    println!("four jobs at once: {} requests, {:?}", asked.len(), counted(&asked));
    // One that waits looks again after two seconds at the earliest.
    assert!(asked.len() <= 10 + 3 * 14, "{asked:?}");
}

fn counted(asked: &[Route]) -> Vec<(Route, usize)> {
    let mut kinds = asked.to_vec();
    kinds.sort();
    kinds.dedup();
    kinds.into_iter().map(|kind| (kind, asked.iter().filter(|it| **it == kind).count())).collect()
}

#[test]
fn a_pull_request_spends_nothing_and_stores_nothing() {
    let scene = Scene::seeded(TimeDelta::hours(1));
    let before = scene.server.there();
    scene.run(&pull(), &["restore"]).exited(0);
    assert_eq!(scene.server.asked(), LOAD);
    scene
        .run(&pull(), &["refresh"])
        .exited(8)
        .said("error[store-read-only]")
        .said("only runs on `refs/heads/main` write, and this one is on `refs/pull/7/merge`");
    assert_eq!((scene.authority.posts(), scene.server.there() == before), (0, true));
}

#[test]
fn a_login_is_for_one_repository_unless_somebody_says_otherwise() {
    let scene = Scene::seeded(TimeDelta::days(9));
    let with = |id: &str, arguments: &[&str]| {
        let mut command = scene.command(&on_main(), arguments);
        command.env("GITHUB_REPOSITORY_ID", id);
        run(&mut command, b"", LIMIT).unwrap()
    };
    with("4712", &["restore"]).exited(3).said("error[slot-empty]");
    with("", &["restore"]).exited(2).said("error[store-not-here]").said("--audience");
    with("", &["restore", "--audience", "4711"]).exited(0);
}

#[test]
fn outside_of_an_action_it_says_what_is_missing() {
    let scene = Scene::seeded(TimeDelta::days(9));
    let mut command = scene.command(&on_main(), &["restore"]);
    command.env_remove("ACTIONS_RESULTS_URL");
    run(&mut command, b"", LIMIT)
        .unwrap()
        .exited(2)
        .said("error[store-not-here]")
        .said("only an action is told");
}

#[test]
fn the_command_gets_nothing_of_the_cache_and_its_broker_does() {
    let scene = Scene::seeded(TimeDelta::days(9));
    let token = on_main();
    let mut command = scene.command(&token, &["run", "--broker", "always", "--", "env"]);
    command.env("AUTHBATON_GITHUB_TOKEN", routes::REST_WRITE);
    let outcome = run(&mut command, b"", LIMIT).unwrap().exited(0);
    assert!(outcome.stdout.contains("CODEX_REFRESH_TOKEN_URL_OVERRIDE="), "{outcome:#?}");
    for secret in [token.as_str(), routes::REST_WRITE] {
        assert!(!outcome.stdout.contains(secret) && !outcome.stderr.contains(secret));
    }
    // The run reads, and so does its broker.
    let asked = scene.server.asked();
    assert!(asked.len() >= 4 && asked.chunks(2).all(|pair| pair == LOAD), "{asked:?}");
}
