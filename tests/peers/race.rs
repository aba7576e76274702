//! A home without a store, and Codex in it at the same time. Codex does not know our lock, and takes its own only to
//! commit: both programs may spend the same token, and an authority that is strict then ends the login. That cannot be
//! kept from happening, so what is promised is less: the file is whole at any time, whoever commits first wins, a token
//! that Codex has spent is not sent knowingly, and an answer that refuses us is never reported as success.
//!
//! Each order is forced: the authority holds replies, and a process that must not go on yet is stopped.

use std::{fs, thread, time::Duration};

use authbaton::rehearsal::{Account, Authority, Behaviour, IssueOptions, Refusal, Settings};
use chrono::TimeDelta;
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpid};
use serde_json::Value;

use crate::{
    scene::Scene,
    support::{
        codex,
        process::{self, Outcome, Running},
    },
};

/// Only a failing test waits for it.
const LIMIT: Duration = Duration::from_secs(60);

const OURS: [&str; 4] = ["refresh", "--store", "home:", "--json"];

struct Duel {
    scene: Scene,
    authority: Authority,
}

#[test]
fn codex_adopts_what_we_renewed() {
    let Some(duel) = Duel::open() else { return };
    duel.ours().finish(LIMIT).unwrap().exited(0);
    let renewed = duel.scene.login();
    duel.codex().finish(LIMIT).unwrap().exited(0);
    assert_eq!(duel.authority.posts(), 1);
    assert!(duel.scene.login() == renewed, "Codex changed the file");
    duel.login_is_alive();
}

#[test]
fn we_have_nothing_to_do_after_codex() {
    let Some(duel) = Duel::open() else { return };
    duel.codex().finish(LIMIT).unwrap().exited(0);
    let renewed = duel.scene.login();
    assert!(!refreshed(&duel.ours().finish(LIMIT).unwrap().exited(0)));
    assert_eq!(duel.authority.posts(), 1);
    assert!(duel.scene.login() == renewed, "we changed the file");
    duel.login_is_alive();
}

/// Between two of our requests Codex has renewed the login: the token that we had is not sent again.
#[test]
fn a_token_that_codex_has_spent_is_not_sent_again() {
    let Some(duel) = Duel::open() else { return };
    duel.authority.script(Behaviour::Failing(Refusal::new(503, "unavailable").into()));
    duel.authority.hold_replies();
    let ours = duel.ours();
    assert!(duel.authority.wait_for_posts(1, LIMIT));
    stop(&ours);
    duel.authority.release();
    duel.codex().finish(LIMIT).unwrap().exited(0);
    let renewed = duel.scene.login();
    go_on(&ours);
    assert!(!refreshed(&ours.finish(LIMIT).unwrap().exited(0)));
    assert_eq!(duel.authority.posts(), 2, "we sent a spent token");
    assert!(duel.scene.login() == renewed, "we changed the file");
    duel.login_is_alive();
}

/// Codex was first, and the authority does not forgive: nobody can save that login, and we do not say so.
#[test]
fn a_token_that_codex_spends_first_is_no_success_of_ours() {
    let Some(duel) = Duel::open() else { return };
    duel.authority.hold_replies();
    let codex = duel.codex();
    assert!(duel.authority.wait_for_exchanges(1, LIMIT));
    let ours = duel.ours();
    assert!(duel.authority.wait_for_posts(2, LIMIT));
    duel.authority.release();
    ours.finish(LIMIT).unwrap().exited(5);
    codex.finish(LIMIT).unwrap();
    assert_eq!((duel.authority.posts(), duel.authority.exchanges()), (2, 1));
    assert!(duel.leftovers().is_empty());
}

/// We were first, and Codex ends the login by using the token again. We cannot know: the authority granted us ours. The
/// home has what it gave last, and the next exchange tells.
#[test]
fn a_token_that_codex_uses_again_is_told_by_the_next_exchange() {
    let Some(duel) = Duel::open() else { return };
    duel.authority.hold_replies();
    let ours = duel.ours();
    assert!(duel.authority.wait_for_exchanges(1, LIMIT));
    let codex = duel.codex();
    assert!(duel.authority.wait_for_posts(2, LIMIT));
    duel.authority.release();
    codex.finish(LIMIT).unwrap();
    assert!(refreshed(&ours.finish(LIMIT).unwrap().exited(0)));
    let posts = duel.authority.posts();
    assert!(duel.authority.secrets().contains(&duel.refresh_token()));
    duel.ours_with(&["--force"]).finish(LIMIT).unwrap().exited(5);
    assert_eq!(duel.authority.posts(), posts + 1);
    assert_eq!(duel.authority.exchanges(), 1);
}

/// Where the authority gives both something, Codex's commit before ours stays, and ours lies beside it.
#[test]
fn what_codex_commits_first_is_not_overwritten() {
    let Some(duel) = Duel::open() else { return };
    duel.authority.always(Behaviour::Keeping);
    duel.authority.hold_replies();
    let ours = duel.ours();
    assert!(duel.authority.wait_for_posts(1, LIMIT));
    stop(&ours);
    let codex = duel.codex();
    assert!(duel.authority.wait_for_posts(2, LIMIT));
    duel.authority.release();
    codex.finish(LIMIT).unwrap().exited(0);
    let theirs = duel.scene.login();
    go_on(&ours);
    ours.finish(LIMIT).unwrap().exited(10).said("error[rotated-not-placed]: ");
    assert!(duel.scene.login() == theirs, "Codex's login was overwritten");
    duel.login_is_alive();
    let [kept] = duel.leftovers().try_into().unwrap();
    let kept: Value = serde_json::from_str(kept.trim_end_matches('\0')).unwrap();
    assert_ne!(kept["tokens"]["access_token"], theirs["tokens"]["access_token"]);
}

/// And the other way round.
#[test]
fn what_we_commit_first_is_not_overwritten() {
    let Some(duel) = Duel::open() else { return };
    duel.authority.always(Behaviour::Keeping);
    duel.authority.hold_replies();
    let codex = duel.codex();
    assert!(duel.authority.wait_for_posts(1, LIMIT));
    stop(&codex);
    let ours = duel.ours();
    assert!(duel.authority.wait_for_posts(2, LIMIT));
    duel.authority.release();
    assert!(refreshed(&ours.finish(LIMIT).unwrap().exited(0)));
    let login = duel.scene.login();
    go_on(&codex);
    codex.finish(LIMIT).unwrap();
    assert!(duel.scene.login() == login, "Codex has overwritten ours");
    duel.login_is_alive();
}

/// In no forced order: whatever happens is one of the things above, and a reader sees whole files only.
#[test]
fn both_at_once() {
    for _ in 0..rounds() {
        let Some(duel) = Duel::open() else { return };
        let (ours, codex) = (duel.ours(), duel.codex());
        let (ours, _) = thread::scope(|scope| {
            let codex = scope.spawn(|| codex.finish(LIMIT).unwrap());
            let ours = scope.spawn(|| ours.finish(LIMIT).unwrap());
            while !(codex.is_finished() && ours.is_finished()) {
                assert!(!duel.refresh_token().is_empty());
            }
            (ours.join().unwrap(), codex.join().unwrap())
        });
        let (posts, exchanges) = (duel.authority.posts(), duel.authority.exchanges());
        assert_eq!(exchanges, 1);
        match (posts, ours.code) {
            // One of them adopted what the other had got.
            (1, Some(0)) => duel.login_is_alive(),
            // Codex was refused, and Codex alone knows it.
            (2.., Some(0)) => assert!(refreshed(&ours), "{ours:#?}"),
            (2.., Some(5)) => assert!(duel.leftovers().is_empty()),
            _ => panic!("{posts} requests: {ours:#?}"),
        }
    }
}

fn rounds() -> usize {
    if std::env::var("AUTHBATON_TEST_SIZE").is_ok_and(|size| size == "full") { 30 } else { 3 }
}

fn refreshed(outcome: &Outcome) -> bool {
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    document["refreshed"].as_bool().unwrap()
}

/// Stops a program, and waits until none of its threads does anything.
#[track_caller]
fn stop(running: &Running) {
    let process = Pid::from_child(&running.child);
    kill_process_group(process, Signal::STOP).unwrap();
    let (_, status) = waitpid(Some(process), WaitOptions::UNTRACED).unwrap().unwrap();
    assert!(status.stopped(), "it has ended");
}

fn go_on(running: &Running) {
    kill_process_group(Pid::from_child(&running.child), Signal::CONT).unwrap();
}

impl Duel {
    /// Opens a home that is the holder of a login that has ended.
    fn open() -> Option<Self> {
        let duel = Self { scene: Scene::open()?, authority: Authority::start(Settings::default()).unwrap() };
        let ended = IssueOptions {
            lifetime: Some(TimeDelta::hours(-1)),
            issued: Some(TimeDelta::hours(-10)),
            refresh_token: None,
        };
        let login = duel.authority.issue(&Account::named("one"), &ended).unwrap();
        duel.scene.sandbox.place(login.as_bytes());
        Some(duel)
    }

    /// Starts Codex with a command that refreshes a login that has ended, and does nothing else with it.
    fn codex(&self) -> Running {
        let mut command = self.scene.sandbox.command(codex::program().unwrap());
        command.args(["features", "list"]).envs(codex::environment(self.scene.model.origin()));
        command.env("CODEX_REFRESH_TOKEN_URL_OVERRIDE", format!("{}/oauth/token", self.authority.url()));
        process::start(&mut command, b"").unwrap()
    }

    fn ours(&self) -> Running {
        self.ours_with(&[])
    }

    fn ours_with(&self, more: &[&str]) -> Running {
        let [verb, arguments @ ..] = OURS;
        let mut command = self.scene.sandbox.authbaton(verb);
        command.args(arguments).args(["--authority-url", &self.authority.url()]).args(more);
        process::start(&mut command, b"").unwrap()
    }

    fn refresh_token(&self) -> String {
        self.scene.login()["tokens"]["refresh_token"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn login_is_alive(&self) {
        assert!(self.authority.is_alive(&self.refresh_token()), "the login in the home is dead");
    }

    /// Returns what lies beside `auth.json` because it could not be placed.
    fn leftovers(&self) -> Vec<String> {
        let paths = fs::read_dir(self.scene.sandbox.home()).unwrap().map(|entry| entry.unwrap().path());
        let renewed = paths.filter(|path| path.to_string_lossy().contains("authbaton-renewed-"));
        renewed.map(|path| fs::read_to_string(path).unwrap()).collect()
    }
}
