//! Everything that could keep the result from being stored or used shows before anything is spent.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

use crate::arena::{Arena, fresh};

#[test]
fn what_the_client_could_not_replace_stops_before_the_post() {
    type Put = fn(&Arena);
    let read_only: Put = |arena| {
        fs::set_permissions(arena.first().auth_json(), Permissions::from_mode(0o400)).unwrap();
    };
    let linked: Put = |arena| {
        fs::hard_link(arena.first().auth_json(), arena.sandbox.path("home/other-name")).unwrap();
    };
    let foreign: Put = |arena| {
        if rustix::process::geteuid().is_root() {
            chown(arena.first().auth_json(), Some(54_321), None).unwrap();
        } else {
            // Only root gives a file away; then one that is there already is as good.
            fs::remove_file(arena.first().auth_json()).unwrap();
            std::os::unix::fs::symlink("/etc/hostname", arena.first().auth_json()).unwrap();
        }
    };
    for put in [read_only, linked, foreign] {
        let arena = Arena::due();
        put(&arena);
        let state = arena.state();
        arena.refresh().failed(2, "home-obstacle");
        assert!(arena.authority.received().is_empty());
        assert_eq!(arena.state(), state, "the slot was written");
        assert!(arena.journals(&arena.first()).is_empty());
    }
}

#[test]
fn what_is_no_file_stops_before_the_post() {
    let arena = Arena::due();
    fs::remove_file(arena.first().auth_json()).unwrap();
    fs::create_dir(arena.first().auth_json()).unwrap();
    arena.refresh().failed(2, "home-obstacle");
    assert!(arena.authority.received().is_empty());
    // Nor is a link that leads to itself.
    fs::remove_dir(arena.first().auth_json()).unwrap();
    std::os::unix::fs::symlink("auth.json", arena.first().auth_json()).unwrap();
    arena.refresh().failed(2, "home-unusable");
    assert!(arena.authority.received().is_empty());
    // And one that shows only where a lock should be.
    let arena = Arena::due();
    let lock = arena.sandbox.path("home/auth.lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    arena.refresh().failed(2, "home-unusable");
    assert!(arena.authority.received().is_empty());
    assert_eq!(arena.phase(), "idle");
}

#[test]
fn a_state_directory_that_is_not_ours_alone_stops_before_the_post() {
    let arena = Arena::due();
    fs::create_dir_all(arena.sandbox.path("state/authbaton/journals")).unwrap();
    fs::set_permissions(arena.sandbox.path("state/authbaton/journals"), Permissions::from_mode(0o770))
        .unwrap();
    arena.refresh().failed(2, "home-unusable");
    assert!(arena.authority.received().is_empty());
    assert_eq!(arena.phase(), "idle");
}

#[test]
fn a_store_without_a_mutex_is_only_read() {
    let arena = Arena::due();
    let carried = format!("{}?carried=ci-cache", arena.sandbox.store());
    arena.run(&arena.first(), &["refresh", "--store", &carried]).failed(8, "store-not-exclusive");
    assert!(arena.authority.received().is_empty());
    arena.run(&arena.runner(2, 2), &["restore", "--store", &carried]).fine();
    // With one, it says what may still be lost.
    let ran = arena.run(&arena.first(), &["refresh", "--store", &format!("{carried}&mutex=ci")]);
    assert!(ran.refreshed(true).stderr.contains("uploaded only after the job"), "{}", ran.stderr);
}

#[test]
fn the_policy_stops_before_the_post_and_before_the_home() {
    let workspace = ["--forced-chatgpt-workspace-id", "account-other"];
    let method = ["--forced-login-method", "api"];
    for option in [workspace, method] {
        let arena = Arena::due();
        let state = arena.state();
        // The copy in the home goes: the store keeps the login.
        arena.run(&arena.first(), &[&["refresh"], &option[..]].concat()).failed(4, "policy-logged-out");
        assert!(!arena.first().auth_json().exists());
        assert!(arena.authority.received().is_empty());
        let other = arena.runner(2, 2);
        arena.run(&other, &[&["restore"], &option[..]].concat()).failed(4, "policy-forbidden");
        assert!(!other.auth_json().exists());
        assert!(arena.state() == state);
    }
}

#[test]
fn the_policy_stops_a_seed() {
    let arena = Arena::new();
    let login = arena.issue(&fresh());
    let arguments = ["restore", "--seed-stdin", "--forced-chatgpt-workspace-id", "account-other"];
    arena.run_with(&arena.first(), &arguments, &login).failed(4, "policy-forbidden");
    assert!(!arena.sandbox.path("store/default.baton").exists());
}

#[test]
fn the_home_of_the_client_decides_too() {
    let arena = Arena::due();
    arena.sandbox.write("home/config.toml", b"forced_login_method = \"api\"\n");
    arena.refresh().failed(4, "policy-logged-out");
    assert!(arena.authority.received().is_empty());
    // Another home of the same slot has another policy.
    arena.run(&arena.runner(2, 2), &["refresh"]).refreshed(true);
}

#[test]
fn a_held_lock_is_waited_for_and_said() {
    let arena = Arena::due();
    for (name, step) in
        [("home/authbaton.lock", "waiting for the lock held by "), ("home/auth.json.lock", "")]
    {
        let lock = OpenOptions::new().read(true).write(true).open(arena.sandbox.path(name)).unwrap();
        lock.lock().unwrap();
        let ran = arena.run(&arena.first(), &["restore", "--lock-timeout", "1s"]);
        ran.failed(7, "lock-timeout");
        assert!(ran.stderr.contains(step) && ran.stderr.contains("was locked by another process"));
        drop(lock);
        arena.run(&arena.first(), &["restore", "--lock-timeout", "60s"]).fine();
    }
    assert!(arena.authority.received().is_empty());
}

#[test]
fn a_home_that_cannot_be_written_stops_before_the_post() {
    if rustix::process::geteuid().is_root() {
        return;
    }
    let arena = Arena::due();
    fs::set_permissions(arena.first().home, Permissions::from_mode(0o500)).unwrap();
    arena.refresh().failed(2, "home-unusable");
    assert!(arena.authority.received().is_empty());
    fs::set_permissions(arena.first().home, Permissions::from_mode(0o700)).unwrap();
}

/// Through a link, or another name of it, any file of this user could be locked and written.
#[test]
fn a_lock_file_that_is_another_file_is_not_written() {
    for link in [true, false] {
        let arena = Arena::due();
        let precious = arena.sandbox.write("work/precious", b"precious");
        let lock = arena.sandbox.path("home/authbaton.lock");
        std::fs::remove_file(&lock).unwrap();
        if link {
            std::os::unix::fs::symlink(&precious, &lock).unwrap();
        } else {
            std::fs::hard_link(&precious, &lock).unwrap();
        }
        arena.refresh().failed(2, "home-unusable");
        assert_eq!(std::fs::read(&precious).unwrap(), b"precious");
        // Nor is a file that is not ours in its place.
        std::fs::remove_file(&lock).unwrap();
        arena.sandbox.write("home/authbaton.lock", b"not ours");
        arena.refresh().failed(2, "home-unusable");
        assert_eq!(std::fs::read(&lock).unwrap(), b"not ours");
    }
}

/// Half a name, or the zeroes of a power cut, were ours; the client's own lock files may be links, as the client allows.
#[test]
fn a_torn_lock_file_gets_a_new_name_and_the_clients_may_be_links() {
    for torn in [&b""[..], b"c0ffee", &[0; 100]] {
        let arena = Arena::due();
        arena.sandbox.write("home/authbaton.lock", torn);
        let (lock, other) = (arena.sandbox.path("home/auth.lock"), arena.sandbox.path("home/other.lock"));
        std::fs::rename(&lock, &other).unwrap();
        std::os::unix::fs::symlink(&other, &lock).unwrap();
        std::fs::hard_link(arena.sandbox.path("home/auth.json.lock"), arena.sandbox.path("home/a.lock"))
            .unwrap();
        arena.refresh().refreshed(true);
    }
}
