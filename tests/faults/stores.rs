//! Stores that go away while the login is exchanged: for a while, and for good.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;

use crate::arena::{Arena, Ran};
use crate::process::{Process, at, fast, run, side_by_side, slow};

/// How a store's directory is gone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gone {
    /// There is none, as when a disk is not mounted and neither is its mount point.
    Missing,
    /// An empty one is in its place: a mount point.
    Empty,
    /// A file is in its place.
    File,
}

const ALL: [Gone; 3] = [Gone::Missing, Gone::Empty, Gone::File];

/// A store that is away until it is brought back.
pub(crate) struct Away {
    store: PathBuf,
    kept: PathBuf,
}

impl Gone {
    pub(crate) fn take(self, arena: &Arena) -> Away {
        let away = Away { store: arena.sandbox.path("store"), kept: arena.sandbox.path("store-away") };
        fs::rename(&away.store, &away.kept).unwrap();
        match self {
            Self::Missing => {}
            Self::Empty => {
                use std::os::unix::fs::DirBuilderExt;
                fs::DirBuilder::new().mode(0o700).create(&away.store).unwrap();
            }
            Self::File => fs::write(&away.store, "").unwrap(),
        }
        away
    }
}

impl Away {
    pub(crate) fn bring_back(self) {
        if self.store.is_dir() {
            // Somebody may have made it meanwhile; there is no login in it.
            assert!(!self.store.join("default.baton").exists(), "a slot was made in the place of ours");
            fs::remove_dir_all(&self.store).unwrap();
        } else {
            fs::remove_file(&self.store).ok();
        }
        fs::rename(&self.kept, &self.store).unwrap();
    }
}

/// The text between the markers, with them.
#[track_caller]
pub(crate) fn rescue_text(stderr: &str) -> String {
    let begin = stderr.find("-----BEGIN AUTHBATON RESCUE-----");
    let text = begin.and_then(|begin| stderr.get(begin..)).unwrap_or_else(|| panic!("no text: {stderr}"));
    assert!(text.contains("-----END AUTHBATON RESCUE-----"), "{stderr}");
    text.to_owned()
}

#[test]
fn gone_before_the_lease_nothing_is_asked() {
    side_by_side(ALL, |gone| {
        let arena = Arena::due();
        let away = gone.take(&arena);
        let ran = run(&arena, slow(&arena, &arena.first(), &["refresh"]), "");
        match gone {
            // From outside it looks like a store that was never used.
            Gone::Missing | Gone::Empty => ran.failed(3, "slot-empty"),
            Gone::File => ran.failed(8, "store-untrusted"),
        };
        assert_eq!(arena.authority.posts(), 0);
        away.bring_back();
        arena.refresh().refreshed(true);
        assert_eq!(arena.authority.posts(), 1);
    });
}

/// Whoever looks while the store is away does not forget that a request may be under way.
#[test]
fn gone_while_a_request_may_be_under_way() {
    side_by_side(ALL, |gone| {
        let arena = Arena::due();
        let runner = arena.first();
        let killed = Process::start(at(fast(&arena, &runner, &["refresh"]), "before:post"), "").end(&arena);
        assert_eq!(killed.signal, Some(Signal::KILL));
        let away = gone.take(&arena);
        assert_ne!(run(&arena, slow(&arena, &runner, &["refresh"]), "").code, Some(0));
        assert_eq!(arena.journals(&runner).len(), 1, "{gone:?}");
        away.bring_back();
        let ran = run(&arena, fast(&arena, &runner, &["refresh"]), "");
        assert!(ran.refreshed(true).stderr.contains("waiting for the lease of "), "{gone:?}");
        is_saved(&arena);
    });
}

#[test]
fn gone_for_a_while() {
    side_by_side(ALL, |gone| {
        for point in ["stop:before:write-journal", "stop:before:store"] {
            let arena = Arena::due();
            let started = Process::start(at(slow(&arena, &arena.first(), &["refresh"]), point), "");
            started.wait_for_stop();
            let away = gone.take(&arena);
            started.send(Signal::CONT);
            started.wait_for("the store did not take the new login yet");
            away.bring_back();
            let ran = started.end_without_stops(&arena).ran;
            assert_eq!(ran.refreshed(true).json["placed"], true, "{gone:?}");
            assert_eq!((arena.authority.posts(), arena.authority.exchanges()), (1, 1));
            assert_eq!((arena.phase().as_str(), arena.state().generation), ("idle", 2), "{gone:?}");
            arena.holds_a_living_token();
            assert_eq!(arena.first().access_token(), arena.held_access_token());
            assert!(arena.journals(&arena.first()).is_empty());
            arena.nothing_lies_around();
        }
    });
}

/// Refreshes while the store goes away for good, and brings it back when that run has ended.
fn unstored(arena: &Arena, gone: Gone) -> Ran {
    let (runner, old) = (arena.first(), arena.held_access_token());
    let refresh = at(fast(arena, &runner, &["refresh"]), "stop:before:write-journal");
    let started = Process::start(refresh, "");
    started.wait_for_stop();
    let away = gone.take(arena);
    started.send(Signal::CONT);
    let ran = started.end(arena).ran;
    ran.failed(10, "rotated-not-stored");
    arena.nothing_lies_around();
    away.bring_back();
    assert_eq!((arena.phase().as_str(), runner.access_token()), ("leased", old));
    let journals = arena.journals(&runner);
    assert!(journals.len() == 1 && journals[0].1 > 0, "{journals:?}");
    ran
}

#[test]
fn gone_for_good_and_saved_by_the_journal() {
    side_by_side(ALL, |gone| {
        let arena = Arena::due();
        unstored(&arena, gone);
        let ran = arena.refresh();
        assert!(ran.refreshed(false).stderr.contains("the journal of an interrupted job was stored"));
        is_saved(&arena);
        assert_eq!(arena.first().access_token(), arena.held_access_token());
    });
}

#[test]
fn gone_for_good_and_saved_by_the_text() {
    side_by_side(ALL, |gone| {
        let arena = Arena::due();
        let text = rescue_text(&unstored(&arena, gone).stderr);
        arena.is_silent(&text);
        let elsewhere = arena.runner(2, 2);
        let rescued = run(&arena, slow(&arena, &elsewhere, &["rescue"]), &text);
        assert_eq!(rescued.fine().json["rescued"], true);
        run(&arena, slow(&arena, &elsewhere, &["refresh"]), "").refreshed(false);
        // The first machine finds that its journal has landed.
        arena.refresh().refreshed(false);
        is_saved(&arena);
    });
}

#[track_caller]
fn is_saved(arena: &Arena) {
    assert_eq!((arena.authority.posts(), arena.authority.exchanges()), (1, 1));
    assert_eq!((arena.phase().as_str(), arena.state().unproven), ("idle", None));
    arena.holds_a_living_token();
    assert!(arena.journals(&arena.first()).is_empty());
    arena.nothing_lies_around();
}
