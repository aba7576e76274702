//! What a reply of the authority may contain, and what becomes of a login with it.

use super::*;

fn read(body: &Value) -> Result<Renewal, Unreadable> {
    Renewal::read(body.to_string().as_bytes())
}

fn apply(body: &Value) -> Result<Renewed, Refused> {
    read(body).unwrap_or_else(|error| panic!("{error}")).apply(&Sample::default().login(), now())
}

fn applied(body: &Value) -> (Value, bool) {
    let Renewed { login, rotated } = apply(body).unwrap_or_else(|error| panic!("{error}"));
    (serde_json::from_str(&login.to_text()).unwrap(), rotated)
}

fn claims(account: Option<&str>, user: Option<&str>) -> Value {
    jwt(&json!({"https://api.openai.com/auth": {"chatgpt_account_id": account, "chatgpt_user_id": user}}))
        .into()
}

#[test]
fn a_body_without_tokens_is_no_renewal() {
    for body in ["", " ", "{", "null", "5", "\"x\"", "[]", "not JSON", "{}", "{\"access_token\":null}"] {
        assert_eq!(Renewal::read(body.as_bytes()).err(), Some(Unreadable), "{body}");
    }
    for body in [
        json!({"access_token": ""}),
        json!({"access_token": " \n"}),
        json!({"access_token": 5}),
        json!({"access_token": "a", "refresh_token": 5}),
        json!({"id_token": "x"}),
        json!({"expires_in": 5}),
        // Its fields in their order, but no object.
        json!(["id", "access", "refresh"]),
    ] {
        assert_eq!(read(&body).err(), Some(Unreadable), "{body}");
    }
    assert_eq!(Renewal::read(b"{\"access_token\":\"\xff\"}").err(), Some(Unreadable));
    let twice = br#"{"access_token":"a","refresh_token":"r","refresh_token":"s"}"#;
    assert_eq!(Renewal::read(twice).err(), Some(Unreadable));
}

#[test]
fn what_is_missing_or_null_is_kept() {
    let old = Sample::default().document();
    let id_token = claims(Some("account-a"), Some("user-a"));
    let full =
        json!({"id_token": id_token, "access_token": "new", "refresh_token": "refresh-1", "expires_in": 5});
    for (name, absent) in [
        ("id_token", false),
        ("id_token", true),
        ("access_token", false),
        ("access_token", true),
        ("refresh_token", false),
        ("refresh_token", true),
    ] {
        let mut body = full.clone();
        body[name] = Value::Null;
        if absent {
            body.as_object_mut().unwrap().remove(name);
        }
        let (new, rotated) = applied(&body);
        assert_eq!(rotated, name != "refresh_token");
        for token in ["id_token", "access_token", "refresh_token"] {
            let from = if token == name { &old["tokens"][token] } else { &full[token] };
            assert_eq!(&new["tokens"][token], from, "{token} without {name}");
        }
        assert_eq!(new["tokens"]["account_id"], "account-a");
        assert_eq!(new["last_refresh"], "2026-11-20T18:00:00.500000000Z");
        assert_eq!(new.get("expires_in"), None, "nothing else of a reply is stored");
    }
}

#[test]
fn an_empty_access_token_beside_a_new_refresh_token_keeps_the_old_one() {
    let (new, rotated) = applied(&json!({"access_token": " ", "refresh_token": "refresh-1"}));
    assert!(rotated);
    assert_eq!(new["tokens"]["access_token"], Sample::default().document()["tokens"]["access_token"]);
}

#[test]
fn a_refresh_token_that_is_repeated_is_no_rotation() {
    assert!(!applied(&json!({"access_token": "new", "refresh_token": "refresh-0"})).1);
}

#[test]
fn blanks_and_handles_are_refused_as_refresh_tokens() {
    for text in ["", " ", "\u{2003}", "abh1_stand-in"] {
        let refused = apply(&json!({"access_token": "new", "refresh_token": text})).err();
        assert_eq!(refused, Some(Refused::NoRefreshToken), "{text}");
    }
}

#[test]
fn an_id_token_that_is_no_jwt_is_dropped_and_the_rest_is_stored() {
    for text in ["", "notajwt", "e30..x"] {
        let (new, rotated) =
            applied(&json!({"id_token": text, "access_token": "new", "refresh_token": "refresh-1"}));
        assert!(rotated);
        assert_eq!(new["tokens"]["id_token"], Sample::default().document()["tokens"]["id_token"]);
        assert_eq!(new["tokens"]["access_token"], "new");
    }
}

#[test]
fn somebody_elses_tokens_are_refused_whichever_token_tells() {
    let table = [
        (Some("account-a"), Some("user-a"), None),
        (None, None, None),
        (Some("account-a"), None, None),
        (None, Some("user-a"), None),
        (Some("account-b"), Some("user-a"), Some(Refused::OtherAccount)),
        (Some("account-b"), None, Some(Refused::OtherAccount)),
        (Some("account-a"), Some("user-b"), Some(Refused::OtherUser)),
        (None, Some("user-b"), Some(Refused::OtherUser)),
        (Some(""), None, Some(Refused::OtherAccount)),
    ];
    for (account, user, expected) in table {
        let token = claims(account, user);
        for body in [
            json!({"id_token": token, "access_token": "opaque", "refresh_token": "refresh-1"}),
            json!({"access_token": token, "refresh_token": "refresh-1"}),
            json!({"id_token": claims(Some("account-a"), Some("user-a")), "access_token": token}),
            json!({"id_token": token, "access_token": claims(Some("account-a"), Some("user-a"))}),
        ] {
            assert_eq!(apply(&body).err(), expected, "{account:?} {user:?}");
        }
    }
}

#[test]
fn a_login_that_names_no_user_accepts_any_user_of_its_account() {
    let parent = Sample { user: None, ..Sample::default() }.login();
    let apply =
        |token: Value| read(&json!({"access_token": token})).ok().unwrap().apply(&parent, now()).err();
    assert_eq!(apply(claims(Some("account-a"), Some("user-x"))), None);
    assert_eq!(apply(claims(Some("account-b"), Some("user-x"))), Some(Refused::OtherAccount));
}

#[test]
fn the_account_may_be_the_files_or_the_claims() {
    // A file's `account_id` may legitimately differ from the claim in its tokens.
    let parent = full_login(&with_tokens(&[("account_id", "account-of-the-file".into())]));
    let apply = |account| {
        let body = json!({"access_token": claims(Some(account), None)});
        read(&body).ok().unwrap().apply(&parent, now()).err()
    };
    assert_eq!(apply("account-a"), None);
    assert_eq!(apply("account-of-the-file"), None);
    assert_eq!(apply("account-b"), Some(Refused::OtherAccount));
}

#[test]
fn a_renewed_login_keeps_what_nobody_knows() {
    let mut value = with_tokens(&[("vendor", 7.into())]);
    value["unknown"] = json!([null]);
    value["auth_mode"] = Value::Null;
    let renewal = read(&json!({"access_token": "new", "refresh_token": "refresh-1"})).ok().unwrap();
    let login = renewal.apply(&full_login(&value), now()).ok().unwrap().login;
    let new: Value = serde_json::from_str(&login.to_text()).unwrap();
    assert_eq!((&new["unknown"], &new["tokens"]["vendor"]), (&json!([null]), &json!(7)));
    assert_eq!(new.get("auth_mode"), None);
    assert_eq!(login.refresh_token().expose(), "refresh-1");
    assert_eq!(login.access_token().expose(), "new");
    assert_eq!(login.lifetime().last_refresh, Some(now()));
}
