//! What the authority does wrong when it is told to.

use authbaton::rehearsal::{Authority, Behaviour, Fault, Outcome, Refusal, Twist};
use serde_json::Value;

use crate::client::*;

/// What a client can tell about a reply: status and length, or in which part of it the connection ended.
type Fate = Result<(u16, usize), &'static str>;

/// All faults but silence, and what they look like; the length is a lower bound.
fn faults() -> Vec<(Fault, Fate)> {
    let refusal = |status, code: &str| (Fault::Refusal(Refusal::new(status, code)), Ok((status, 50)));
    vec![
        refusal(500, "server_error"),
        refusal(503, "busy"),
        refusal(429, "slow_down"),
        refusal(400, "invalid_grant"),
        refusal(401, "refresh_token_expired"),
        refusal(401, "something_new"),
        (Fault::Redirect, Ok((307, 0))),
        (Fault::Empty, Ok((200, 0))),
        (Fault::NotJson, Ok((200, 20))),
        (Fault::TruncatedJson, Ok((200, 10))),
        (Fault::Oversized, Ok((200, 64 * 1024))),
        (Fault::HangUp, Err("head")),
        (Fault::CutShort, Err("body")),
    ]
}

async fn fate(authority: &Authority) -> Fate {
    let response = send(authority, FIRST).await.map_err(|_| "head")?;
    let status = response.status().as_u16();
    Ok((status, response.bytes().await.map_err(|_| "body")?.len()))
}

#[test]
fn faults_show_on_the_wire_and_only_losing_ones_rotate() {
    for (fault, expected) in faults() {
        for loses in [false, true] {
            let (authority, _) = start_with_login();
            let (behaviour, logged) = if loses {
                (Behaviour::Losing(fault.clone()), Outcome::Lost(fault.clone()))
            } else {
                (Behaviour::Failing(fault.clone()), Outcome::Failed(fault.clone()))
            };
            authority.script(behaviour);
            let fate = block_on(fate(&authority));
            match (fate, expected) {
                (Ok((status, length)), Ok((expected, least))) => {
                    assert_eq!(status, expected, "{fault:?}");
                    assert!(length >= least && (length == 0) == (least == 0), "{fault:?}: {length} bytes");
                }
                (fate, expected) => assert_eq!(fate, expected, "{fault:?}"),
            }
            assert_eq!(outcome(&authority), logged);
            assert_eq!(authority.is_alive(FIRST), !loses, "{fault:?}");
            assert_eq!((authority.exchanges(), authority.posts()), (usize::from(loses), 1), "{fault:?}");
        }
    }
}

#[test]
fn retry_after_and_location_are_sent() {
    let (authority, _) = start_with_login();
    authority.script(Behaviour::Failing(Refusal::new(429, "slow_down").retry_after(7).into()));
    authority.script(Behaviour::Failing(Fault::Redirect));
    let header = |name: &str| {
        block_on(async { send(&authority, FIRST).await.unwrap().headers().get(name).cloned().unwrap() })
    };
    assert_eq!(header("retry-after"), "7");
    assert_eq!(header("location"), "/oauth/elsewhere");
}

#[test]
fn a_hang_up_sends_not_one_byte() {
    let (authority, _) = start_with_login();
    authority.script(Behaviour::Losing(Fault::HangUp));
    assert_eq!(TcpClient::exchange(&authority, FIRST).reply(), "");
    assert_eq!(authority.exchanges(), 1);
}

#[test]
fn twists_change_one_thing_each() {
    let twisted = |twist| {
        let (authority, login) = start_with_login();
        authority.script(Behaviour::Twisted(twist));
        let (status, body) = exchange(&authority, FIRST);
        assert_eq!(outcome(&authority), Outcome::Twisted(twist));
        assert!(!authority.is_alive(FIRST));
        (status.as_u16(), serde_json::from_str::<Value>(&body).unwrap(), login["tokens"].clone())
    };
    let auth = |token: &Value| claims(token)["https://api.openai.com/auth"].clone();

    let (status, reply, _) = twisted(Twist::Created);
    assert!(status == 201 && reply["refresh_token"].is_string());
    for (twist, account, user) in
        [(Twist::OtherAccount, "account-other", "user-one"), (Twist::OtherUser, "account-one", "user-other")]
    {
        let (_, reply, _) = twisted(twist);
        for token in [&reply["id_token"], &reply["access_token"]] {
            assert_eq!(auth(token)["chatgpt_account_id"], account);
            assert_eq!(auth(token)["chatgpt_user_id"], user);
        }
    }
    assert_eq!(twisted(Twist::EmptyRefreshToken).1["refresh_token"], "");
    assert!(twisted(Twist::NoRefreshToken).1.get("refresh_token").is_none());
    assert!(twisted(Twist::NoAccessToken).1.get("access_token").is_none());
    assert!(twisted(Twist::NoIdToken).1.get("id_token").is_none());
    assert_eq!(twisted(Twist::IdTokenNotJwt).1["id_token"], "not-a-jwt");
    let (_, reply, login) = twisted(Twist::SameAccessToken);
    assert_eq!(reply["access_token"], login["access_token"]);
}

#[test]
fn keeping_spends_nothing() {
    let (authority, login) = start_with_login();
    authority.always(Behaviour::Keeping);
    for _ in 0..2 {
        let reply = granted(&authority, FIRST);
        assert!(reply.get("refresh_token").is_none());
        assert_ne!(reply["access_token"], login["tokens"]["access_token"]);
        assert_eq!(outcome(&authority), Outcome::Kept);
    }
    assert!(authority.is_alive(FIRST));
    assert_eq!(authority.exchanges(), 0);
}
