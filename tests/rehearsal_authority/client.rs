//! Authorities to ask and clients that ask them.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use authbaton::rehearsal::{Account, Authority, IssueOptions, Outcome, Settings};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};
use serde_json::{Value, json};

/// Long enough for anything that is going to happen. Only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const FIRST: &str = "rt_CANARY-first";

pub(crate) fn start() -> Authority {
    let now = "2026-11-20T16:00:00Z".parse::<DateTime<Utc>>().unwrap();
    Authority::start(Settings { now: Box::new(move || now), ..Settings::default() }).unwrap()
}

/// Starts an authority that has one login, whose refresh token is [`FIRST`].
pub(crate) fn start_with_login() -> (Authority, Value) {
    let authority = start();
    let options = IssueOptions { refresh_token: Some(FIRST.into()), ..IssueOptions::default() };
    let text = authority.issue(&Account::named("one"), &options).unwrap();
    (authority, serde_json::from_str(&text).unwrap())
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub(crate) fn client() -> Client {
    // Another test of this process may have installed it already.
    rustls::crypto::ring::default_provider().install_default().ok();
    Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap()
}

pub(crate) fn exchange_body(refresh_token: &str) -> Value {
    json!({
        "client_id": "app_EMoamEEZ73f0CkXaXp7hrann",
        "grant_type": "refresh_token",
        "refresh_reason": "forced",
        "refresh_token": refresh_token,
    })
}

pub(crate) fn post(url: &str, path: &str, body: &Value) -> RequestBuilder {
    client()
        .post(format!("{url}{path}"))
        .header("content-type", "application/json")
        .header("originator", "codex_cli_rs")
        .header("user-agent", "codex_cli_rs/0.169.0")
        .body(body.to_string())
}

pub(crate) async fn send(authority: &Authority, refresh_token: &str) -> reqwest::Result<Response> {
    post(&authority.url(), "/oauth/token", &exchange_body(refresh_token)).send().await
}

/// Exchanges `refresh_token` and returns status and body.
pub(crate) fn exchange(authority: &Authority, refresh_token: &str) -> (StatusCode, String) {
    block_on(async {
        let response = send(authority, refresh_token).await.unwrap();
        (response.status(), response.text().await.unwrap())
    })
}

/// Exchanges `refresh_token` with success and returns the JSON of the reply.
pub(crate) fn granted(authority: &Authority, refresh_token: &str) -> Value {
    let (status, body) = exchange(authority, refresh_token);
    assert!(status.is_success(), "{status}");
    serde_json::from_str(&body).unwrap()
}

pub(crate) fn refused(authority: &Authority, refresh_token: &str) -> (u16, String) {
    let (status, body) = exchange(authority, refresh_token);
    let error = serde_json::from_str::<Value>(&body).unwrap()["error"].take();
    assert!(error["message"].is_string() && error["type"].is_string());
    (status.as_u16(), text(&error["code"]).to_owned())
}

pub(crate) fn outcome(authority: &Authority) -> Outcome {
    authority.received().pop().unwrap().outcome
}

pub(crate) fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// A client that sends one exchange and reads nothing until asked to.
pub(crate) struct TcpClient(TcpStream);

impl TcpClient {
    pub(crate) fn exchange(authority: &Authority, refresh_token: &str) -> Self {
        let mut stream = TcpStream::connect(authority.url().trim_start_matches("http://")).unwrap();
        let body = exchange_body(refresh_token).to_string();
        let length = body.len();
        let head = "POST /oauth/token HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close";
        let head = format!("{head}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        Self(stream)
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let peeked = self.0.peek(&mut [0]);
        peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    pub(crate) fn reply(mut self) -> String {
        self.0.set_nonblocking(false).unwrap();
        self.0.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut reply = String::new();
        self.0.read_to_string(&mut reply).unwrap();
        reply
    }
}
