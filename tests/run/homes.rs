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

#[test]
fn after_a_kill_the_next_run_takes_it_up() {
    let (arena, runner) = arena();
    let mut job = Job::start(&arena, &options(&runner, "always"));
    let (broker, first) = (job.broker().unwrap(), job.client());
    job.kill();
    // At once: the next one waits for the broker to go.
    let next = Job::start(&arena, &options(&runner, "always"));
    wait_until("the end of the broker", || !lives(broker));
    assert_ne!(next.broker(), Some(broker));
    let client = next.client();
    assert!(client.url != first.url && client.handle != first.handle);
    client.ask("unauthorized_recovery").unwrap().token(&client);
    job.go();
    next.end(&arena);
    assert_eq!(refresh_token(&runner), "");
    arena.holds_a_living_token();
    arena.nothing_lies_around();
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
