//! A client of the broker: what Codex sends, and what it would make of the answer.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

/// Longer than the broker lets anybody wait.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where to ask, and with what.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) url: String,
    pub(crate) handle: String,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Client {
    /// Asks for a token.
    pub(crate) fn ask(&self, reason: &str) -> io::Result<Answer> {
        let body = json!({
            "client_id": "app_EMoamEEZ73f0CkXaXp7hrann",
            "grant_type": "refresh_token",
            "refresh_reason": reason,
            "refresh_token": self.handle,
        });
        self.post(self.path(), &body)
    }

    /// Asks where Codex would revoke: it takes the address of the exchange and replaces the path.
    pub(crate) fn revoke(&self) -> io::Result<Answer> {
        self.post("/oauth/revoke", &json!({"token": self.handle, "token_type_hint": "refresh_token"}))
    }

    fn authority(&self) -> &str {
        self.url.strip_prefix("http://").unwrap().split_once('/').unwrap().0
    }

    fn path(&self) -> &str {
        &self.url["http://".len() + self.authority().len()..]
    }

    fn post(&self, path: &str, body: &Value) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(self.authority())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (host, body) = (self.authority(), body.to_string());
        let head = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        let head = format!("{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes())?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        let (head, body) = reply.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok(Answer { status, body: serde_json::from_str(body).unwrap() })
    }
}

impl Answer {
    /// Demands a token, and that there is nothing in it to spend but the same handle again.
    #[track_caller]
    pub(crate) fn token(&self, client: &Client) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        assert_eq!(self.body["refresh_token"], client.handle.as_str());
        self.body["access_token"].as_str().unwrap().to_owned()
    }
}
