//! Descent: a token is stored only if its parent is what the slot holds. Whoever was displaced adopts.

use authbaton::relay::Want;

use crate::arena::{Arena, issued};
use crate::lab::Lab;
use crate::launch::{LIMIT, Started};
use authbaton::rehearsal::Behaviour;
use chrono::TimeDelta;

/// Starts a refresh and waits until its token has been rotated and its reply is held.
fn start_and_hold(arena: &Arena) -> Started {
    arena.authority.hold_replies();
    let started = arena.start(&arena.first(), &["refresh"], "");
    assert!(arena.authority.wait_for_exchanges(1, LIMIT));
    started
}

#[test]
fn a_seed_that_comes_during_an_exchange_wins() {
    let arena = Arena::due();
    let started = start_and_hold(&arena);
    let newer = arena.issue(&issued(TimeDelta::hours(-1), TimeDelta::days(9)));
    // Another home: the first one is locked.
    arena.restore(&arena.runner(2, 2), &newer).fine();
    let seeded = arena.held_token();
    arena.authority.release();
    arena.ended(started).fine();
    assert_eq!(arena.held_token(), seeded, "the result of the exchange displaced the seed");
    arena.holds_a_living_token();
    assert_eq!(arena.phase(), "idle");
    assert_eq!(arena.first().access_token(), arena.held_access_token());
    assert_eq!(arena.authority.posts(), 1, "the seed was fresh");
    assert!(arena.journals(&arena.first()).is_empty());
}

#[test]
fn a_due_seed_that_comes_during_an_exchange_is_exchanged_in_its_place() {
    let arena = Arena::due();
    let started = start_and_hold(&arena);
    let newer = arena.issue(&issued(TimeDelta::hours(-2), TimeDelta::hours(-1)));
    arena.restore(&arena.runner(2, 2), &newer).fine();
    arena.authority.release();
    arena.ended(started).refreshed(true);
    arena.holds_a_living_token();
    assert_eq!(arena.authority.exchanges(), 2);
    assert_eq!(arena.first().access_token(), arena.held_access_token());
}

#[test]
fn a_slot_that_was_purged_during_an_exchange_stays_empty() {
    let arena = Arena::due();
    let started = start_and_hold(&arena);
    arena.run(&arena.runner(2, 2), &["logout", "--purge"]).fine();
    arena.authority.release();
    arena.ended(started).failed(3, "slot-empty");
    assert_eq!(arena.phase(), "empty");
    assert!(arena.baton().login().is_none());
}

/// An authority that hands out a spent token again: the parent is spent, nothing took its place, and that is no success.
#[test]
fn a_spent_token_is_never_brought_back() {
    for force in [false, true] {
        let arena = Arena::due();
        if !force {
            arena.authority.set_access_lifetime(Some(TimeDelta::hours(-1)));
        }
        let spent = arena.held_token();
        arena.refresh().refreshed(true);
        let parent = arena.held_token();
        let generation = arena.state().generation;
        let repeated = format!("{{\"access_token\":\"a.b.c\",\"refresh_token\":\"{spent}\"}}");
        let elsewhere = Repeating::start(repeated);
        let url = elsewhere.url();
        let arguments: &[&str] = if force { &["refresh", "--force"] } else { &["refresh"] };
        let arguments = [arguments, &["--authority-url", &url]].concat();
        arena.run(&arena.first(), &arguments).failed(5, "reply-refused");
        assert_eq!((arena.phase().as_str(), arena.held_token()), ("dead reply-refused", parent));
        assert_eq!(arena.state().generation, generation);
        assert_eq!(elsewhere.asked(), 1, "a 2xx was followed by another POST");
    }
}

/// A reply without a new refresh token, and meanwhile the lease is somebody else's: nothing was spent, so it is dropped
/// and whoever has the lease is waited for; it is no success.
#[test]
fn a_reply_without_a_new_token_is_stored_only_under_its_own_lease() {
    let arena = Arena::due();
    let parent = arena.held_token();
    arena.authority.script(Behaviour::Keeping);
    let lab = Lab::new(&arena, arena.first());
    let thief = Lab::new(&arena, arena.runner(2, 2));
    let store = lab.scripted(|number| {
        // Before the second swap, which is to store the result, somebody else takes the lease over and renews.
        if number == 2 && arena.authority.posts() == 1 {
            let forced = Want { force: true, must: false };
            thief.refresh_as(&thief.store(), forced).map_err(drop)?;
        }
        Ok(())
    });
    let refreshed = lab.refresh(&store).unwrap();
    // The other one stored a rotated token; that is what there is to adopt.
    assert_ne!(arena.held_token(), parent);
    arena.holds_a_living_token();
    assert!(refreshed.loaded.baton().state().holds == arena.state().holds);
}

/// An authority that gives every caller the same reply.
struct Repeating {
    address: std::net::SocketAddr,
    asked: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Repeating {
    fn start(body: String) -> Self {
        use std::io::{Read, Write};
        use std::sync::atomic::Ordering;
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = std::sync::Arc::<std::sync::atomic::AtomicUsize>::default();
        let counted = asked.clone();
        // It ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut request = Vec::new();
                let mut some = [0; 4096];
                // The body of a request ends with the brace of its JSON.
                while !request.ends_with(b"}") {
                    let read = stream.read(&mut some).unwrap_or_default();
                    if read == 0 {
                        break;
                    }
                    request.extend_from_slice(&some[..read]);
                }
                counted.fetch_add(1, Ordering::SeqCst);
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
                let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            }
        });
        Self { address, asked }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn asked(&self) -> usize {
        self.asked.load(std::sync::atomic::Ordering::SeqCst)
    }
}

/// A backup, a cache, a copy of the directory: what this machine has spent it does not send again.
#[test]
fn an_old_baton_that_comes_back_is_not_exchanged_here() {
    let arena = Arena::due();
    let slot = arena.sandbox.path("store/default.baton");
    let old = std::fs::read(&slot).unwrap();
    arena.refresh().refreshed(true);
    std::fs::write(&slot, &old).unwrap();
    arena.refresh().failed(5, "login-rolled-back");
    assert_eq!(arena.authority.posts(), 1);
    assert!(std::fs::read(&slot).unwrap() == old, "the slot was changed");
    // Elsewhere only the authority can tell.
    arena.run(&arena.runner(2, 2), &["refresh"]).failed(5, "login-reused");
}
