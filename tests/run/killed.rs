//! `kill -9` of what belongs to a run, and what the next one finds.

use std::fs;
use std::io::ErrorKind;

use crate::arena::{Arena, fresh, wait_until};
use crate::job::{Job, kill_9, lives};
use crate::launch::LIMIT;

fn arena() -> Arena {
    let arena = Arena::new();
    arena.seed(&fresh());
    arena
}

/// The next run works, and nothing of the one before is left.
#[track_caller]
fn the_next_run_works(arena: &Arena, posts: usize) {
    let job = Job::start(arena, &["--broker", "always"]);
    let homes = fs::read_dir(arena.sandbox.path("temporary")).unwrap().count();
    assert_eq!(homes, 1, "the home of the killed run is still there");
    assert_eq!(arena.authority.posts(), posts);
    let client = job.client();
    assert_eq!(client.ask("proactive_expiry").unwrap().token(&client), arena.held_access_token());
    job.end(arena);
    assert_eq!((arena.authority.posts(), arena.phase().as_str()), (posts, "idle"));
    arena.holds_a_living_token();
    arena.nothing_lies_around();
}

#[test]
fn a_killed_run_takes_its_broker_with_it_and_not_its_command() {
    let arena = arena();
    let mut job = Job::start(&arena, &["--broker", "always"]);
    let (broker, command, home) = (job.broker().unwrap(), job.command(), job.home());
    job.kill();
    wait_until("the end of the broker", || !lives(broker));
    assert!(lives(command), "the command was ended");
    assert!(home.is_dir());
    the_next_run_works(&arena, 0);
    assert!(!home.exists());
    assert!(lives(command), "the next run ended the command of another");
    job.go();
    wait_until("the end of the command", || job.is_done());
}

#[test]
fn without_its_broker_the_command_goes_on() {
    let arena = arena();
    let job = Job::start(&arena, &["--broker", "always"]);
    let client = job.client();
    client.ask("proactive_expiry").unwrap().token(&client);
    kill_9(job.broker().unwrap());
    let refused =
        || client.ask("proactive_expiry").is_err_and(|it| it.kind() == ErrorKind::ConnectionRefused);
    wait_until("a closed port", refused);
    let end = job.end(&arena);
    assert!(end.stderr.contains("the broker was killed, or failed"), "{end:?}");
    the_next_run_works(&arena, 0);
}

/// Something that the command left may hold the lock that the broker waits for.
#[cfg(feature = "failpoints")]
#[test]
fn a_broker_does_not_outlive_its_run_because_of_the_job() {
    let arena = arena();
    let job = Job::start_with(&arena, &["--broker", "always"], |command| {
        command.env("AUTHBATON_CLOCK_SPEED", "25");
    });
    let broker = job.broker().unwrap();
    let users = fs::File::open(job.home().join("authbaton.users")).unwrap();
    rustix::fs::flock(&users, rustix::fs::FlockOperation::LockShared).unwrap();
    let end = job.end(&arena);
    assert!(!lives(broker), "the broker is still there: {end:?}");
    drop(users);
    the_next_run_works(&arena, 0);
}

/// The broker finishes what it has begun: the token was spent already.
#[test]
fn a_run_that_is_killed_during_an_exchange_loses_nothing() {
    let arena = arena();
    let mut job = Job::start(&arena, &["--broker", "always"]);
    let (client, broker) = (job.client(), job.broker().unwrap());
    arena.authority.hold_replies();
    let asking = std::thread::spawn(move || client.ask("unauthorized_recovery"));
    assert!(arena.authority.wait_for_exchanges(1, LIMIT));
    job.kill();
    assert!(lives(broker), "the broker left in the middle of an exchange");
    arena.authority.release();
    wait_until("the end of the broker", || !lives(broker));
    asking.join().unwrap().ok();
    the_next_run_works(&arena, 1);
}

/// Points of a broker's exchange, each with how many tokens it has spent. The next run takes up what is in the journal.
#[cfg(feature = "failpoints")]
#[test]
fn a_broker_that_is_killed_during_an_exchange_loses_nothing() {
    let table = [
        ("before:lease", 0),
        ("after:make-journal", 0),
        ("after:write-journal", 1),
        ("before:store", 1),
        ("after:store", 1),
        ("after:drop-journal", 1),
    ];
    for (point, exchanges) in table {
        let arena = arena();
        let job = Job::start_with(&arena, &["--broker", "always"], |command| {
            command.env("AUTHBATON_FAILPOINT", point).env("AUTHBATON_CLOCK_SPEED", "25");
        });
        let (client, broker) = (job.client(), job.broker().unwrap());
        assert!(client.ask("unauthorized_recovery").is_err(), "{point}");
        wait_until("the end of the broker", || !lives(broker));
        assert_eq!(arena.authority.exchanges(), exchanges, "{point}");
        job.end(&arena);
        let next = Job::start_with(&arena, &["--broker", "always"], |command| {
            command.env("AUTHBATON_CLOCK_SPEED", "25");
        });
        assert_eq!(next.access_token(), arena.held_access_token(), "{point}");
        next.end(&arena);
        assert_eq!(arena.authority.exchanges(), exchanges, "{point}");
        let refused = arena
            .authority
            .received()
            .iter()
            .filter(|it| !matches!(it.outcome, authbaton::rehearsal::Outcome::Rotated))
            .count();
        assert_eq!((refused, arena.phase().as_str()), (0, "idle"), "{point}");
        arena.holds_a_living_token();
        arena.nothing_lies_around();
    }
}

/// The store goes away after the token was spent, and does not come back before the end.
#[cfg(feature = "failpoints")]
#[test]
fn what_is_not_stored_in_the_end_is_no_success() {
    for (of_command, of_run) in [("0", 10), ("7", 7)] {
        let arena = arena();
        let report = arena.sandbox.path("report.json");
        let word = arena.sandbox.path("word.env");
        let options = ["--broker", "always", "--report", report.to_str().unwrap()];
        let job = Job::start_with(&arena, &options, |command| {
            command.env("AUTHBATON_CLOCK_SPEED", "25").env("JOB_EXIT", of_command);
            command.env("AUTHBATON_DOTENV", &word);
        });
        let client = job.client();
        arena.authority.hold_replies();
        let asking = std::thread::spawn(move || client.ask("unauthorized_recovery"));
        assert!(arena.authority.wait_for_exchanges(1, LIMIT));
        let (store, away) = (arena.sandbox.path("store"), arena.sandbox.path("store-away"));
        fs::rename(&store, &away).unwrap();
        fs::write(&store, "").unwrap();
        arena.authority.release();
        asking.join().unwrap().ok();
        job.go();
        let end = job.wait(&arena);
        assert_eq!(end.code, Some(of_run), "{end:?}");
        assert!(end.stderr.contains("BEGIN"), "no rescue text: {end:?}");
        let report: serde_json::Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
        assert_eq!(
            (&report["stored"], &report["exit_code"]),
            (&false.into(), &(if of_run == 10 { 0 } else { 7 }).into())
        );
        let word = fs::read_to_string(&word).unwrap();
        assert!(word.contains("AUTHBATON_ERROR_ID=rotated-not-stored\n"), "{word}");
        // The journal of this machine brings it back.
        fs::remove_file(&store).unwrap();
        fs::rename(&away, &store).unwrap();
        the_next_run_works(&arena, 1);
    }
}
