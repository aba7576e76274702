//! What may be spent, sealed and seeded, and what may not.

use super::*;

fn refusal(client: Client, value: &Value) -> Option<NotFull> {
    FullLogin::new(&credential(client, value)).err()
}

#[test]
fn other_kinds_of_credentials_are_named() {
    let others = [
        (json!({"OPENAI_API_KEY": "sk-test"}), Mode::ApiKey),
        (json!({"personal_access_token": "at-x"}), Mode::PersonalAccessToken),
        (json!({"auth_mode": "agentIdentity", "agent_identity": "a.b.c"}), Mode::AgentIdentity),
        (json!({"bedrock_api_key": {"api_key": "k", "region": "r"}}), Mode::BedrockApiKey),
    ];
    for (value, mode) in others {
        assert_eq!(refusal(Client::Codex, &value), Some(NotFull::OtherMode(mode)));
    }
}

#[test]
fn every_lack_has_its_own_name() {
    let mut external = Sample::default().document();
    external["auth_mode"] = "chatgptAuthTokens".into();
    let mut external_blank = external.clone();
    external_blank["tokens"]["refresh_token"] = "".into();
    let mut never_refreshed = Sample::default().document();
    never_refreshed["last_refresh"] = Value::Null;
    let table = [
        (with_tokens(&[("refresh_token", "".into())]), NotFull::AccessOnly),
        (with_tokens(&[("refresh_token", " \u{2003}\n".into())]), NotFull::AccessOnly),
        (with_tokens(&[("refresh_token", "abh1_stand-in".into())]), NotFull::Handle),
        (with_tokens(&[("refresh_token", " abh1_stand-in".into())]), NotFull::Handle),
        (with_tokens(&[("account_id", Value::Null)]), NotFull::NoAccountId),
        (with_tokens(&[("account_id", "".into())]), NotFull::NoAccountId),
        (with_tokens(&[("account_id", " ".into())]), NotFull::NoAccountId),
        (external, NotFull::ExternallyManaged),
        (external_blank, NotFull::AccessOnly),
        (never_refreshed, NotFull::NoLastRefresh),
    ];
    for (value, expected) in table {
        assert_eq!(refusal(Client::Codex, &value), Some(expected), "{value}");
        // The text of a baton is judged alike; its mode is not looked at.
        let sealed = FullLogin::from_text(value.to_string().as_bytes()).unwrap().err();
        assert_eq!(sealed, Some(expected).filter(|it| *it != NotFull::ExternallyManaged), "{value}");
    }
    let mut without = Sample::default().document();
    without.as_object_mut().unwrap().remove("last_refresh");
    assert_eq!(refusal(Client::Codex, &without), Some(NotFull::NoLastRefresh));
    without["tokens"].as_object_mut().unwrap().remove("account_id");
    assert_eq!(refusal(Client::Codex, &without), Some(NotFull::NoAccountId));
}

#[test]
fn either_client_can_have_a_full_login() {
    for client in CLIENTS {
        assert_eq!(refusal(client, &Sample::default().document()), None);
    }
}

#[test]
fn its_text_reads_back_as_the_same_login() {
    let login = Sample::default().login();
    let back =
        FullLogin::from_text(login.to_text().as_bytes()).unwrap().map_err(|e| e.to_string()).ok().unwrap();
    assert!(*back.to_text() == *login.to_text());
    assert_eq!(back.refresh_token().expose(), "refresh-0");
    assert_eq!(back.identity(), login.identity());
    assert_eq!(FullLogin::from_text(b"{").err(), Some(ParseError::NotJson { line: 1, column: 1 }));
}

#[test]
fn the_user_is_the_id_tokens_and_else_the_access_tokens() {
    let named = |user| jwt(&Sample { user, ..Sample::default() }.claims());
    let user = |id, access| {
        let tokens = [("id_token", named(id).into()), ("access_token", named(access).into())];
        full_login(&with_tokens(&tokens)).identity().user_id
    };
    assert_eq!(user(Some("a"), Some("b")).as_deref(), Some("a"));
    assert_eq!(user(None, Some("b")).as_deref(), Some("b"));
    assert_eq!(user(None, None), None);
}

#[test]
fn it_was_issued_when_the_later_of_its_tokens_was() {
    let at = |issued_at| jwt(&Sample { issued_at, ..Sample::default() }.claims());
    let issued = |id, access| {
        let tokens = [("id_token", at(id).into()), ("access_token", at(access).into())];
        full_login(&with_tokens(&tokens)).issued_at().map(|at| at.timestamp())
    };
    assert_eq!(issued(Some(5), Some(7)), Some(7));
    assert_eq!(issued(Some(7), Some(5)), Some(7));
    assert_eq!(issued(None, Some(5)), Some(5));
    assert_eq!(issued(Some(5), None), Some(5));
    assert_eq!(issued(None, None), None);
    let opaque = full_login(&with_tokens(&[("access_token", "opaque".into())]));
    assert_eq!(opaque.issued_at().map(|at| at.timestamp()), Some(1_800_000_000));
    assert_eq!(opaque.lifetime().expires_at, None);
}

#[test]
fn the_holders_home_gets_what_its_client_takes_for_a_chatgpt_login() {
    let mut value = Sample::default().document();
    value["auth_mode"] = Value::Null;
    value["OPENAI_API_KEY"] = Value::Null;
    value["vendor"] = json!({"kept": true});
    let mut with_key = Sample::default().document();
    with_key["OPENAI_API_KEY"] = "sk-test".into();
    for value in [value, with_key] {
        let login = full_login(&value);
        for client in CLIENTS {
            let placed = login.as_credential(client);
            let read = credential(client, &written(&placed));
            assert_eq!(read.mode(), Mode::Chatgpt);
            assert!(read.has_refresh_token() && read.is_same_login(&placed));
            assert_eq!(written(&placed)["vendor"], value["vendor"]);
            assert!(FullLogin::new(&read).is_ok());
        }
    }
}

#[test]
fn a_refresh_token_is_never_blank_and_never_a_handle() {
    assert_eq!(RefreshToken::new("").err(), Some(NotARefreshToken::Blank));
    assert_eq!(RefreshToken::new("\n\u{a0} ").err(), Some(NotARefreshToken::Blank));
    assert_eq!(RefreshToken::new(HANDLE_PREFIX).err(), Some(NotARefreshToken::Handle));
    assert_eq!(RefreshToken::new("\tabh1_x").err(), Some(NotARefreshToken::Handle));
    assert_eq!(RefreshToken::new("rt abh1_").ok().unwrap().expose(), "rt abh1_");
}
