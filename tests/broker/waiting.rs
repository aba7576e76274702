//! Who waits, for how long, and what happens to those who do when something ends.

use std::time::{Duration, Instant};

use authbaton::relay::broker::{Event, Failure, Limits, Why};
use serde_json::json;

use crate::client::{Ask, Client};
use crate::scene::{LIMITS, PATIENCE, Scene, access_token, login};

const HOUR: i64 = 3600;
const SHORT: Duration = Duration::from_millis(200);

#[test]
fn one_exchange_serves_fifty_clients() {
    let mut scene = Scene::new(&login(-1), LIMITS);
    let mut clients: Vec<_> = (0..50).map(|_| Client::new(&scene)).collect();
    for client in &mut clients {
        client.send(Ask::codex(&scene).text());
    }
    assert_eq!(scene.exchange(), Why::Due);
    let new = login(HOUR);
    scene.renew(&new);
    for client in &mut clients {
        let answer = client.answer().unwrap();
        assert_eq!((answer.status, &answer.body["access_token"]), (200, &json!(access_token(&new))));
    }
    scene.until(50, &Event::Answered);
    scene.close();
}

#[test]
fn a_slow_exchange_is_not_waited_for() {
    let old = login(200);
    let mut scene = Scene::new(&old, Limits { answer: SHORT, ..LIMITS });
    let begin = Instant::now();
    let answer = Client::new(&scene).ask(&Ask::codex(&scene));
    assert_eq!((answer.status, &answer.body["access_token"]), (200, &json!(access_token(&old))));
    assert!((SHORT..PATIENCE).contains(&begin.elapsed()));
    // It goes on behind the answer, and the next one has what it brings.
    scene.exchange();
    let new = login(HOUR);
    scene.renew(&new);
    scene.until(1, &Event::Renewed);
    let answer = Client::new(&scene).ask(&Ask::codex(&scene));
    assert_eq!(answer.body["access_token"], access_token(&new));
    assert!(scene.close().contains(&Event::AnsweredInTime));
}

#[test]
fn when_nothing_is_left_the_client_shall_ask_again() {
    let mut scene = Scene::new(&login(-1), Limits { answer: SHORT, ..LIMITS });
    let answer = Client::new(&scene).ask(&Ask::codex(&scene));
    assert_eq!((answer.status, answer.code()), (503, "temporarily_unavailable"));
    scene.exchange();
    scene.renew(&login(HOUR));
    scene.until(1, &Event::Renewed);
    assert_eq!(Client::new(&scene).ask(&Ask::codex(&scene)).status, 200);
    scene.close();
}

#[test]
fn a_client_that_goes_away_ends_nothing() {
    let mut scene = Scene::new(&login(-1), LIMITS);
    let mut client = Client::new(&scene);
    client.send(Ask::codex(&scene).text());
    scene.exchange();
    drop(client);
    let mut next = Client::new(&scene);
    next.send(Ask::codex(&scene).text());
    let new = login(HOUR);
    scene.renew(&new);
    assert_eq!(next.answer().unwrap().body["access_token"], access_token(&new));
    scene.close();
}

#[test]
fn when_the_desk_closes_whoever_waits_is_answered() {
    let mut scene = Scene::new(&login(-1), LIMITS);
    let mut client = Client::new(&scene);
    client.send(Ask::codex(&scene).text());
    scene.exchange();
    scene.desk.close();
    assert_eq!(client.answer().unwrap().status, 503);
    // The server is still there, and so is the exchange.
    assert_eq!(Client::new(&scene).ask(&Ask::codex(&scene)).status, 503);
    scene.renew(&login(HOUR));
    let events = scene.close();
    assert!(events.contains(&Event::Renewed) && events.contains(&Event::Failed(Failure::Passing)));
}

#[test]
fn the_server_stops_while_requests_wait() {
    let mut scene = Scene::new(&login(-1), LIMITS);
    let mut client = Client::new(&scene);
    client.send(Ask::codex(&scene).text());
    scene.exchange();
    let idle = Client::new(&scene);
    let begin = Instant::now();
    scene.stop();
    assert!(begin.elapsed() < PATIENCE / 2);
    assert!(client.answer().is_none(), "the connection ends");
    drop(idle);
    assert!(std::net::TcpStream::connect(("127.0.0.1", scene.port())).is_err());
    // What was begun is ended all the same.
    scene.renew(&login(HOUR));
    scene.close();
}
