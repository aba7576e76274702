//! Who may do what: pull requests, forks, comments, tokens that only read, modes of the cache.

use chrono::TimeDelta;

use super::first::FOUND;
use crate::{
    trigger::Trigger,
    world::{DUE, EXPIRED, FRESH, World},
};

const NEW: TimeDelta = TimeDelta::zero();
const OLD: TimeDelta = TimeDelta::days(11);

/// A repository whose default branch has stored a login with this much left.
fn with_login(left: TimeDelta) -> World {
    let mut world = World::new();
    let seed = world.login(left, if left == FRESH { NEW } else { OLD });
    world.play(&Trigger::push(), &[("auth-json", &seed), ("refresh", "never")]).well();
    assert_eq!(world.authority.posts(), 0);
    world
}

#[test]
fn a_fork_gets_nothing() {
    let world = with_login(FRESH);
    // Its secrets are empty, and it gives what it likes.
    let fork = world.play(&Trigger::fork(), &[("seal-key", "")]);
    let fork = fork.failed(2, "event-refused").asked(&[]);
    world.note("a fork", &fork);

    let target = world.play(&Trigger::pull_request_target(), &[]).failed(2, "event-refused").asked(&[]);
    world.note("`pull_request_target` of a fork", &target);
}

#[test]
fn a_comment_counts_by_its_author() {
    let world = with_login(DUE);
    let stranger = world.play(&Trigger::comment("NONE"), &[]).failed(2, "event-refused").asked(&[]);
    world.note("a comment by a stranger", &stranger);
    let member = world.play(&Trigger::comment("MEMBER"), &[]).well().asked(&FOUND);
    let member = member.has(&[("refreshed", "false"), ("saved", "false")]);
    assert_eq!(world.authority.posts(), 0);
    world.note("a comment by a member, the login is due", &member);
    let allowed = world.play(&Trigger::comment("NONE"), &[("allow-untrusted-events", "true")]).well();
    allowed.asked(&FOUND).has(&[("refreshed", "false"), ("saved", "false")]);
}

#[test]
fn a_token_that_only_reads_spends_nothing() {
    let world = with_login(DUE);
    let reader = world.play(&Trigger::push().read_only(), &[]).well().asked(&FOUND);
    let reader = reader.has(&[("refreshed", "false"), ("saved", "false")]);
    assert_eq!(world.authority.posts(), 0);
    world.note("a token that only reads, the login is due", &reader);

    let mut world = World::new();
    let seed = world.login(EXPIRED, OLD);
    // The writer takes the seed, and fails: it may not renew what has ended.
    let seeding = [("auth-json", seed.as_str()), ("refresh", "never")];
    world.play(&Trigger::push(), &seeding).failed(3, "token-too-short");
    let reader = world.play(&Trigger::push().read_only(), &[]);
    let reader = reader.failed(3, "token-too-short").asked(&FOUND);
    assert_eq!(world.authority.posts(), 0);
    world.note("the same, the access token has ended", &reader);
}

#[test]
fn another_branch_reads_and_does_not_write() {
    let world = with_login(DUE);
    let branch = world.play(&Trigger::push_to("topic"), &[]).well().asked(&FOUND);
    let branch = branch.has(&[("refreshed", "false"), ("saved", "false")]);
    assert_eq!(world.authority.posts(), 0);
    world.note("another branch, the login is due", &branch);
}

#[test]
fn the_mode_of_the_cache_is_obeyed() {
    for (mode, scenario) in [
        ("read", "`ACTIONS_CACHE_MODE=read`, the login is due"),
        ("write", "`ACTIONS_CACHE_MODE=write`, the login is due"),
        ("none", "`ACTIONS_CACHE_MODE=none`"),
        ("write-only", "`ACTIONS_CACHE_MODE=write-only`"),
    ] {
        let world = with_login(DUE);
        let run = world.play(&Trigger::push().with_mode(mode), &[]);
        let (run, posts) = match mode {
            "read" => (run.well().asked(&FOUND).has(&[("refreshed", "false")]), 0),
            "write" => (run.well().has(&[("refreshed", "true"), ("generation", "2")]), 1),
            // What may not be read is not empty.
            _ => (run.failed(8, "store-denied").asked(&[]), 0),
        };
        assert_eq!(world.authority.posts(), posts, "{mode}");
        world.login_is_alive();
        world.note(scenario, &run);
    }
}
