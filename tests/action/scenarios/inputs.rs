//! Inputs: policies, API keys, seal keys.

use chrono::TimeDelta;

use super::first::FOUND;
use crate::{
    trigger::Trigger,
    world::{FRESH, World},
};

const NEW: TimeDelta = TimeDelta::zero();

#[test]
fn a_login_that_the_policy_forbids_is_not_used() {
    let mut world = World::new();
    let seed = world.login(FRESH, NEW);
    let refused = world
        .play(&Trigger::push(), &[("auth-json", &seed), ("forced-login-method", "api")])
        .failed(4, "policy-forbidden");
    assert_eq!((world.cache.records().len(), world.authority.posts()), (0, 0));
    world.note("a policy that forbids the seed", &refused);

    world.play(&Trigger::push(), &[("auth-json", &seed)]).well();
    let workspace = [("forced-chatgpt-workspace-id", "another")];
    let refused = world.play(&Trigger::push(), &workspace).failed(4, "policy-forbidden").asked(&FOUND);
    world.login_is_alive();
    world.note("a policy that forbids the stored login", &refused);
}

#[test]
fn an_api_key_needs_no_cache() {
    const KEY: &str = "sk-scenario-3fK9Qz7wLb2vTn8RmYp4";
    let mut world = World::new();
    world.add_secret(KEY);
    let run = world.play_with(&Trigger::push(), &[("openai-api-key", KEY), ("seal-key", "")], None, |job| {
        let step = job.run("grep -q sk-scenario \"$CODEX_HOME/auth.json\"").unwrap();
        assert!(step.succeeded, "{}", step.log);
    });
    let run = run.well().asked(&[]).has(&[("auth-mode", "apikey"), ("saved", "false")]);
    assert_eq!(world.authority.posts(), 0);
    world.note("an API key", &run);
}

#[test]
fn without_its_seal_key_a_login_stays_closed() {
    let mut world = World::new();
    let seed = world.login(FRESH, NEW);
    let missing = world.play(&Trigger::push(), &[("auth-json", &seed), ("seal-key", "")]);
    let missing = missing.failed(2, "seal-key-missing").asked(&[]).said("seal-key");
    world.note("no seal key", &missing);

    world.play(&Trigger::push(), &[("auth-json", &seed)]).well();
    let another = World::new().key;
    world.add_secret(&another);
    let wrong = world.play(&Trigger::push(), &[("auth-json", &seed), ("seal-key", &another)]);
    let wrong = wrong.failed(8, "baton-unknown-key").asked(&FOUND);
    world.login_is_alive();
    world.note("a wrong seal key", &wrong);
}
