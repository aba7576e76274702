//! What a store can do to us: other keys, other slots, damage, a store that does not take what was renewed.

use std::{fs, thread, time::Duration};

use authbaton::rehearsal::{Account, IssueOptions};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::Sandbox;
use crate::scene::{ANOTHER_KEY, API_KEY, OF_OTHERS, PERSONAL, Scene, VOICES};

#[test]
fn a_slot_from_its_seed_to_its_end() {
    for voice in VOICES {
        let scene = Scene::new(voice);
        let store = |arguments: &[&str]| scene.with_store(arguments);
        let login = scene.issue();
        scene.run(&store(&["restore"]), b"", 3);
        scene.run(&store(&["restore", "--seed-stdin", "--forced-login-method", "api"]), login.as_bytes(), 4);
        scene.run(&store(&["login", "--with-auth-json"]), login.as_bytes(), 0);
        scene.run(&store(&["status"]), b"", 0);
        scene.run(&store(&["refresh"]), b"", 0);
        scene.run(&store(&["refresh", "--force"]), b"", 0);
        scene.run(&store(&["refresh", "--forced-login-method", "api", "--force"]), b"", 4);
        scene.run(&store(&["restore", "--min-ttl", "300d"]), b"", 3);
        scene.run(&store(&["restore", "--forced-login-method", "api"]), b"", 4);
        scene.run(&store(&["restore"]), b"", 0);
        scene.run(&store(&["doctor"]), b"", 0);
        scene.run(&store(&["doctor", "--strict", "--forced-login-method", "api"]), b"", 4);
        scene.run(&store(&["enforce", "--dry-run", "--forced-login-method", "api"]), b"", 4);
        scene.run(&store(&["enforce", "--forced-login-method", "api"]), b"", 4);
        scene.run(&store(&["restore", "--seed-stdin"]), login.as_bytes(), 0);
        let later = IssueOptions { issued: Some(TimeDelta::hours(1)), ..IssueOptions::default() };
        let other = scene.authority.issue(&Account::named("other"), &later).unwrap();
        scene.run(&store(&["restore", "--seed-stdin"]), other.as_bytes(), 9);
        scene.run(&store(&["restore", "--seed-stdin", "--allow-account-change"]), other.as_bytes(), 0);
        scene.run(&store(&["logout", "--purge", "--revoke"]), b"", 0);
        scene.run(&store(&["restore", "--seed-stdin"]), login.as_bytes(), 3);
        assert_eq!(scene.runs(), 19);
    }
}

#[test]
fn what_a_person_left_in_a_home_is_saved() {
    for voice in VOICES {
        let scene = Scene::new(voice);
        scene.home_is_holder(true);
        scene.run(&["login", "--with-auth-json"], scene.issue().as_bytes(), 0);
        // Two holders of one login, by their refresh tokens; and what variables could give away.
        scene.run(&["doctor"], b"", 0);
        let variables = [
            ("CODEX_ACCESS_TOKEN", PERSONAL),
            ("CODEX_API_KEY", API_KEY),
            ("CODEX_REFRESH_TOKEN_URL_OVERRIDE", OF_OTHERS),
        ];
        scene.run_with(&scene.with_store(&["doctor"]), b"", &variables, 0);
        scene.run(&scene.with_store(&["restore", "--seed-stdin"]), scene.issue().as_bytes(), 9);
        scene.run(&scene.with_store(&["save", "--forced-login-method", "api"]), b"", 4);
        scene.home_is_holder(false);
        // It was issued before the seed, or in the same second: only `--replace` takes the home away from it.
        scene.run(&scene.with_store(&["restore", "--replace"]), b"", 0);
        scene.run(&scene.with_store(&["save"]), b"", 0);
        scene.run(&scene.with_store(&["logout", "--purge"]), b"", 0);
    }
}

#[test]
fn what_cannot_be_opened_is_not_shown() {
    for voice in VOICES {
        let scene = Scene::new(voice);
        scene.run(&scene.with_store(&["restore", "--seed-stdin"]), scene.issue().as_bytes(), 0);
        let url = scene.sandbox.store();
        let other = BASE64_STANDARD.encode(ANOTHER_KEY);
        let verbs = [
            vec!["restore", "--store", &url],
            vec!["refresh", "--force", "--store", &url],
            vec!["save", "--store", &url],
            vec!["logout", "--purge", "--store", &url],
            vec!["doctor", "--strict", "--store", &url],
        ];
        for verb in &verbs {
            // `save` finds nothing to save before it would look into the slot.
            let code = if verb.first() == Some(&"save") { 0 } else { 8 };
            scene.run_with(verb, b"", &[("AUTHBATON_SEAL_KEY", &other)], code);
            scene.run_with(verb, b"", &[("AUTHBATON_SEAL_KEY", "?")], 2);
        }
        scene.run(&scene.with_store(&["restore", "--audience", "others"]), b"", 8);
        let baton = scene.sandbox.path("store/default.baton");
        let whole = fs::read(&baton).unwrap();
        fs::copy(&baton, scene.sandbox.path("store/moved.baton")).unwrap();
        scene.run(&scene.with_store(&["restore", "--slot", "moved"]), b"", 8);
        for length in (0..whole.len()).step_by(whole.len() / 9) {
            let (start, end) = whole.split_at(length);
            scene.sandbox.write("store/default.baton", start);
            scene.run(&scene.with_store(&["restore"]), b"", 8);
            let (first, rest) = end.split_first().unwrap();
            let changed = [start, &[first ^ 1], rest].concat();
            scene.sandbox.write("store/default.baton", &changed);
            scene.attempt(&scene.with_store(&["restore"]), b"", &[]);
            scene.attempt(&scene.with_store(&["refresh", "--force"]), b"", &[]);
        }
    }
}

/// The only text of ours that is made of a secret and meant for people: it is sealed.
#[test]
fn the_rescue_text_is_sealed() {
    thread::scope(|scope| {
        for voice in VOICES {
            scope.spawn(move || rescue(voice));
        }
    });
}

fn rescue(voice: &'static [&'static str]) {
    let scene = Scene::new(voice);
    scene.run(&scene.with_store(&["restore", "--seed-stdin"]), scene.issue().as_bytes(), 0);
    scene.authority.hold_replies();
    let baton = scene.sandbox.path("store/default.baton");
    let (sandbox, authority) = (&scene.sandbox, &scene.authority);
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(authority.wait_for_exchanges(1, Duration::from_secs(60)));
            fs::rename(&baton, sandbox.path("work/baton")).unwrap();
            sandbox.write("store/default.baton", b"not a baton");
            // Two signals: whoever sends the second does not wait until the lease is over.
            for signal in [Signal::INT, Signal::TERM] {
                kill_process(holder(sandbox), signal).unwrap();
            }
            authority.release();
        });
        let command = scene.with_store(&["refresh", "--force"]);
        let outcome = scene.run(&command, b"", 10);
        assert!(outcome.stderr.contains("BEGIN AUTHBATON RESCUE"), "{outcome:#?}");
    });
    // The store is back: the journal is stored, and nothing shows then either.
    fs::rename(scene.sandbox.path("work/baton"), &baton).unwrap();
    scene.run(&scene.with_store(&["refresh"]), b"", 0);
    scene.run(&scene.with_store(&["restore"]), b"", 0);
}

/// The process that holds the lock on the home, as the lock file names it.
fn holder(sandbox: &Sandbox) -> Pid {
    let lock = fs::read_to_string(sandbox.home().join("authbaton.lock")).unwrap();
    let (_, pid) = lock.lines().nth(1).unwrap().trim_end_matches(')').rsplit_once("(pid ").unwrap();
    Pid::from_raw(pid.parse().unwrap()).unwrap()
}
