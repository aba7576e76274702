//! Without a store the home is the holder: the login stays there whole, and is renewed there.

use std::fs;
use std::time::{Duration, Instant};

use authbaton::baton::TokenHash;
use authbaton::credential::RefreshToken;
use authbaton::rehearsal::{Behaviour, Twist};
use serde_json::Value;

use crate::arena::{Arena, due, fresh, wait_until};
use crate::launch::{self, LIMIT};

const REFRESH: [&str; 3] = ["refresh", "--store", "home:"];

/// An arena whose first home has the login.
fn with_login(options: &authbaton::rehearsal::IssueOptions) -> Arena {
    let arena = Arena::new();
    let login = arena.issue(options);
    arena.sandbox.place(login.as_bytes());
    arena
}

fn refresh_token(arena: &Arena) -> String {
    let document: Value = serde_json::from_slice(&fs::read(arena.first().auth_json()).unwrap()).unwrap();
    document["tokens"]["refresh_token"].as_str().unwrap().to_owned()
}

#[test]
fn a_due_login_is_renewed_in_its_home() {
    let arena = with_login(&due());
    let parent = refresh_token(&arena);
    arena.run(&arena.first(), &REFRESH).refreshed(true);
    assert_ne!(refresh_token(&arena), parent);
    assert!(arena.authority.is_alive(&refresh_token(&arena)));
    assert_eq!((arena.sandbox.auth_json_mode(), arena.authority.posts()), (0o600, 1));
    arena.run(&arena.first(), &REFRESH).refreshed(false);
    assert_eq!(arena.authority.posts(), 1);
}

#[test]
fn a_fresh_login_asks_nobody() {
    let arena = with_login(&fresh());
    arena.run(&arena.first(), &REFRESH).refreshed(false);
    assert!(arena.authority.received().is_empty());
}

#[test]
fn a_login_that_somebody_puts_there_meanwhile_is_kept() {
    let arena = with_login(&due());
    arena.authority.hold_replies();
    let started = arena.start(&arena.first(), &REFRESH, "");
    assert!(arena.authority.wait_for_exchanges(1, LIMIT));
    let theirs = arena.issue(&fresh());
    arena.sandbox.place(theirs.as_bytes());
    arena.authority.release();
    arena.ended(started).failed(10, "rotated-not-placed");
    assert!(fs::read_to_string(arena.first().auth_json()).unwrap() == theirs);
    // What was renewed is not lost: it lies beside theirs, whole.
    let kept = renewed_files(&arena);
    let [kept] = kept.as_slice() else { panic!("{kept:?}") };
    let kept: serde_json::Value =
        serde_json::from_str(fs::read_to_string(kept).unwrap().trim_end_matches('\0')).unwrap();
    assert!(arena.authority.is_alive(kept["tokens"]["refresh_token"].as_str().unwrap()));
}

/// A process that ends between the reply and `auth.json` loses nothing: the next one finds what came back.
#[test]
fn what_an_interrupted_run_had_renewed_is_placed_by_the_next() {
    let arena = with_login(&due());
    let lock = arena.sandbox.write("home/auth.lock", b"");
    let held = fs::OpenOptions::new().read(true).write(true).open(lock).unwrap();
    held.lock().unwrap();
    let started = arena.start(&arena.first(), &REFRESH, "");
    // The reply is on the disk as soon as its place is not blank any more; then it waits for the client's lock.
    let end = Instant::now() + LIMIT;
    while !renewed_files(&arena).iter().any(|path| fs::read(path).unwrap().starts_with(b"{")) {
        assert!(Instant::now() < end, "nothing was written beside auth.json");
        std::thread::yield_now();
    }
    started.kill();
    drop(held);
    arena.run(&arena.first(), &REFRESH).refreshed(false);
    assert_eq!((arena.authority.posts(), renewed_files(&arena).len()), (1, 0));
    assert!(arena.authority.is_alive(&refresh_token(&arena)));
}

fn renewed_files(arena: &Arena) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(&arena.first().home).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains("authbaton-renewed-")).collect()
}

#[test]
fn a_reply_that_must_not_be_used_is_not_placed() {
    for twist in [Twist::OtherAccount, Twist::OtherUser, Twist::EmptyRefreshToken] {
        let arena = with_login(&due());
        let before = fs::read(arena.first().auth_json()).unwrap();
        arena.authority.script(Behaviour::Twisted(twist));
        arena.run(&arena.first(), &REFRESH).failed(5, "reply-refused");
        assert!(fs::read(arena.first().auth_json()).unwrap() == before, "{twist:?}");
    }
}

#[test]
fn what_the_client_could_not_replace_stops_before_the_post() {
    let arena = with_login(&due());
    fs::hard_link(arena.first().auth_json(), arena.sandbox.path("home/other-name")).unwrap();
    arena.run(&arena.first(), &REFRESH).failed(2, "home-obstacle");
    assert!(arena.authority.received().is_empty());
}

#[test]
fn an_access_only_home_has_its_holder_elsewhere() {
    let arena = Arena::due();
    arena.run(&arena.first(), &REFRESH).failed(3, "access-only-given");
    assert!(arena.authority.received().is_empty());
}

#[test]
fn on_a_ci_it_must_be_said() {
    let arena = with_login(&due());
    let mut command = arena.sandbox.command(env!("CARGO_BIN_EXE_authbaton").as_ref());
    let started = launch::start(command.env("CI", "true").args(["refresh", "--json"]), "");
    arena.ended(started).failed(2, "store-not-configured");
}

/// After exit 10 the living login lies beside `auth.json`: `save` takes that one, logging out leaves neither, and who logs
/// in with something else is told of it, because it may be the only copy.
#[test]
fn what_lies_beside_auth_json_is_saved_deleted_or_named() {
    for verb in ["save", "logout", "enforce", "login"] {
        let arena = with_login(&due());
        let before = fs::read(arena.first().auth_json()).unwrap();
        arena.run(&arena.first(), &REFRESH).refreshed(true);
        let living = refresh_token(&arena);
        // As after a process that ended before it could replace the file.
        let parent: Value = serde_json::from_slice(&before).unwrap();
        let parent = parent["tokens"]["refresh_token"].as_str().unwrap().to_owned();
        let hash = TokenHash::of(&RefreshToken::new(&parent).unwrap());
        let beside = arena.sandbox.path(&format!("home/authbaton-renewed-{hash}.json"));
        fs::rename(arena.first().auth_json(), &beside).unwrap();
        arena.sandbox.place(&before);
        match verb {
            "save" => {
                arena.run(&arena.first(), &["save"]).fine();
                assert_eq!(arena.held_token(), living);
                arena.nothing_lies_around();
            }
            "logout" => drop(arena.run(&arena.first(), &["logout"]).fine()),
            "enforce" => {
                let enforce = ["enforce", "--forced-login-method", "api"];
                arena.run(&arena.first(), &enforce).failed(4, "policy-logged-out");
            }
            _ => {
                let login = ["login", "--with-api-key"];
                let ran = arena.run_only(&arena.first(), &login, "sk-example");
                assert!(ran.fine().stderr.contains(beside.to_str().unwrap()), "{}", ran.stderr);
                // What the policy allows stays, whatever becomes of the key.
                let enforce = ["enforce", "--forced-login-method", "chatgpt"];
                arena.run_only(&arena.first(), &enforce, "").failed(4, "policy-logged-out");
                assert_eq!(renewed_files(&arena), [beside]);
                continue;
            }
        }
        assert!(renewed_files(&arena).is_empty(), "{verb} left a login behind");
    }
}

/// A field that somebody adds while the request is under way survives, as with Codex.
#[test]
fn what_was_added_during_the_exchange_survives() {
    let arena = with_login(&due());
    arena.authority.hold_replies();
    let started = arena.start(&arena.first(), &REFRESH, "");
    assert!(arena.authority.wait_for_exchanges(1, LIMIT));
    let mut document: Value = serde_json::from_slice(&fs::read(arena.first().auth_json()).unwrap()).unwrap();
    document["OPENAI_API_KEY"] = "sk-added".into();
    document["vendor"] = "kept".into();
    arena.sandbox.place(document.to_string().as_bytes());
    arena.authority.release();
    arena.ended(started).refreshed(true);
    let document: Value = serde_json::from_slice(&fs::read(arena.first().auth_json()).unwrap()).unwrap();
    assert_eq!((&document["OPENAI_API_KEY"], &document["vendor"]), (&"sk-added".into(), &"kept".into()));
    assert!(arena.authority.is_alive(&refresh_token(&arena)));
}

/// A link is followed, as Codex follows it: what it names is replaced, and the link stays.
#[test]
fn a_linked_auth_json_is_renewed_behind_its_link() {
    let arena = with_login(&due());
    let (path, target) = (arena.first().auth_json(), arena.sandbox.path("home/real.json"));
    fs::rename(&path, &target).unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    arena.run(&arena.first(), &REFRESH).refreshed(true);
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert!(arena.authority.is_alive(&refresh_token(&arena)));
    assert!(
        arena.sandbox.path("home/real.json.lock").exists(),
        "Codex's second lock lies beside the real file"
    );
    // Logging out removes the link and leaves what it names, as with Codex.
    arena.run_only(&arena.first(), &["logout"], "").fine();
    assert!(fs::symlink_metadata(&path).is_err() && target.exists());
}

/// A reply came for the token, so it is spent: it is not sent again, unless somebody insists.
#[test]
fn a_token_whose_reply_was_kept_is_not_sent_again() {
    let arena = with_login(&due());
    arena.authority.script(Behaviour::Twisted(Twist::OtherAccount));
    arena.run(&arena.first(), &REFRESH).failed(5, "reply-refused");
    let [kept] = renewed_files(&arena).try_into().unwrap();
    assert!(kept.extension().is_some_and(|it| it == "reply"));
    let again = arena.run(&arena.first(), &REFRESH);
    again.failed(5, "reply-refused");
    assert!(again.stderr.contains(kept.to_str().unwrap()), "{}", again.stderr);
    assert_eq!(arena.authority.posts(), 1);
    arena.run(&arena.first(), &["refresh", "--store", "home:", "--force"]).failed(5, "login-reused");
}

/// A place that is blank says that a request may be under way: the next one must not overtake it.
#[test]
fn the_request_of_an_interrupted_run_is_waited_for() {
    let arena = with_login(&due());
    arena.authority.hold_replies();
    let started = arena.start(&arena.first(), &REFRESH, "");
    assert!(arena.authority.wait_for_exchanges(1, LIMIT));
    started.kill();
    arena.authority.release();
    let waiting = arena.start(&arena.first(), &REFRESH, "");
    wait_until("the waiting", || waiting.said().contains("an interrupted request may be under way"));
    assert_eq!(arena.authority.posts(), 1, "it was sent again at once");
    waiting.kill();
    // Later the request must have ended; what became of it, the authority tells.
    let [place] = renewed_files(&arena).try_into().unwrap();
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(60);
    fs::OpenOptions::new().write(true).open(place).unwrap().set_modified(long_ago).unwrap();
    arena.run(&arena.first(), &REFRESH).failed(5, "login-reused");
}
