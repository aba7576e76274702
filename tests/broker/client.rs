//! A client that says exactly what it is told to say.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use serde_json::{Value, json};

use crate::scene::{PATIENCE, Scene};

/// A connection. It is kept until it is dropped.
pub(crate) struct Client(TcpStream);

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case, without the status line.
    pub(crate) head: String,
    pub(crate) body: Value,
}

/// A request that has everything, to be bent.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Ask {
    /// As Codex 0.169 asks before a token ends.
    pub(crate) fn codex(scene: &Scene) -> Self {
        Self::with(scene, json!({"refresh_reason": "proactive_expiry"}))
    }

    /// As any client asks, with `more` in its body.
    pub(crate) fn with(scene: &Scene, more: Value) -> Self {
        let mut body = json!({
            "client_id": "app_EMoamEEZ73f0CkXaXp7hrann",
            "grant_type": "refresh_token",
            "refresh_token": scene.handle(),
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let headers = vec![
            ("host", format!("127.0.0.1:{}", scene.port())),
            ("content-type", "application/json".to_owned()),
            ("accept", "*/*".to_owned()),
            ("originator", "codex_exec".to_owned()),
            ("user-agent", "codex_exec/0.169.0".to_owned()),
        ];
        Self { method: "POST", path: scene.path().to_owned(), headers, body: body.to_string() }
    }

    pub(crate) fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    pub(crate) fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(it, _)| *it != name);
        self
    }

    pub(crate) fn header(self, name: &'static str, value: impl Into<String>) -> Self {
        let mut ask = self.without(name);
        ask.headers.push((name, value.into()));
        ask
    }

    /// Up to the empty line, without a length.
    pub(crate) fn head(&self) -> String {
        let lines = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        format!("{} {} HTTP/1.1\r\n{}", self.method, self.path, lines.collect::<String>())
    }

    pub(crate) fn text(&self) -> String {
        format!("{}content-length: {}\r\n\r\n{}", self.head(), self.body.len(), self.body)
    }
}

impl Client {
    pub(crate) fn new(scene: &Scene) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", scene.port())).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Sends what may be refused before it is all there.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).ok();
    }

    pub(crate) fn ask(&mut self, ask: &Ask) -> Answer {
        self.send(ask.text());
        self.answer().expect("an answer")
    }

    /// Reads one answer; `None` when the connection ends without a whole one.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).ok()?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let (line, head) = head.split_once("\r\n").unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).ok()?;
        Some(Answer {
            status: line.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            body: serde_json::from_slice(&body).unwrap_or_default(),
        })
    }

    /// Says that nothing more comes.
    pub(crate) fn finish(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }
}

impl Answer {
    /// Returns the code of an error, as clients read it.
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }
}
