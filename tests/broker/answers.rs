//! What clients get.

use std::time::{Duration, Instant};

use authbaton::relay::broker::{Event, Failure, Why};
use serde_json::json;

use crate::client::{Ask, Client};
use crate::scene::{LIMITS, Scene, access_token, login};

/// A build for tests, on a machine that does other things, too: that it is less than a millisecond in a release shows
/// `bench/run.py`.
const SOON: Duration = Duration::from_millis(50);
const HOUR: i64 = 3600;

#[test]
fn a_fresh_token_comes_at_once_over_one_connection() {
    let old = login(HOUR);
    let scene = Scene::new(&old, LIMITS);
    let mut client = Client::new(&scene);
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            let begin = Instant::now();
            let answer = client.ask(&Ask::codex(&scene));
            let time = begin.elapsed();
            assert_eq!(answer.status, 200);
            assert!(answer.head.contains("content-type: application/json\r\n"), "{}", answer.head);
            assert!(answer.head.contains("cache-control: no-store\r\n"), "{}", answer.head);
            let mut body = answer.body;
            let left = body.as_object_mut().unwrap().remove("expires_in").unwrap().as_i64().unwrap();
            assert!((HOUR - 60..=HOUR).contains(&left), "{left}");
            let expected = json!({
                "id_token": old["tokens"]["id_token"],
                "access_token": old["tokens"]["access_token"],
                "refresh_token": scene.handle(),
                "token_type": "Bearer",
            });
            assert_eq!(body, expected);
            time
        })
        .collect();
    times.sort();
    println!("a fresh token: {:?} (median of {})", times[times.len() / 2], times.len());
    assert!(times[times.len() / 2] < SOON);
    scene.until(200, &Event::Answered);
    assert_eq!(scene.close().len(), 200);
}

#[test]
fn every_client_is_understood() {
    // Who does not say why it asks may have been refused: it gets another token, and then the same for a minute.
    let mut scene = Scene::new(&login(HOUR), LIMITS);
    let mut first = Client::new(&scene);
    first.send(Ask::with(&scene, json!({"scope": "openid profile email"})).text());
    assert_eq!(scene.exchange(), Why::Refused);
    let new = login(HOUR + 7);
    scene.renew(&new);
    assert_eq!(first.answer().unwrap().body["access_token"], access_token(&new));
    let others = [
        json!({}),
        json!({"refresh_reason": "unauthorized_recovery"}),
        json!({"refresh_reason": "scheduled"}),
        json!({"refresh_reason": "proactive_expiry"}),
    ];
    for more in others {
        let answer = Client::new(&scene).ask(&Ask::with(&scene, more));
        assert_eq!((answer.status, &answer.body["access_token"]), (200, &json!(access_token(&new))));
    }
    scene.close();
}

#[test]
fn a_dead_login_is_final_and_anything_else_is_not() {
    let scene = Scene::new(&login(-1), LIMITS);
    let mut client = Client::new(&scene);
    client.send(Ask::codex(&scene).text());
    scene.exchange();
    scene.fail(Failure::Passing);
    let answer = client.answer().unwrap();
    assert_eq!((answer.status, answer.code()), (503, "temporarily_unavailable"));
    assert!(answer.head.contains("retry-after: 20\r\n"), "{}", answer.head);
    // The client asks a dozen times.
    for _ in 0..12 {
        assert_eq!(client.ask(&Ask::codex(&scene)).status, 503);
    }
    assert!(scene.close().contains(&Event::Failed(Failure::Passing)));

    let scene = Scene::new(&login(-1), LIMITS);
    let mut client = Client::new(&scene);
    client.send(Ask::codex(&scene).text());
    scene.exchange();
    scene.fail(Failure::Dead);
    let answer = client.answer().unwrap();
    assert_eq!((answer.status, answer.code()), (401, "refresh_token_invalidated"));
    scene.close();
}

#[test]
fn a_revocation_is_answered_and_dropped() {
    let scene = Scene::new(&login(HOUR), LIMITS);
    let body = json!({"token": scene.handle(), "token_type_hint": "refresh_token"}).to_string();
    let revocation = Ask::codex(&scene).path("/oauth/revoke").body(body);
    let answer = Client::new(&scene).ask(&revocation);
    assert_eq!((answer.status, answer.body), (200, json!({})));
    assert_eq!(Client::new(&scene).ask(&revocation.without("content-type").body("")).status, 200);
    assert_eq!(Client::new(&scene).ask(&Ask::codex(&scene)).status, 200);
    scene.until(1, &Event::Answered);
    assert_eq!(scene.close(), [Event::RevocationDropped, Event::RevocationDropped, Event::Answered]);
}
