//! `forced_login_method` in the home's `config.toml`: our verdict is the one that `codex exec` gives.

use serde_json::Value;

use crate::{scene::Scene, support::fixtures};

const API_KEY_REQUIRED: &str = "API key login is required, but ChatGPT is currently being used. Logging out.";
const CHATGPT_REQUIRED: &str =
    "ChatGPT login is required, but an API key is currently being used. Logging out.";

/// Each demand with each login, and what Codex says when it logs out.
fn cases() -> [(&'static str, Value, Option<&'static str>); 6] {
    [
        ("api", fixtures::api_key("sk-test-0123456789"), None),
        ("api", fixtures::chatgpt(), Some(API_KEY_REQUIRED)),
        ("api", fixtures::access_only(), Some(API_KEY_REQUIRED)),
        ("chatgpt", fixtures::api_key("sk-test-0123456789"), Some(CHATGPT_REQUIRED)),
        ("chatgpt", fixtures::chatgpt(), None),
        ("chatgpt", fixtures::access_only(), None),
    ]
}

fn scene(demand: &str, login: &Value) -> Option<Scene> {
    let scene = Scene::with_settings(&format!("forced_login_method = \"{demand}\""))?;
    scene.sandbox.place(&fixtures::bytes(login));
    Some(scene)
}

#[test]
fn codex_logs_out_locally_with_one_line() {
    for (demand, login, message) in cases() {
        let Some(scene) = scene(demand, &login) else { return };
        let outcome = scene.turn();
        let lines: Vec<_> = outcome.stderr.lines().filter(|line| line.contains("Logging out")).collect();
        assert_eq!(lines, Vec::from_iter(message), "{demand}: {outcome:#?}");
        assert_eq!(outcome.code, Some(i32::from(message.is_some())), "{demand}: {outcome:#?}");
        assert_eq!(scene.sandbox.auth_json().is_none(), message.is_some(), "{demand}: the file");
        assert_eq!(scene.model.turns().is_empty(), message.is_some(), "{demand}: the model");
        scene.authority_was_left_alone();
    }
}

#[test]
fn our_verdict_is_codex_s() {
    for (demand, login, _) in cases() {
        let (Some(theirs), Some(ours)) = (scene(demand, &login), scene(demand, &login)) else { return };
        let (codex, authbaton) = (theirs.turn(), ours.authbaton("enforce", &[], ""));
        let case = format!("{demand} with {login}: {codex:#?} {authbaton:#?}");
        match codex.code {
            Some(0) => assert_eq!(authbaton.code, Some(0), "{case}"),
            _ => assert_eq!(authbaton.code, Some(4), "{case}"),
        }
        assert_eq!(ours.sandbox.auth_json(), theirs.sandbox.auth_json(), "{case}");
        let said = codex.stderr.lines().find(|line| line.ends_with("Logging out."));
        match said {
            Some(line) => assert!(authbaton.stderr.contains(line), "{case}"),
            None => assert!(!authbaton.stderr.contains("Logging out"), "{case}"),
        }
        ours.authority_was_left_alone();
    }
}
