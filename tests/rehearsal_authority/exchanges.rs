//! The rules that an honest authority keeps: rotation, reuse, revocation, form.

use authbaton::rehearsal::{Account, Behaviour, Endpoint, Fault, IssueOptions, Outcome, Refusal};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::*;

#[test]
fn an_honest_exchange_rotates() {
    let (authority, login) = start_with_login();
    let reply = granted(&authority, FIRST);
    let second = text(&reply["refresh_token"]);
    assert!(second.starts_with("rt_"));
    assert_ne!(reply["access_token"], login["tokens"]["access_token"]);
    let exp = claims(&reply["access_token"])["exp"].as_i64().unwrap();
    assert_eq!(exp, "2026-11-30T16:00:00Z".parse::<DateTime<Utc>>().unwrap().timestamp());
    assert_eq!(claims(&reply["id_token"])["email"], "one@example.com");
    assert!(authority.is_alive(second) && !authority.is_alive(FIRST));
    assert_eq!((authority.exchanges(), authority.posts()), (1, 1));

    let seen = authority.received().pop().unwrap();
    assert_eq!((seen.endpoint, seen.outcome), (Endpoint::Token, Outcome::Rotated));
    assert_eq!(seen.token.as_deref(), Some(FIRST));
    assert_eq!(seen.refresh_reason.as_deref(), Some("forced"));
    assert_eq!(seen.originator.as_deref(), Some("codex_cli_rs"));
    assert_eq!(seen.user_agent.as_deref(), Some("codex_cli_rs/0.169.0"));
    assert_eq!(seen.at, "2026-11-20T16:00:00Z".parse::<DateTime<Utc>>().unwrap());
    assert!(!seen.authorization);
    for token in [&reply["id_token"], &reply["access_token"], &reply["refresh_token"]] {
        assert!(authority.secrets().iter().any(|secret| secret == text(token)));
    }
}

#[test]
fn a_second_use_ends_the_login() {
    let (authority, _) = start_with_login();
    let second = text(&granted(&authority, FIRST)["refresh_token"]).to_owned();
    assert_eq!(refused(&authority, FIRST), (401, "refresh_token_reused".into()));
    assert_eq!(refused(&authority, &second), (401, "refresh_token_invalidated".into()));
    assert_eq!(refused(&authority, "rt_unknown"), (400, "invalid_grant".into()));
    assert_eq!(outcome(&authority), Outcome::Refused("invalid_grant".into()));
    assert_eq!((authority.exchanges(), authority.posts()), (1, 4));
}

#[test]
fn options_and_settings_reach_the_tokens() {
    let (authority, _) = start_with_login();
    let now = "2026-11-20T16:00:00Z".parse::<DateTime<Utc>>().unwrap();
    let options = IssueOptions {
        lifetime: Some(TimeDelta::minutes(-5)),
        issued: Some(TimeDelta::days(-9)),
        refresh_token: None,
    };
    let login: Value =
        serde_json::from_str(&authority.issue(&Account::named("two"), &options).unwrap()).unwrap();
    let access = claims(&login["tokens"]["access_token"]);
    assert_eq!(access["exp"], (now - TimeDelta::minutes(5)).timestamp());
    assert_eq!(access["iat"], (now - TimeDelta::days(9)).timestamp());
    assert_eq!(login["last_refresh"], "2026-11-11T16:00:00.000000000Z");

    let bare = IssueOptions { lifetime: None, issued: None, refresh_token: None };
    let login: Value =
        serde_json::from_str(&authority.issue(&Account::named("two"), &bare).unwrap()).unwrap();
    let access = claims(&login["tokens"]["access_token"]);
    assert!(access.get("exp").is_none() && access.get("iat").is_none());

    authority.set_access_lifetime(None);
    let reply = granted(&authority, text(&login["tokens"]["refresh_token"]));
    assert!(claims(&reply["access_token"]).get("exp").is_none() && reply.get("expires_in").is_none());

    let taken = IssueOptions { refresh_token: Some(FIRST.into()), ..IssueOptions::default() };
    assert!(authority.issue(&Account::named("three"), &taken).is_err());
}

#[test]
fn malformed_requests_are_refused_and_leave_the_script_alone() {
    let (authority, _) = start_with_login();
    authority.script(Behaviour::Failing(Fault::Refusal(Refusal::new(503, "busy"))));
    let mut body = exchange_body(FIRST);
    body["client_id"] = "someone-else".into();
    let padding = " ".repeat(16 * 1024);
    let plain = exchange_body(FIRST).to_string();
    let url = authority.url();
    let malformed = [
        post(&url, "/oauth/token", &body),
        post(&url, "/oauth/token", &Value::Null),
        post(&url, "/oauth/token", &Value::Null).body(format!("{plain}{padding}")),
        client().post(format!("{url}/oauth/token")).body(plain),
    ];
    for request in malformed {
        let status = block_on(async { request.send().await.unwrap().status() });
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(outcome(&authority), Outcome::Refused("invalid_request".into()));
    }
    let status =
        block_on(async { client().get(format!("{url}/oauth/token")).send().await.unwrap().status() });
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(authority.received().pop().unwrap().endpoint, Endpoint::Other);
    assert!(authority.is_alive(FIRST));
    assert_eq!(refused(&authority, FIRST), (503, "busy".into()));
}

#[test]
fn revoking_ends_the_login_unless_it_fails() {
    let (authority, login) = start_with_login();
    let revoke = |body: Value| {
        block_on(async { post(&authority.url(), "/oauth/revoke", &body).send().await.unwrap().status() })
    };
    let refresh = json!({
        "token": FIRST, "token_type_hint": "refresh_token", "client_id": "app_EMoamEEZ73f0CkXaXp7hrann",
    });
    authority.fail_revocation(Refusal::new(500, "server_error"));
    assert_eq!(revoke(refresh.clone()), StatusCode::INTERNAL_SERVER_ERROR);
    let access = json!({ "token": login["tokens"]["access_token"], "token_type_hint": "access_token" });
    assert_eq!(revoke(access), StatusCode::OK);
    assert_eq!(outcome(&authority), Outcome::Ignored);
    assert_eq!(revoke(json!({ "token": FIRST })), StatusCode::BAD_REQUEST);
    assert!(authority.is_alive(FIRST));

    assert_eq!(revoke(refresh), StatusCode::OK);
    assert_eq!(outcome(&authority), Outcome::Revoked);
    assert!(!authority.is_alive(FIRST));
    assert_eq!(refused(&authority, FIRST), (401, "refresh_token_invalidated".into()));
    assert_eq!(authority.posts(), 1);
}
