//! A file of the policy that cannot be read or understood: every verb says so, names it, and does nothing; only
//! `logout` works all the same.

use std::fs;
use std::os::unix::fs::symlink;

use crate::arena::{Arena, Ran};
use crate::evil::{CONTENT, Evil};
use crate::scene::{
    MANAGED, PROFILE, PROJECT, REQUIREMENTS, SYSTEM, USER, WITH_PROFILE, is_there, trust, write,
};

const VERBS: [&[&str]; 7] = [
    &["enforce"],
    &["enforce", "--dry-run"],
    &["status"],
    &["restore"],
    &["refresh"],
    &["save"],
    &["login", "--with-api-key"],
];

/// A file of the policy, and what else is needed so that it counts.
struct Place {
    name: &'static str,
    options: Vec<String>,
    /// Our own option: what it names may be a misplaced secret, as long as nobody has seen a file there.
    is_option: bool,
}

impl Place {
    fn of(name: &'static str, options: &[&str]) -> Self {
        let options = options.iter().map(|it| (*it).to_owned()).collect();
        Self { name, options, is_option: false }
    }
}

#[track_caller]
fn every_evil_stops_every_verb(arena: &Arena, place: &Place) {
    let path = arena.sandbox.path(place.name);
    let baton = || fs::read(arena.sandbox.path("store/default.baton")).unwrap();
    let run = |verb: &[&str]| {
        let options = place.options.iter().map(String::as_str);
        let arguments: Vec<&str> = verb.iter().copied().chain(options).collect();
        arena.run_only(&arena.first(), &arguments, "sk-example")
    };
    let before = (baton(), fs::read(arena.first().auth_json()).unwrap());
    let mut cells = 0;
    for evil in Evil::ALL.into_iter().filter(|it| it.is_possible()) {
        // These directories are the home, or nobody's project.
        if evil == Evil::BelowAFile && [USER, PROFILE, PROJECT].contains(&place.name) {
            continue;
        }
        evil.put(&path);
        let stops = |verb: &[&str]| {
            let ran = run(verb);
            let said = format!("{evil:?} as {}, {verb:?}: {}", place.name, ran.stderr);
            assert_eq!((ran.code, ran.json["error"]["id"].as_str()), (Some(2), Some(evil.id())), "{said}");
            // All the administrator's files are below one directory, and the first of them is what is met.
            let named = if evil == Evil::BelowAFile { path.parent().unwrap() } else { &path };
            let is_named = ran.stderr.contains(named.to_str().unwrap());
            assert_eq!(is_named, !place.is_option || evil.is_a_file(), "{said}");
            assert!(!everything(&ran).contains(CONTENT), "{said}");
            said
        };
        for verb in VERBS {
            let said = stops(verb);
            assert!(baton() == before.0, "the slot was written: {said}");
            assert!(fs::read(arena.first().auth_json()).unwrap() == before.1, "{said}");
            cells += 1;
        }
        run(&["logout"]).fine();
        for verb in VERBS {
            let said = stops(verb);
            assert!(!is_there(&arena.first().auth_json()), "something was placed: {said}");
        }
        evil.remove(&path);
        run_without(arena, &["restore"]).fine();
        assert!(baton() == before.0, "the slot was written: {evil:?}");
    }
    assert!(cells >= 8 * VERBS.len(), "only {cells} cells");
    assert!(arena.authority.received().is_empty(), "something was spent");
    arena.nothing_lies_around();
}

fn run_without(arena: &Arena, arguments: &[&str]) -> Ran {
    arena.run_only(&arena.first(), arguments, "")
}

fn everything(ran: &Ran) -> String {
    format!("{}\n{}", ran.stderr, ran.json)
}

#[test]
fn the_systems_config() {
    every_evil_stops_every_verb(&Arena::due(), &Place::of(SYSTEM, &[]));
}

#[test]
fn the_users_config() {
    every_evil_stops_every_verb(&Arena::due(), &Place::of(USER, &[]));
}

#[test]
fn a_profile() {
    every_evil_stops_every_verb(&Arena::due(), &Place::of(PROFILE, &WITH_PROFILE));
}

#[test]
fn the_config_of_a_trusted_project() {
    let arena = Arena::due();
    write(&arena, USER, &trust(&arena));
    every_evil_stops_every_verb(&arena, &Place::of(PROJECT, &[]));
}

#[test]
fn managed_config() {
    every_evil_stops_every_verb(&Arena::due(), &Place::of(MANAGED, &[]));
}

#[test]
fn requirements() {
    every_evil_stops_every_verb(&Arena::due(), &Place::of(REQUIREMENTS, &[]));
}

#[test]
fn the_file_of_our_option() {
    let arena = Arena::due();
    let name = "ours/narrow.toml";
    let path = arena.sandbox.path(name);
    let place = Place::of(name, &["--managed-config", path.to_str().unwrap()]);
    every_evil_stops_every_verb(&arena, &Place { is_option: true, ..place });
}

/// A link that leads nowhere is a file that is missing, for the client too. Our option demands its file.
#[test]
fn a_dangling_link_is_a_missing_file() {
    let arena = Arena::due();
    write(&arena, "system/etc/codex/other", "");
    write(&arena, PROJECT, "");
    fs::remove_file(arena.sandbox.path(PROJECT)).unwrap();
    for name in [SYSTEM, MANAGED, REQUIREMENTS, PROFILE, PROJECT, USER] {
        symlink(arena.sandbox.path("nowhere"), arena.sandbox.path(name)).unwrap();
    }
    for verb in [&["enforce", "--profile", "robot"][..], &["status", "--profile", "robot"], &["restore"]] {
        run_without(&arena, verb).fine();
    }
    let option = arena.sandbox.path(USER);
    let ran = run_without(&arena, &["enforce", "--managed-config", option.to_str().unwrap()]);
    ran.failed(2, "policy-unreadable");
    assert!(!everything(&ran).contains(option.to_str().unwrap()), "{}", ran.stderr);
}

/// A profile that was not asked for is not even opened. A project that nobody trusts does not count; but the client reads
/// it before it asks for trust, and stops where it cannot.
#[test]
fn what_does_not_count_need_not_make_sense() {
    let arena = Arena::due();
    for evil in Evil::ALL.into_iter().filter(|it| it.is_possible() && *it != Evil::BelowAFile) {
        evil.put(&arena.sandbox.path(PROFILE));
        run_without(&arena, &["enforce"]).fine();
        evil.remove(&arena.sandbox.path(PROFILE));
        evil.put(&arena.sandbox.path(PROJECT));
        let ran = run_without(&arena, &["enforce"]);
        match evil {
            Evil::Syntax | Evil::NoValue | Evil::DuplicateKey | Evil::Huge => ran.fine(),
            _ => ran.failed(2, evil.id()),
        };
        evil.remove(&arena.sandbox.path(PROJECT));
    }
}
