//! Whether a file in a home is still the one that we knew: the secret of its mode decides, and nothing beside it.

use super::*;

fn same(one: &Value, other: &Value) -> bool {
    credential(Client::Codex, one).is_same_login(&credential(Client::Codex, other))
}

#[test]
fn a_chatgpt_login_is_known_by_its_mode_and_its_tokens() {
    let base = Sample::default().document();
    assert!(same(&base, &base));
    for name in ["access_token", "refresh_token"] {
        assert!(!same(&base, &with_tokens(&[(name, "other".into())])), "{name}");
    }
    let mut other_mode = base.clone();
    other_mode["auth_mode"] = "chatgptAuthTokens".into();
    assert!(!same(&base, &other_mode));
}

#[test]
fn what_codex_ignores_at_a_commit_changes_no_login() {
    let base = Sample::default().document();
    let new_id = jwt(&Sample { user: None, ..Sample::default() }.claims());
    assert!(same(&base, &with_tokens(&[("id_token", new_id.into())])));
    for (name, value) in
        [("last_refresh", "2026-11-20T00:00:00Z"), ("OPENAI_API_KEY", "sk-added"), ("unknown", "new")]
    {
        let mut changed = base.clone();
        changed[name] = value.into();
        assert!(same(&base, &changed), "{name}");
    }
    let mut without_mode = base.clone();
    without_mode.as_object_mut().unwrap().remove("auth_mode");
    assert!(same(&base, &without_mode));
}

#[test]
fn every_other_credential_is_known_by_its_own_secret() {
    let pairs = [
        (json!({"OPENAI_API_KEY": "sk-1"}), json!({"OPENAI_API_KEY": "sk-2"})),
        (json!({"personal_access_token": "at-1"}), json!({"personal_access_token": "at-2"})),
        (
            json!({"auth_mode": "agentIdentity", "agent_identity": "a.b.1"}),
            json!({"auth_mode": "agentIdentity", "agent_identity": "a.b.2"}),
        ),
        (
            json!({"bedrock_api_key": {"api_key": "1", "region": "r"}}),
            json!({"bedrock_api_key": {"api_key": "2", "region": "r"}}),
        ),
        (
            json!({"bedrock_access_keys": {"access_key_id": "i", "secret_access_key": "1", "region": "r"}}),
            json!({"bedrock_access_keys": {"access_key_id": "i", "secret_access_key": "2", "region": "r"}}),
        ),
    ];
    for (one, other) in pairs {
        assert!(same(&one, &one));
        assert!(!same(&one, &other), "{one}");
        assert!(!same(&one, &Sample::default().document()), "{one}");
    }
}
