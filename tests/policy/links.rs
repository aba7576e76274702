//! An `auth.json` that is no plain file. A link is what is deleted, never what it leads to.

use std::fs;
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
