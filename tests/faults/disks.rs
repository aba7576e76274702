//! Full disks and read-only directories: they show before anything is spent, or the result survives them.

use std::fs;

use authbaton::baton::{Baton, SlotId, SlotName};
use rustix::process::Signal;

use crate::arena::{Arena, Ran, due, phase};
use crate::mounts::Mounts;
use crate::process::{Process, at, fast, run, slow};
use crate::stores::rescue_text;

/// Demands that a refresh fails before anything is spent or written, and that one without the obstacle works.
#[track_caller]
fn stops_before_the_post(arena: &Arena, mounts: &Mounts, (code, id): (i32, &str)) {
    let home = fs::read(arena.first().auth_json()).ok();
    let state = arena.state();
    let ran = run(arena, mounts.inside(&slow(arena, &arena.first(), &["refresh"])), "");
    ran.failed(code, id);
    assert_eq!((arena.authority.posts(), arena.state()), (0, state));
    assert_eq!(fs::read(arena.first().auth_json()).ok(), home);
    assert!(arena.journals(&arena.first()).is_empty());
    arena.nothing_lies_around();
    arena.refresh().refreshed(true);
    assert_eq!((arena.authority.posts(), arena.authority.exchanges()), (1, 1));
}

#[test]
fn a_full_disk_of_the_state_directory() {
    let arena = Arena::due();
    // A journal does not fit.
    let Some(mounts) = Mounts::small(&arena, "state", 64) else { return };
    stops_before_the_post(&arena, &mounts, (2, "home-unusable"));
}

#[test]
fn a_full_disk_of_the_home() {
    let arena = Arena::due();
    let Some(mounts) = Mounts::small(&arena, "home", 128) else { return };
    let runner = arena.first();
    run(&arena, mounts.inside(&slow(&arena, &runner, &["restore"])), "").fine();
    let filler = mounts.fill(&runner.home);
    let there = mounts.path(&runner.auth_json());
    let before = fs::read(&there).unwrap();
    examine(&arena, &mounts).failed(2, "unwell");
    let ran = run(&arena, mounts.inside(&slow(&arena, &runner, &["refresh"])), "");
    ran.failed(2, "home-unusable");
    assert_eq!((arena.authority.posts(), arena.phase().as_str()), (0, "idle"));
    assert!(fs::read(&there).unwrap() == before && arena.journals(&runner).is_empty());
    fs::remove_file(filler).unwrap();
    run(&arena, mounts.inside(&slow(&arena, &runner, &["refresh"])), "").refreshed(true);
    assert!(fs::read_to_string(&there).unwrap().contains(&arena.held_access_token()));
    assert_eq!(arena.authority.posts(), 1);
}

#[test]
fn a_read_only_home() {
    let arena = Arena::due();
    let Some(mounts) = Mounts::read_only(&arena, "home") else { return };
    examine(&arena, &mounts).failed(2, "home-unusable");
    stops_before_the_post(&arena, &mounts, (2, "home-unusable"));
}

#[test]
fn a_read_only_state_directory() {
    let arena = Arena::due();
    let Some(mounts) = Mounts::read_only(&arena, "state") else { return };
    stops_before_the_post(&arena, &mounts, (2, "home-unusable"));
}

#[test]
fn a_read_only_store() {
    let arena = Arena::due();
    let Some(mounts) = Mounts::read_only(&arena, "store") else { return };
    // The token has ended, and nobody may renew it here.
    let told = examine(&arena, &mounts);
    told.failed(3, "token-too-short");
    assert!(told.json.to_string().contains("store-read-only"), "{}", told.json);
    stops_before_the_post(&arena, &mounts, (8, "store-read-only"));
}

/// What doctor says of it, who must not change a thing either.
fn examine(arena: &Arena, mounts: &Mounts) -> Ran {
    run(arena, mounts.inside(&slow(arena, &arena.first(), &["doctor", "--strict"])), "")
}

/// What the store in there holds, opened.
fn baton(arena: &Arena, mounts: &Mounts) -> Baton {
    let id = SlotId { slot: SlotName::default(), audience: Default::default() };
    let path = mounts.path(&arena.sandbox.path("store/default.baton"));
    let sealed = authbaton::baton::SealedBytes::from_store(fs::read(path).unwrap());
    Baton::open(&arena.keys(), &id, &sealed).unwrap().baton
}

/// The store's disk is full when the result comes: nobody gives up before the lease is over, and the journal has it.
#[test]
fn a_full_disk_of_the_store() {
    for for_good in [false, true] {
        let arena = Arena::new();
        let Some(mounts) = Mounts::small(&arena, "store", 256) else { return };
        let runner = arena.first();
        let login = arena.issue(&due());
        let seed = slow(&arena, &runner, &["restore", "--seed-stdin"]);
        run(&arena, mounts.inside(&seed), &login).fine();
        let command = if for_good { fast } else { slow };
        let refresh = at(command(&arena, &runner, &["refresh"]), "stop:before:store");
        let started = Process::start(mounts.inside(&refresh), "");
        started.wait_for_stop();
        let filler = mounts.fill(&arena.sandbox.path("store"));
        started.send(Signal::CONT);
        started.wait_for("the store did not take the new login yet");
        if !for_good {
            // It stops there again.
            started.wait_for_stop();
            fs::remove_file(&filler).unwrap();
            started.send(Signal::CONT);
            started.end(&arena).ran.refreshed(true);
        } else {
            let end = started.end_without_stops(&arena);
            end.ran.failed(10, "rotated-not-stored");
            assert!(!rescue_text(&end.ran.stderr).is_empty());
            assert_eq!(phase(baton(&arena, &mounts).state()), "leased");
            assert_eq!(arena.journals(&runner).len(), 1);
            fs::remove_file(&filler).unwrap();
            run(&arena, mounts.inside(&slow(&arena, &runner, &["refresh"])), "").refreshed(false);
        }
        let held = baton(&arena, &mounts);
        assert_eq!((phase(held.state()).as_str(), held.state().generation), ("idle", 2));
        assert_eq!((arena.authority.posts(), arena.authority.exchanges()), (1, 1));
        assert!(held.login().unwrap().to_text().contains(&runner.access_token()));
        assert!(arena.journals(&runner).is_empty());
        arena.nothing_lies_around();
    }
}

/// Nothing can be renamed over a mount point: the client would find that out after it has spent the token.
#[test]
fn an_auth_json_that_is_mounted_by_itself() {
    let arena = Arena::due();
    let Some(mounts) = Mounts::single_file(&arena, "home/auth.json") else { return };
    examine(&arena, &mounts).failed(2, "home-mounted");
    // Nor can it be deleted; both say so in words that help.
    let logout = run(&arena, mounts.inside(&slow(&arena, &arena.first(), &["logout"])), "");
    logout.failed(2, "home-mounted");
    stops_before_the_post(&arena, &mounts, (2, "home-mounted"));
}
