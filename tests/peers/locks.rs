//! Both programs commit under the same two lock files, and neither minds what the other leaves in the home.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::MetadataExt,
};

use crate::{scene::Scene, support::fixtures};

/// The lock files, in the order in which Codex takes them.
const LOCKS: [&str; 2] = ["home/auth.lock", "home/auth.json.lock"];

const KEYS: [&str; 3] = ["sk-test-first-key", "sk-test-second-key", "sk-test-third-key"];

#[test]
fn both_programs_log_in_and_out_in_turns() {
    let Some(scene) = Scene::open() else { return };
    let [first, second, third] = KEYS;
    scene.codex(&["login", "--with-api-key"], first).exited(0);
    let locks = inodes(&scene);
    scene.authbaton("login", &["--with-api-key"], second).exited(0);
    assert_eq!(scene.login(), fixtures::api_key(second));
    scene.turn_carries(&format!("Bearer {second}"));
    scene.authbaton("logout", &[], "").exited(0);
    assert_eq!(scene.sandbox.auth_json(), None);
    scene.codex(&["login", "status"], "").exited(1).said("Not logged in");
    scene.codex(&["login", "--with-api-key"], third).exited(0);
    assert_eq!(scene.login(), fixtures::api_key(third));
    scene.codex(&["logout"], "").exited(0).said("Successfully logged out");
    // Nothing is left to log out, which is as good: Codex exits with 0 as well.
    scene.authbaton("logout", &[], "").exited(0);
    assert_eq!(inodes(&scene), locks, "a lock file was replaced: whoever waits on the old one is alone");
}

#[test]
fn codex_logs_in_where_we_made_the_lock_files() {
    let Some(scene) = Scene::open() else { return };
    let [first, second, _] = KEYS;
    scene.authbaton("login", &["--with-api-key"], first).exited(0);
    let locks = inodes(&scene);
    scene.codex(&["login", "--with-api-key"], second).exited(0);
    assert_eq!(scene.login(), fixtures::api_key(second));
    assert_eq!(inodes(&scene), locks, "Codex locks other files than we do");
}

#[test]
fn our_logout_revokes_nothing() {
    let Some(scene) = Scene::holding(&fixtures::chatgpt()) else { return };
    scene.authbaton("logout", &["--authority-url", scene.model.origin()], "").exited(0);
    assert_eq!(scene.sandbox.auth_json(), None);
    scene.codex(&["login", "status"], "").exited(1).said("Not logged in");
    scene.authority_was_left_alone();
}

#[test]
fn a_held_auth_lock_ends_our_waiting_with_exit_7() {
    a_held_lock_ends_our_waiting(LOCKS[0]);
}

#[test]
fn a_held_commit_lock_ends_our_waiting_with_exit_7() {
    a_held_lock_ends_our_waiting(LOCKS[1]);
}

fn a_held_lock_ends_our_waiting(name: &str) {
    let [before, after, _] = KEYS;
    let login = fixtures::api_key(before);
    let Some(scene) = Scene::open() else { return };
    // Codex logs in, so that we hold the very file that Codex locks.
    scene.codex(&["login", "--with-api-key"], before).exited(0);
    let lock = OpenOptions::new().read(true).write(true).open(scene.sandbox.path(name)).unwrap();
    lock.lock().unwrap();
    for (verb, arguments) in [("login", &["--with-api-key"][..]), ("logout", &[])] {
        let arguments = [arguments, &["--lock-timeout", "1s"]].concat();
        scene.authbaton(verb, &arguments, after).exited(7);
        assert_eq!(scene.login(), login, "{verb} changed the file without {name}");
    }
    lock.unlock().unwrap();
    scene.authbaton("login", &["--with-api-key", "--lock-timeout", "1s"], after).exited(0);
    assert_eq!(scene.login(), fixtures::api_key(after));
}

fn inodes(scene: &Scene) -> [u64; 2] {
    LOCKS.map(|name| fs::metadata(scene.sandbox.path(name)).unwrap().ino())
}
