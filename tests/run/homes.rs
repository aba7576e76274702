//! `--home`: a home that is there before and after the run, and perhaps for several at once.

use std::fs;

use serde_json::{Value, json};

use crate::arena::{Arena, Runner, fresh, wait_until};
use crate::job::{Job, lives, ran, run};

fn arena() -> (Arena, Runner) {
    let arena = Arena::new();
    arena.seed(&fresh());
    let runner = arena.runner(2, 0);
    fs::create_dir(&runner.home).unwrap();
    (arena, runner)
}

fn options<'a>(runner: &'a Runner, broker: &'a str) -> [&'a str; 4] {
    ["--home", runner.home.to_str().unwrap(), "--broker", broker]
}

fn refresh_token(runner: &Runner) -> String {
    let document: Value = serde_json::from_slice(&fs::read(runner.auth_json()).unwrap()).unwrap();
    document["tokens"]["refresh_token"].as_str().unwrap().to_owned()
}

#[test]
fn it_is_left_with_an_access_only_file() {
    let (arena, runner) = arena();
    for broker in ["always", "never", "always"] {
        let job = Job::start(&arena, &options(&runner, broker));
        assert_eq!(job.home(), runner.home);
        if broker == "always" {
            let client = job.client();
            client.ask("proactive_expiry").unwrap().token(&client);
        }
        job.end(&arena);
        assert_eq!(refresh_token(&runner), "", "{broker}");
        assert_eq!(runner.access_token(), arena.held_access_token());
        arena.nothing_lies_around();
    }
    arena.run(&runner, &["refresh", "--force"]).refreshed(true);
    assert_eq!(runner.access_token(), arena.held_access_token());
}

/// The handle in it would open nothing.
#[test]
fn it_has_no_handle_after_a_command_that_is_not_there() {
    let (arena, runner) = arena();
    let end = ran(&arena, run(&arena, &options(&runner, "always"), &["/no/such/program"]));
    end.refused(127, "command-not-found");
    assert_eq!(refresh_token(&runner), "");
    arena.nothing_lies_around();
}

#[test]
fn one_that_somebody_has_logged_in_to_is_not_taken() {
    let (arena, runner) = arena();
    let full = arena.issue(&fresh());
    for login in [full, json!({"OPENAI_API_KEY": "sk-of-the-user"}).to_string(), "not json".to_owned()] {
        fs::write(runner.auth_json(), &login).unwrap();
        for broker in ["always", "never"] {
            let end = ran(&arena, run(&arena, &options(&runner, broker), &["/bin/true"]));
            end.refused(9, "home-occupied");
            assert!(fs::read_to_string(runner.auth_json()).unwrap() == login, "it was changed");
        }
    }
    let replaced = [&options(&runner, "always")[..], &["--replace"]].concat();
    Job::start(&arena, &replaced).end(&arena);
    assert_eq!(refresh_token(&runner), "");
}

/// Whether its broker has gone by then, is about to go, or is told in time that there is somebody to serve.
#[test]
fn after_a_kill_the_next_run_takes_it_up() {
    for at_once in [false, true] {
        let (arena, runner) = arena();
        let mut job = Job::start(&arena, &options(&runner, "always"));
        let (broker, first) = (job.broker().unwrap(), job.client());
        job.kill();
        if !at_once {
            wait_until("the end of the broker", || !lives(broker));
        }
        let next = Job::start(&arena, &options(&runner, "always"));
        let client = next.client();
        let is_new = client.url != first.url && client.handle != first.handle;
        assert!(is_new == next.broker().is_some() && (is_new || at_once));
        client.ask("unauthorized_recovery").unwrap().token(&client);
        let brokers = [Some(broker), next.broker()];
        next.end(&arena);
        wait_until("the end of all brokers", || !brokers.iter().flatten().any(|pid| lives(*pid)));
        assert_eq!((refresh_token(&runner).as_str(), arena.authority.posts()), ("", 1));
        arena.holds_a_living_token();
        arena.nothing_lies_around();
    }
}

/// A foreign login stays where it is: the home is the user's.
#[test]
fn what_the_command_left_there_is_not_replaced() {
    let (arena, runner) = arena();
    let job = Job::start(&arena, &options(&runner, "always"));
    let key = json!({"OPENAI_API_KEY": "sk-of-the-job"}).to_string();
    fs::write(runner.auth_json(), &key).unwrap();
    let end = job.end(&arena);
    assert!(end.stderr.contains("the command left a login of its own"), "{end:?}");
    assert_eq!(fs::read_to_string(runner.auth_json()).unwrap(), key);
}
/// Whoever comes second is served by the same broker, and whoever leaves last turns off the light.
#[test]
fn two_runs_share_one_broker() {
    let (arena, runner) = arena();
    let first = Job::start(&arena, &options(&runner, "always"));
    let second = Job::start(&arena, &options(&runner, "always"));
    let clients = [first.client(), second.client()];
    assert_eq!(clients[0].url, clients[1].url);
    let broker = first.broker().unwrap();
    assert_eq!(second.broker(), None);
    arena.run_only(&runner, &["restore"], "").failed(9, "home-brokered");
    for client in &clients {
        client.ask("proactive_expiry").unwrap().token(client);
    }
    first.end(&arena);
    assert!(lives(broker), "the broker left with its first user");
    clients[1].ask("unauthorized_recovery").unwrap().token(&clients[1]);
    second.end(&arena);
    wait_until("the end of the broker", || !lives(broker));
    assert_eq!((refresh_token(&runner).as_str(), arena.authority.posts()), ("", 1));
    arena.holds_a_living_token();
}
