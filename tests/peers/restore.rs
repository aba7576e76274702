//! A home that `restore` made lets Codex work, and gives it nothing with which it could end the login of later jobs.

use serde_json::Value;

use crate::{scene::Scene, support::fixtures};

#[test]
fn codex_works_with_a_restored_login_and_never_refreshes() {
    let Some((scene, seed)) = restored() else { return };
    let placed = scene.login();
    scene.codex(&["login", "status"], "").exited(0).said("Logged in using ChatGPT");
    scene.turn_carries(&fixtures::bearer(&seed));
    scene.authority_was_left_alone();
    assert_eq!(scene.login(), placed, "Codex changed the file");
}

#[test]
fn a_restored_home_has_no_refresh_token() {
    let Some((scene, seed)) = restored() else { return };
    let refresh_token = seed["tokens"]["refresh_token"].as_str().unwrap();
    for entry in std::fs::read_dir(scene.sandbox.home()).unwrap() {
        let path = entry.unwrap().path();
        let content = std::fs::read(&path).unwrap();
        assert!(!String::from_utf8_lossy(&content).contains(refresh_token), "it is in {}", path.display());
    }
    assert_eq!(scene.sandbox.auth_json_mode(), 0o600);
    let tokens = &scene.login()["tokens"];
    assert_eq!(tokens["access_token"], seed["tokens"]["access_token"]);
    assert_eq!(tokens["refresh_token"], "");
}

#[test]
fn codex_does_not_refresh_a_restored_login_that_the_model_refuses() {
    let Some((scene, seed)) = restored() else { return };
    scene.model.refuse();
    let outcome = scene.turn().exited(1);
    assert!(outcome.stdout.contains("401 Unauthorized"), "{outcome:#?}");
    scene.every_turn_carried(&fixtures::bearer(&seed));
    scene.authority_was_left_alone();
}

#[test]
fn a_logout_by_codex_leaves_the_login_to_later_jobs() {
    let Some((scene, seed)) = restored() else { return };
    scene.codex(&["logout"], "").exited(0).said("Successfully logged out");
    assert_eq!(scene.sandbox.auth_json(), None);
    // The next job, without a seed: the store still has it.
    scene.authbaton_with_store("restore", &[]).exited(0);
    scene.turn_carries(&fixtures::bearer(&seed));
    scene.authority_was_left_alone();
}

#[test]
fn a_home_in_which_codex_has_worked_can_be_restored_again() {
    let Some((scene, seed)) = restored() else { return };
    scene.turn_carries(&fixtures::bearer(&seed));
    scene.authbaton_with_store("restore", &[]).exited(0);
    scene.turn_carries(&fixtures::bearer(&seed));
}

/// A full login, seeded into the store and restored from it.
fn restored() -> Option<(Scene, Value)> {
    let seed = fixtures::chatgpt();
    let scene = Scene::open()?;
    let file = scene.sandbox.write("seed.json", &fixtures::bytes(&seed));
    scene.authbaton_with_store("restore", &["--seed-file", file.to_str().unwrap()]).exited(0);
    Some((scene, seed))
}
