//! An `auth.json` that is no plain file. A link is what is deleted, never what it leads to.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use crate::arena::{Arena, Ran, fresh};
use crate::evil::Evil;
use crate::scene::is_there;

const FORBIDDEN: [&str; 3] = ["enforce", "--forced-login-method", "api"];

#[test]
fn only_the_link_goes_and_its_target_is_named() {
    for verb in [&FORBIDDEN[..], &["logout"]] {
        let arena = Arena::new();
        let login = arena.issue(&fresh());
        let target = arena.sandbox.write("work/elsewhere.json", login.as_bytes());
        symlink(&target, arena.first().auth_json()).unwrap();
        let ran = arena.run_only(&arena.first(), verb, "");
        if verb == FORBIDDEN {
            ran.failed(4, "policy-logged-out");
            let target = target.canonicalize().unwrap();
            assert!(ran.stderr.contains(target.to_str().unwrap()), "{}", ran.stderr);
        } else {
            ran.fine();
        }
        assert!(!is_there(&arena.first().auth_json()));
        assert!(fs::read_to_string(&target).unwrap() == login, "what the link leads to was touched");
    }
}

/// The client deletes under two locks of its own. Whoever holds one may be writing the login just now: it stays, and that
/// is said in the words of the client.
#[test]
fn one_that_cannot_be_deleted_stays() {
    for (client, what) in [("codex", "stored credentials"), ("llmx", "auth.json")] {
        for lock in ["auth.lock", "auth.json.lock"] {
            let arena = Arena::new();
            let login = arena.issue(&fresh());
            arena.sandbox.place(login.as_bytes());
            let path = arena.sandbox.write(&format!("home/{lock}"), b"");
            let held = File::options().write(true).open(&path).unwrap();
            held.lock().unwrap();
            let enforce = [&FORBIDDEN[..], &["--client", client, "--lock-timeout", "1s"]].concat();
            let ran = arena.run_only(&arena.first(), &enforce, "");
            ran.failed(4, "policy-not-logged-out");
            let says = format!(
                "error[policy-not-logged-out]: API key login is required, but ChatGPT is currently being used. \
                 Logging out.. Failed to remove {what}: `{}` was locked by another process for 1 s\n",
                path.display()
            );
            assert!(ran.stderr.contains(&says), "{client} {lock}: {}", ran.stderr);
            assert!(fs::read_to_string(arena.first().auth_json()).unwrap() == login, "{client} {lock}");
            held.unlock().unwrap();
            arena.run_only(&arena.first(), &enforce, "").failed(4, "policy-logged-out");
            assert!(!is_there(&arena.first().auth_json()), "{client} {lock}");
        }
    }
}

/// Whatever else is there is no login that could be judged: it stays, and nobody waits for it.
#[test]
fn what_is_no_file_is_said_and_stays() {
    for evil in [Evil::LinkLoop, Evil::Directory, Evil::Fifo, Evil::Locked] {
        if !evil.is_possible() {
            continue;
        }
        let arena = Arena::due();
        let path = arena.first().auth_json();
        fs::remove_file(&path).unwrap();
        evil.put(&path);
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        for verb in [&FORBIDDEN[..], &[FORBIDDEN[0], "--dry-run"], &["status"], &["restore"], &["refresh"]] {
            let ran: Ran = arena.run_only(&arena.first(), verb, "");
            let id = ran.json["error"]["id"].as_str().unwrap_or_default();
            assert_eq!(ran.code, Some(2), "{evil:?} {verb:?}: {}", ran.stderr);
            assert!(["home-unusable", "home-obstacle"].contains(&id), "{evil:?} {verb:?}: {}", ran.stderr);
            assert!(ran.stderr.contains(path.to_str().unwrap()), "{evil:?} {verb:?}: {}", ran.stderr);
            assert!(fs::symlink_metadata(&path).unwrap().file_type() == kind, "{evil:?} {verb:?}");
            assert!(arena.authority.received().is_empty(), "{evil:?} {verb:?}: {}", ran.stderr);
        }
        evil.remove(&path);
    }
}
