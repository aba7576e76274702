//! Codex without us: these tests pin the behaviour that the others rely on. Each "it sends nothing" elsewhere has its
//! counterpart here, in which the same mock does see something.

use std::{fs::File, io::ErrorKind, time::Duration};

use crate::{
    scene::Scene,
    support::{codex, fixtures},
};

#[test]
fn the_peer_is_the_pinned_version() {
    let Some(scene) = Scene::open() else { return };
    let outcome = scene.codex(&["--version"], "").exited(0);
    assert_eq!(outcome.stdout.trim(), format!("codex-cli {}", codex::VERSION));
    assert_eq!(outcome.stderr, "", "Codex warns about the sandbox");
}

#[test]
fn a_fresh_full_login_works_without_a_refresh() {
    let login = fixtures::chatgpt();
    let Some(scene) = Scene::holding(&login) else { return };
    scene.turn_carries(&fixtures::bearer(&login));
    scene.authority_was_left_alone();
}

#[test]
fn an_access_only_login_works_without_a_refresh() {
    let login = fixtures::access_only();
    let Some(scene) = Scene::holding(&login) else { return };
    scene.codex(&["login", "status"], "").exited(0).said("Logged in using ChatGPT");
    scene.turn_carries(&fixtures::bearer(&login));
    scene.authority_was_left_alone();
    assert_eq!(scene.login(), login);
}

#[test]
fn an_expired_access_only_login_is_used_as_it_is() {
    let login = fixtures::expired_access_only();
    let Some(scene) = Scene::holding(&login) else { return };
    scene.turn_carries(&fixtures::bearer(&login));
    scene.authority_was_left_alone();
}

#[test]
fn an_access_only_login_that_the_model_refuses_is_not_refreshed() {
    let login = fixtures::access_only();
    let Some(scene) = Scene::holding(&login) else { return };
    scene.model.refuse();
    let outcome = scene.turn().exited(1);
    assert!(outcome.stdout.contains("401 Unauthorized"), "{outcome:#?}");
    scene.every_turn_carried(&fixtures::bearer(&login));
    scene.authority_was_left_alone();
    assert_eq!(scene.login(), login);
}

#[test]
fn an_access_only_login_is_not_revoked_by_logout() {
    let Some(scene) = Scene::holding(&fixtures::access_only()) else { return };
    scene.codex(&["logout"], "").exited(0).said("Successfully logged out");
    assert_eq!(scene.sandbox.auth_json(), None);
    scene.authority_was_left_alone();
}

#[test]
fn the_mock_sees_the_refresh_of_an_expired_full_login() {
    let Some(scene) = Scene::holding(&fixtures::expired_chatgpt()) else { return };
    scene.turn();
    let refreshes = scene.model.refreshes();
    let first = refreshes.first().unwrap();
    assert_eq!(first.method, "POST");
    assert!(first.body.contains(r#""refresh_token":"rt-fixture""#), "{first:?}");
    assert!(first.body.contains(r#""refresh_reason":"proactive_expiry""#), "{first:?}");
}

#[test]
fn the_mock_sees_the_refresh_of_a_refused_full_login() {
    let Some(scene) = Scene::holding(&fixtures::chatgpt()) else { return };
    scene.model.refuse();
    scene.turn().exited(1);
    let refreshes = scene.model.refreshes();
    assert!(refreshes.iter().any(|seen| seen.body.contains("unauthorized_recovery")), "{refreshes:?}");
}

#[test]
fn the_mock_sees_the_revocation_of_a_full_login() {
    let Some(scene) = Scene::holding(&fixtures::chatgpt()) else { return };
    scene.codex(&["logout"], "").exited(0);
    let revocations = scene.model.revocations();
    assert!(revocations.iter().any(|seen| seen.body.contains("rt-fixture")), "{revocations:?}");
}

#[test]
fn nothing_leaves_loopback() {
    let Some(scene) = Scene::holding(&fixtures::chatgpt()) else { return };
    scene.turn().exited(0);
    scene.codex(&["login", "status"], "").exited(0);
    scene.codex(&["logout"], "").exited(0);
    let outside: Vec<_> = scene.model.seen().into_iter().filter(|seen| seen.method == "CONNECT").collect();
    assert!(outside.is_empty(), "{outside:#?}");
}

#[test]
fn unknown_fields_are_accepted() {
    let login = fixtures::with_unknown_fields(fixtures::access_only());
    let Some(scene) = Scene::holding(&login) else { return };
    scene.codex(&["login", "status"], "").exited(0).said("Logged in using ChatGPT");
    scene.turn_carries(&fixtures::bearer(&login));
}

#[test]
fn a_lock_held_by_a_test_holds_codex_too() {
    let login = fixtures::api_key("sk-test-before");
    let Some(scene) = Scene::holding(&login) else { return };
    let lock = File::create(scene.sandbox.path("home/auth.lock")).unwrap();
    lock.lock().unwrap();
    let arguments = ["login", "--with-api-key"];
    let outcome = scene.codex_within(Duration::from_secs(1), &arguments, "sk-test-after");
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::TimedOut, "Codex did not wait");
    assert_eq!(scene.login(), login);
    lock.unlock().unwrap();
    scene.codex(&arguments, "sk-test-after").exited(0);
    assert_eq!(scene.login(), fixtures::api_key("sk-test-after"));
}
