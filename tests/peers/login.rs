//! A login that we write into a home is the login that Codex would have written, and Codex uses it.

use crate::{scene::Scene, support::fixtures};

#[test]
fn an_api_key_login_is_codex_s_byte_for_byte() {
    // As piped by `echo`, with spaces around it, and with characters that JSON escapes or that writers disagree on.
    for input in ["sk-test-0123456789ABCDEFG\n", "  sk-test-padded \r\n", "sk-\"test\"\\/é<>&"] {
        let (Some(theirs), Some(ours)) = (Scene::open(), Scene::open()) else { return };
        theirs.codex(&["login", "--with-api-key"], input).exited(0);
        ours.authbaton("login", &["--with-api-key"], input).exited(0);
        let expected = String::from_utf8(theirs.sandbox.auth_json().unwrap()).unwrap();
        assert!(expected.contains("sk-"), "Codex wrote no key: {expected}");
        assert_eq!(ours.sandbox.auth_json().map(|bytes| String::from_utf8(bytes).unwrap()), Some(expected));
        assert_eq!((theirs.sandbox.auth_json_mode(), ours.sandbox.auth_json_mode()), (0o600, 0o600));
    }
}

#[test]
fn codex_uses_our_api_key_login() {
    let key = "sk-test-0123456789ABCDEFG";
    let Some(scene) = Scene::open() else { return };
    scene.authbaton("login", &["--with-api-key"], key).exited(0);
    scene.codex(&["login", "status"], "").exited(0).said("API key configured - sk-test-***CDEFG");
    scene.turn_carries(&format!("Bearer {key}"));
}

#[test]
fn codex_uses_our_full_login() {
    let login = fixtures::chatgpt();
    let Some(scene) = Scene::open() else { return };
    take_full_login(&scene, &login);
    assert_eq!(scene.login(), login);
    assert_eq!(scene.sandbox.auth_json_mode(), 0o600);
    scene.codex(&["login", "status"], "").exited(0).said("Logged in using ChatGPT");
    scene.turn_carries(&fixtures::bearer(&login));
    scene.authority_was_left_alone();
}

#[test]
fn unknown_fields_survive_our_writing_and_codex_accepts_them() {
    let login = fixtures::with_unknown_fields(fixtures::chatgpt());
    let Some(scene) = Scene::open() else { return };
    take_full_login(&scene, &login);
    assert_eq!(scene.login(), login);
    scene.codex(&["login", "status"], "").exited(0).said("Logged in using ChatGPT");
    scene.turn_carries(&fixtures::bearer(&login));
}

/// The home is the holder here: there is no store.
fn take_full_login(scene: &Scene, login: &serde_json::Value) {
    scene.authbaton("login", &["--with-auth-json", "--store", "home:"], &login.to_string()).exited(0);
}
