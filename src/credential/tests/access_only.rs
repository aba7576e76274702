//! What a home gets when a store holds the login.

use super::*;

fn login() -> FullLogin {
    let mut value = with_tokens(&[("vendor", json!([1, {"deep": 1.50}]))]);
    value["OPENAI_API_KEY"] = "sk-test".into();
    value["zeta"] = json!({"unknown": null});
    full_login(&value)
}

fn text(client: Client) -> String {
    login().access_only(client, now()).into_credential().to_text().to_string()
}

#[test]
fn codex_gets_a_login_that_it_never_refreshes() {
    let token = jwt(&Sample::default().claims());
    let expected = format!(
        r#"{{
  "auth_mode": "chatgptAuthTokens",
  "OPENAI_API_KEY": "sk-test",
  "tokens": {{
    "id_token": "{token}",
    "access_token": "{token}",
    "refresh_token": "",
    "account_id": "account-a",
    "vendor": [
      1,
      {{
        "deep": 1.5
      }}
    ]
  }},
  "last_refresh": "2026-11-20T16:09:02.763734149Z",
  "zeta": {{
    "unknown": null
  }}
}}"#
    );
    assert_eq!(text(Client::Codex), expected);
}

#[test]
fn llmx_gets_a_login_that_looks_fresh_and_no_api_key() {
    let text = text(Client::Llmx);
    assert!(text.starts_with("{\n  \"OPENAI_API_KEY\": null,\n  \"tokens\": {"), "{text}");
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value.get("auth_mode"), None);
    assert_eq!(value["last_refresh"], "2026-11-20T18:00:00.500000000Z");
    assert_eq!(value["tokens"]["refresh_token"], "");
    assert_eq!(value["tokens"]["vendor"], json!([1, {"deep": 1.5}]));
    assert_eq!(value["zeta"], json!({"unknown": null}));
}

#[test]
fn there_is_nothing_in_it_to_spend_seal_or_seed() {
    for client in CLIENTS {
        assert!(!text(client).contains("refresh-0"));
        let placed = login().access_only(client, now()).into_credential();
        let read = credential(client, &written(&placed));
        for it in [&placed, &read] {
            assert!(it.is_chatgpt() && it.is_access_only() && !it.has_refresh_token());
            assert_eq!(FullLogin::new(it).err(), Some(NotFull::AccessOnly));
        }
    }
}

#[test]
fn what_was_placed_is_recognised_when_it_is_read_again() {
    for client in CLIENTS {
        let placed = login().access_only(client, now()).into_credential();
        let read = credential(client, &written(&placed));
        assert_eq!(placed.mode(), read.mode());
        assert!(placed.is_same_login(&read));
    }
}

#[test]
fn the_tokens_that_the_model_needs_stay() {
    for client in CLIENTS {
        let placed = login().access_only(client, now()).into_credential();
        assert_eq!(placed.account_id().as_deref(), Some("account-a"));
        assert_eq!(placed.id_claims().unwrap().plan.as_deref(), Some("pro"));
        assert_eq!(placed.lifetime().unwrap().expires_at, login().lifetime().expires_at);
    }
}
