//! What is refused, and that whoever sends it harms nobody else.

use std::time::Duration;

use authbaton::relay::broker::{Event, Limits, Refusal};

use crate::client::{Ask, Client};
use crate::scene::{LIMITS, Scene, login};

const HOUR: i64 = 3600;
const MOST: usize = 16 * 1024;

/// The same, with so many bytes in all.
fn padded(ask: Ask, size: usize) -> Ask {
    let body = format!("{:size$}", ask.body);
    ask.body(body)
}

fn chunked(ask: &Ask) -> String {
    let body = &ask.body;
    let (one, two) = body.split_at(body.len() / 2);
    let chunks = [one, two, ""].map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).concat();
    format!("{}transfer-encoding: chunked\r\n\r\n{chunks}", ask.head())
}

#[test]
fn what_no_client_sends_is_refused() {
    let scene = Scene::new(&login(HOUR), LIMITS);
    let good = || Ask::codex(&scene);
    let host = |port: u16| format!("127.0.0.1:{port}");
    let table = [
        (good().method("GET"), 405, Refusal::Method),
        (good().method("PUT"), 405, Refusal::Method),
        (good().path("/oauth/token"), 404, Refusal::Path),
        (good().path("/"), 404, Refusal::Path),
        (good().path(&format!("{}/", scene.path())), 404, Refusal::Path),
        (good().path(&scene.path().to_uppercase()), 404, Refusal::Path),
        (good().path("/oauth/revoke").method("GET"), 405, Refusal::Method),
        (good().without("host"), 403, Refusal::Host),
        (good().header("host", "evil.example"), 403, Refusal::Host),
        (good().header("host", host(scene.port().wrapping_add(1))), 403, Refusal::Host),
        (good().header("origin", "null"), 403, Refusal::Host),
        (good().header("origin", format!("http://{}", host(scene.port()))), 403, Refusal::Host),
        (good().without("content-type"), 415, Refusal::ContentType),
        (good().header("content-type", "text/plain"), 415, Refusal::ContentType),
        (good().body(""), 400, Refusal::Malformed),
        (good().body("[]"), 400, Refusal::Malformed),
        (padded(good(), MOST + 1), 413, Refusal::Body),
        (good().body(good().body.replace("app_", "app-")), 400, Refusal::ClientId),
        (good().body(good().body.replace("\"refresh_token\",", "\"password\",")), 400, Refusal::GrantType),
        (good().body(good().body.replace(scene.handle(), "rt-another")), 400, Refusal::Handle),
    ];
    for (number, (ask, status, refusal)) in table.iter().enumerate() {
        let answer = Client::new(&scene).ask(ask);
        assert_eq!(answer.status, *status, "{number}: {refusal}");
        assert!(!answer.code().is_empty(), "{number}: {refusal}");
        let text = answer.body.to_string();
        assert!(!text.contains(scene.handle()) && !text.contains(scene.path()), "{text}");
    }
    let expected: Vec<_> = table.iter().map(|(_, _, refusal)| Event::Refused(*refusal)).collect();
    scene.until(1, expected.last().unwrap());
    assert_eq!(scene.close(), expected);
}

#[test]
fn what_a_client_may_send_is_taken() {
    let scene = Scene::new(&login(HOUR), LIMITS);
    let localhost = Ask::codex(&scene).header("host", format!("localhost:{}", scene.port()));
    let charset = Ask::codex(&scene).header("content-type", "application/json; charset=utf-8");
    let largest = padded(Ask::codex(&scene), MOST);
    // All over one connection, which a refusal does not end.
    let mut client = Client::new(&scene);
    for ask in [&localhost, &charset, &largest] {
        assert_eq!(client.ask(ask).status, 200);
        assert_eq!(client.ask(&ask.clone().method("GET")).status, 405);
    }
    client.send(chunked(&largest));
    assert_eq!(client.answer().unwrap().status, 200);
    client.send(chunked(&padded(Ask::codex(&scene), MOST + 1)));
    assert_eq!(client.answer().unwrap().status, 413);
    scene.until(1, &Event::Refused(Refusal::Body));
    assert_eq!(scene.close().iter().filter(|it| **it == Event::Answered).count(), 4);
}

#[test]
fn a_body_that_never_comes_is_not_waited_for() {
    let scene = Scene::new(&login(HOUR), Limits { body: Duration::from_millis(200), ..LIMITS });
    let ask = Ask::codex(&scene);
    let mut slow = Client::new(&scene);
    slow.send(&ask.text()[..ask.text().len() - 1]);
    let mut chunks = Client::new(&scene);
    chunks.send(format!("{}transfer-encoding: chunked\r\n\r\n5\r\n{{", ask.head()));
    // Nobody else waits for them.
    assert_eq!(Client::new(&scene).ask(&ask).status, 200);
    for client in [&mut slow, &mut chunks] {
        let answer = client.answer().unwrap();
        assert_eq!((answer.status, answer.code()), (413, "invalid_request"));
    }
    scene.until(2, &Event::Refused(Refusal::Body));
    scene.close();
}

#[test]
fn garbage_is_no_harm() {
    let scene = Scene::new(&login(HOUR), LIMITS);
    let ask = Ask::codex(&scene);
    let garbage: [Vec<u8>; 6] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"\r\n\r\n\r\n\r\n".to_vec(),
        b"POST\r\n\r\n".to_vec(),
        format!("{}content-length: 5\r\ncontent-length: 6\r\n\r\n123456", ask.head()).into_bytes(),
        format!("{}content-length: -1\r\n\r\n", ask.head()).into_bytes(),
        format!("{}x: {}\r\n\r\n", ask.head(), "x".repeat(1 << 20)).into_bytes(),
    ];
    let mut open = Vec::new();
    for bytes in garbage {
        let mut client = Client::new(&scene);
        client.send(&bytes);
        client.finish();
        let answer = client.answer();
        assert!(answer.as_ref().is_none_or(|it| (400..500).contains(&it.status)), "{answer:?}");
        // And somebody who says nothing at all.
        open.push(Client::new(&scene));
        assert_eq!(Client::new(&scene).ask(&ask).status, 200);
    }
    // Two requests in one: the second has the answer of its own.
    let mut client = Client::new(&scene);
    client.send(format!("{0}{0}", ask.text()));
    assert_eq!([(); 2].map(|()| client.answer().unwrap().status), [200, 200]);
    scene.close();
}
