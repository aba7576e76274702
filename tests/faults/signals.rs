//! Signals: obeyed at once where nothing is at stake, and after the result is stored where something is.

use authbaton::rehearsal::{Behaviour, Fault, Refusal};
use rustix::process::Signal;

use crate::arena::Arena;
use crate::launch::LIMIT;
use crate::process::{Process, at, run, slow, wrapped};
use crate::stores::{Gone, rescue_text};

#[test]
fn while_the_authority_is_asked_the_exchange_is_finished_first() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let arena = Arena::due();
        arena.authority.hold();
        // Whoever starts the tests in the background has some of these ignored.
        let command = slow(&arena, &arena.first(), &["refresh"]);
        let started = Process::start(wrapped(&command, &["env", "--default-signal"]), "");
        assert!(arena.authority.wait_for_posts(1, LIMIT));
        started.send(signal);
        arena.authority.release();
        let end = started.end(&arena);
        assert_eq!((end.signal, end.ran.code), (Some(signal), None), "{}", end.ran.stderr);
        assert_eq!((arena.phase().as_str(), arena.state().generation), ("idle", 2));
        assert!(arena.journals(&arena.first()).is_empty(), "it was stored, and the journal kept");
        arena.holds_a_living_token();
        arena.nothing_lies_around();
        arena.refresh().refreshed(false);
        assert_eq!((arena.authority.posts(), arena.authority.exchanges()), (1, 1));
        assert_eq!(arena.first().access_token(), arena.held_access_token());
    }
}

#[test]
fn while_a_busy_authority_is_waited_for_the_lease_is_handed_back() {
    let arena = Arena::due();
    let old = arena.held_token();
    arena.authority.always(Behaviour::Failing(Fault::Refusal(Refusal::new(429, "busy"))));
    let started = Process::start(slow(&arena, &arena.first(), &["refresh"]), "");
    started.wait_for("asking again in ");
    started.send(Signal::TERM);
    let end = started.end(&arena);
    assert_eq!(end.signal, Some(Signal::TERM), "{}", end.ran.stderr);
    assert_eq!((arena.phase().as_str(), arena.held_token()), ("idle", old));
    assert!(arena.journals(&arena.first()).is_empty());
    arena.authority.always(Behaviour::Honest);
    let ran = arena.refresh();
    assert!(!ran.refreshed(true).stderr.contains("waiting for the lease"), "{}", ran.stderr);
    assert_eq!(arena.authority.exchanges(), 1);
}

#[test]
fn while_somebody_elses_lease_is_waited_for_it_is_obeyed_at_once() {
    let arena = Arena::due();
    arena.authority.hold();
    let owner = Process::start(slow(&arena, &arena.first(), &["refresh"]), "");
    assert!(arena.authority.wait_for_posts(1, LIMIT));
    let elsewhere = arena.runner(2, 2);
    let waiting = Process::start(slow(&arena, &elsewhere, &["refresh"]), "");
    waiting.wait_for("waiting for the lease of ");
    waiting.send(Signal::TERM);
    let end = waiting.end(&arena);
    assert_eq!((end.signal, arena.phase().as_str()), (Some(Signal::TERM), "leased"));
    assert!(arena.journals(&elsewhere).is_empty());
    arena.authority.release();
    owner.end(&arena).ran.refreshed(true);
    assert_eq!((arena.authority.posts(), arena.authority.exchanges()), (1, 1));
}

#[test]
fn what_nohup_ignores_stays_ignored() {
    let arena = Arena::due();
    arena.authority.hold();
    let command = slow(&arena, &arena.first(), &["refresh"]);
    let command = wrapped(&command, &["sh", "-c", "trap '' HUP; exec \"$0\" \"$@\""]);
    let started = Process::start(command, "");
    assert!(arena.authority.wait_for_posts(1, LIMIT));
    started.send(Signal::HUP);
    arena.authority.release();
    let end = started.end(&arena);
    assert_eq!(end.signal, None);
    end.ran.refreshed(true);
    assert_eq!(arena.first().access_token(), arena.held_access_token());
}

/// As a CI ends a job. The store is away: whoever sends a second signal gets the sealed text, and does not wait.
#[test]
fn a_second_signal_while_the_store_is_away_prints_the_text() {
    let arena = Arena::due();
    let old = arena.first().access_token();
    let refresh = at(slow(&arena, &arena.first(), &["refresh"]), "stop:before:write-journal");
    let started = Process::start(refresh, "");
    started.wait_for_stop();
    let away = Gone::File.take(&arena);
    started.send(Signal::CONT);
    started.wait_for("the store did not take the new login yet");
    started.send(Signal::INT);
    started.send(Signal::TERM);
    let end = started.end(&arena);
    assert_eq!(end.signal, None, "{}", end.ran.stderr);
    end.ran.failed(10, "rotated-not-stored");
    away.bring_back();
    assert_eq!((arena.phase().as_str(), arena.first().access_token()), ("leased", old));
    let elsewhere = arena.runner(2, 2);
    let rescued = run(&arena, slow(&arena, &elsewhere, &["rescue"]), &rescue_text(&end.ran.stderr));
    assert_eq!(rescued.fine().json["rescued"], true);
    arena.refresh().refreshed(false);
    assert_eq!((arena.authority.posts(), arena.authority.exchanges()), (1, 1));
    arena.holds_a_living_token();
    arena.nothing_lies_around();
}
