//! A git host that goes away while the login is exchanged, for a while and for good, and one that lets us read alone.

use std::sync::atomic::Ordering;

use authbaton::baton::{Audience, Baton, SlotId, SlotName};
use authbaton::job::{Environment, Masks};
use authbaton::rehearsal::IssueOptions;
use authbaton::store::{Opening, StoreUrl};
use chrono::TimeDelta;
use serde_json::Value;

use crate::arena::{Arena, Ran, Runner, due, issued};
use crate::process::{Process, at, fast, run, slow};
use crate::stores::rescue_text;
use crate::support::git_host::{GitHost, git};
use rustix::process::Signal;

/// An arena whose slot is on a git host.
struct Hosted {
    arena: Arena,
    host: GitHost,
    url: String,
}

impl Hosted {
    fn new(login: &IssueOptions) -> Self {
        let (arena, host) = (Arena::new(), GitHost::start());
        let hosted = Self { url: format!("git:{}", host.url()), arena, host };
        let login = hosted.arena.issue(login);
        let seeded = hosted.slow(&hosted.arena.first(), &["restore", "--seed-stdin"]);
        run(&hosted.arena, seeded, &login).fine();
        hosted
    }

    fn slow(&self, runner: &Runner, arguments: &[&str]) -> std::process::Command {
        slow(&self.arena, runner, &[arguments, &["--store", &self.url]].concat())
    }

    fn fast(&self, runner: &Runner, arguments: &[&str]) -> std::process::Command {
        fast(&self.arena, runner, &[arguments, &["--store", &self.url]].concat())
    }

    fn refresh(&self) -> Ran {
        run(&self.arena, self.slow(&self.arena.first(), &["refresh"]), "")
    }

    /// Looks into every object that the host has ever been given, those included that no ref names any more.
    fn host_has_nothing_but_sealed_text(&self) {
        let objects =
            git(&self.host.repository(), &["cat-file", "--batch-all-objects", "--batch", "--buffer"]);
        assert!(objects.matches("\"ciphertext\"").count() >= 2);
        assert!(!objects.contains("rt_CANARY_"), "a refresh token lies on the host");
        self.arena.is_silent(&objects);
    }

    fn is_away(&self, away: bool) {
        self.host.rules().away.store(away, Ordering::SeqCst);
    }

    /// Demands that the slot is idle and holds the one token that came of the one exchange.
    #[track_caller]
    fn is_saved(&self) {
        let id = SlotId { slot: SlotName::default(), audience: Audience::default() };
        let environment = Environment::Process;
        let opening = Opening {
            environment: &environment,
            ca_file: None,
            audience: &id.audience,
            masks: Masks::none(),
            secrets: &[],
            read_only: None,
        };
        let store = StoreUrl::parse(&self.url).unwrap().open(&opening).unwrap().unwrap();
        let (sealed, _) = store.load(&id.slot).unwrap().unwrap();
        let baton = Baton::open(&self.arena.keys(), &id, &sealed).unwrap().baton;
        assert_eq!((self.arena.authority.posts(), self.arena.authority.exchanges()), (1, 1));
        assert_eq!((crate::arena::phase(baton.state()).as_str(), baton.state().unproven), ("idle", None));
        let login: Value = serde_json::from_str(&baton.login().unwrap().to_text()).unwrap();
        assert!(self.arena.authority.is_alive(login["tokens"]["refresh_token"].as_str().unwrap()));
        assert_eq!(login["tokens"]["access_token"], self.arena.first().access_token());
        assert!(self.arena.journals(&self.arena.first()).is_empty());
        self.host_has_nothing_but_sealed_text();
        self.arena.nothing_lies_around();
    }
}

#[test]
fn away_before_the_lease_nothing_is_asked() {
    let hosted = Hosted::new(&due());
    hosted.is_away(true);
    hosted.refresh().failed(8, "store-unreachable");
    assert_eq!(hosted.arena.authority.posts(), 0);
    hosted.is_away(false);
    hosted.refresh().refreshed(true);
    hosted.is_saved();
}

#[test]
fn away_in_the_middle_and_back_within_the_lease() {
    let hosted = Hosted::new(&due());
    let refresh = at(hosted.slow(&hosted.arena.first(), &["refresh"]), "stop:before:write-journal");
    let started = Process::start(refresh, "");
    started.wait_for_stop();
    hosted.is_away(true);
    started.send(Signal::CONT);
    started.wait_for("the store did not take the new login yet");
    hosted.is_away(false);
    started.end_without_stops(&hosted.arena).ran.refreshed(true);
    hosted.is_saved();
}

#[test]
fn a_push_whose_answer_was_lost_is_found_to_have_landed() {
    let hosted = Hosted::new(&due());
    let refresh = at(hosted.slow(&hosted.arena.first(), &["refresh"]), "stop:before:store");
    let started = Process::start(refresh, "");
    started.wait_for_stop();
    hosted.host.rules().loses_answers.store(true, Ordering::SeqCst);
    started.send(Signal::CONT);
    let ran = started.end_without_stops(&hosted.arena).ran;
    assert!(!ran.refreshed(true).stderr.contains("did not take"), "{}", ran.stderr);
    hosted.host.rules().loses_answers.store(false, Ordering::SeqCst);
    hosted.is_saved();
}

/// Refreshes while the host goes away for good, and brings it back when that run has ended.
fn unstored(hosted: &Hosted) -> Ran {
    let old = hosted.arena.first().access_token();
    let refresh = at(hosted.fast(&hosted.arena.first(), &["refresh"]), "stop:before:write-journal");
    let started = Process::start(refresh, "");
    started.wait_for_stop();
    hosted.is_away(true);
    started.send(Signal::CONT);
    let ran = started.end(&hosted.arena).ran;
    ran.failed(10, "rotated-not-stored");
    assert!(!ran.stderr.contains(&hosted.host.url()), "{}", ran.stderr);
    hosted.is_away(false);
    assert_eq!(hosted.arena.first().access_token(), old);
    ran
}

#[test]
fn away_for_good_and_saved_by_the_journal() {
    let hosted = Hosted::new(&due());
    unstored(&hosted);
    let ran = hosted.refresh();
    assert!(ran.refreshed(false).stderr.contains("the journal of an interrupted job was stored"));
    hosted.is_saved();
}

#[test]
fn away_for_good_and_saved_by_the_text() {
    let hosted = Hosted::new(&due());
    let text = rescue_text(&unstored(&hosted).stderr);
    hosted.arena.is_silent(&text);
    let elsewhere = hosted.arena.runner(2, 2);
    let rescued = run(&hosted.arena, hosted.slow(&elsewhere, &["rescue"]), &text);
    assert_eq!(rescued.fine().json["rescued"], true);
    hosted.refresh().refreshed(false);
    hosted.is_saved();
}

/// A token that lasts for an hour is due, and good enough for a run that cannot renew it.
#[test]
fn a_host_that_takes_no_push_costs_no_token() {
    let hosted = Hosted::new(&issued(TimeDelta::hours(-10), TimeDelta::hours(1)));
    let rules = hosted.host.rules();
    rules.read_only.store(true, Ordering::SeqCst);
    hosted.refresh().failed(8, "store-read-only");
    let command = ["run", "--broker", "never", "--store", &hosted.url];
    let command = slow(&hosted.arena, &hosted.arena.first(), &command);
    let ran = run(&hosted.arena, with_child(command, &["true"]), "");
    assert!(ran.fine().stderr.contains("could not be renewed before the run"), "{}", ran.stderr);
    assert_eq!(hosted.arena.authority.posts(), 0);
    rules.read_only.store(false, Ordering::SeqCst);
    hosted.refresh().refreshed(true);
    hosted.is_saved();
}

fn with_child(mut command: std::process::Command, child: &[&str]) -> std::process::Command {
    command.arg("--").args(child);
    command
}
