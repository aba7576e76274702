//! Delays, holds, silence, clients that leave, and the end of the authority.

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use authbaton::rehearsal::{Behaviour, Fault, Outcome};

use crate::client::*;

#[test]
fn delays_come_before_or_after_the_rotation() {
    // A delay that never ends within the test shows on which side of the rotation it is, without measuring time.
    let forever = Duration::from_secs(3600);
    let (authority, _) = start_with_login();
    authority.script(Behaviour::Honest.replying_after(forever));
    let client = TcpClient::exchange(&authority, FIRST);
    assert!(authority.wait_for_exchanges(1, PATIENCE));
    assert!(client.is_waiting());

    let (authority, _) = start_with_login();
    authority.script(Behaviour::Honest.delayed(forever));
    let client = TcpClient::exchange(&authority, FIRST);
    assert!(authority.wait_for_posts(1, PATIENCE));
    assert_eq!(outcome(&authority), Outcome::Pending);
    assert!(client.is_waiting() && authority.is_alive(FIRST));

    let (authority, _) = start_with_login();
    authority.script(Behaviour::Honest.delayed(Duration::from_millis(1)));
    authority.script(Behaviour::Honest.replying_after(Duration::from_millis(1)));
    let second = granted(&authority, FIRST);
    granted(&authority, text(&second["refresh_token"]));
}

#[test]
fn held_requests_race_once_they_are_released() {
    let (authority, _) = start_with_login();
    authority.hold();
    let clients: Vec<_> = (0..3).map(|_| TcpClient::exchange(&authority, FIRST)).collect();
    assert!(authority.wait_for_posts(3, PATIENCE));
    assert!(authority.is_alive(FIRST) && clients.iter().all(TcpClient::is_waiting));
    assert!(authority.received().iter().all(|received| received.outcome == Outcome::Pending));
    authority.release();
    let replies: Vec<_> = clients.into_iter().map(TcpClient::reply).collect();
    assert_eq!(replies.iter().filter(|reply| reply.starts_with("HTTP/1.1 200")).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.contains("refresh_token_reused")).count(), 2);
    assert_eq!(authority.exchanges(), 1);
}

#[test]
fn a_request_is_finished_although_its_client_is_gone() {
    let (authority, _) = start_with_login();
    authority.hold();
    let client = TcpClient::exchange(&authority, FIRST);
    assert!(authority.wait_for_posts(1, PATIENCE));
    drop(client);
    authority.release();
    assert!(authority.wait_for_exchanges(1, PATIENCE));
    assert!(!authority.is_alive(FIRST));
}

#[test]
fn held_replies_come_after_the_rotation() {
    let (authority, _) = start_with_login();
    authority.hold_replies();
    let client = TcpClient::exchange(&authority, FIRST);
    assert!(authority.wait_for_exchanges(1, PATIENCE));
    assert!(client.is_waiting());
    authority.release();
    assert!(client.reply().starts_with("HTTP/1.1 200"));
}

#[test]
fn waiting_gives_up() {
    let (authority, _) = start_with_login();
    assert!(authority.wait_for_posts(0, Duration::ZERO));
    assert!(!authority.wait_for_posts(1, Duration::ZERO));
    assert!(!authority.wait_for_exchanges(1, Duration::from_millis(1)));
}

#[test]
fn silence_and_holds_do_not_keep_it_from_stopping() {
    let (authority, _) = start_with_login();
    authority.script(Behaviour::Losing(Fault::Silence));
    let silent = TcpClient::exchange(&authority, FIRST);
    assert!(authority.wait_for_exchanges(1, PATIENCE));
    assert!(silent.is_waiting());
    authority.hold();
    let held = TcpClient::exchange(&authority, FIRST);
    assert!(authority.wait_for_posts(2, PATIENCE));
    let address = authority.url().trim_start_matches("http://").to_owned();
    let stop = thread::spawn(move || drop(authority));
    // Both see the end of their connection before their patience does.
    assert_eq!(silent.reply(), "");
    assert_eq!(held.reply(), "");
    stop.join().unwrap();
    assert!(TcpStream::connect(address).is_err(), "it still listens");
}
