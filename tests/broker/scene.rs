//! A broker with a test in the place of the authority.
//!
//! When a scene ends, what was told is looked through for secrets: each of these tests fails if there is one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use authbaton::credential::{AuthJson, Client, Credential, FullLogin, Margin};
use authbaton::job::{Clock, Environment, SystemClock, random};
use authbaton::policy::{Gate, Layers, PolicyOptions};
use authbaton::relay::broker::{Current, Desk, Event, Failure, Limits, Server, Socket, Why};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use serde_json::{Value, json};

/// Only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Long enough that no test gets there unless it says so.
pub(crate) const LIMITS: Limits =
    Limits { answer: PATIENCE, recovery: PATIENCE, after_failure: PATIENCE, look: PATIENCE, body: PATIENCE };

pub(crate) struct Scene {
    server: Option<Server>,
    pub(crate) desk: Arc<Desk>,
    worker: Option<JoinHandle<()>>,
    begun: Receiver<Why>,
    results: Sender<Result<Current, Failure>>,
    events: Arc<Mutex<Vec<Event>>>,
    url: String,
    handle: String,
    tokens: Vec<String>,
}

/// A login whose access token lasts that many seconds from now on.
pub(crate) fn login(lasts: i64) -> Value {
    let end = SystemClock.now() + TimeDelta::seconds(lasts);
    let claims = json!({
        "iat": (end - TimeDelta::days(10)).timestamp(),
        "exp": end.timestamp(),
        "https://api.openai.com/auth": {"chatgpt_account_id": "acct-1", "chatgpt_user_id": "user-1"},
    });
    let parts = [json!({"alg": "none"}).to_string(), claims.to_string(), "CANARY".to_owned()];
    let token = parts.map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".");
    json!({
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": null,
        "tokens": {
            "id_token": token,
            "access_token": token,
            "refresh_token": "rt-CANARY",
            "account_id": "acct-1",
        },
        "last_refresh": "2026-11-20T16:00:00Z",
    })
}

pub(crate) fn current(login: &Value) -> Current {
    let environment = Environment::Fixed(BTreeMap::new());
    let options = PolicyOptions { root: Some("/no-system".into()), ..PolicyOptions::default() };
    let gate = Gate::new(Layers::new(Client::Codex, Path::new("/no-home"), options, &environment));
    let document = AuthJson::parse(login.to_string().as_bytes()).unwrap();
    let login = FullLogin::new(&Credential::new(Client::Codex, document).unwrap()).unwrap();
    Current::of(&gate.approve_login(login).unwrap())
}

impl Scene {
    pub(crate) fn new(login: &Value, limits: Limits) -> Self {
        let margin = Margin::Fixed(TimeDelta::zero());
        let desk = Arc::new(Desk::open(current(login), margin, limits, Box::new(SystemClock)));
        let socket = Socket::bind(random().unwrap()).unwrap();
        let endpoint = socket.endpoint();
        let server = Server::start(socket, Arc::clone(&desk)).unwrap();
        let ((begin, begun), (results, result)) = (channel(), channel());
        let events = Arc::<Mutex<Vec<Event>>>::default();
        let (at_desk, told) = (Arc::clone(&desk), Arc::clone(&events));
        let worker = thread::spawn(move || {
            let renew = |why, _: &Current| {
                begin.send(why).unwrap();
                result.recv_timeout(PATIENCE).unwrap()
            };
            at_desk.work(renew, |event| told.lock().unwrap().push(event.clone()));
        });
        Self {
            server: Some(server),
            desk,
            worker: Some(worker),
            begun,
            results,
            events,
            url: endpoint.url,
            handle: endpoint.handle.expose().to_owned(),
            tokens: vec![access_token(login).to_owned()],
        }
    }

    /// Waits until an exchange has begun.
    pub(crate) fn exchange(&self) -> Why {
        self.begun.recv_timeout(PATIENCE).unwrap()
    }

    /// Ends it.
    pub(crate) fn renew(&mut self, login: &Value) {
        self.tokens.push(access_token(login).to_owned());
        self.results.send(Ok(current(login))).unwrap();
    }

    pub(crate) fn fail(&self, failure: Failure) {
        self.results.send(Err(failure)).unwrap();
    }

    /// Waits until so many events of a kind were told.
    pub(crate) fn until(&self, count: usize, wanted: &Event) {
        let start = SystemClock.boot();
        while self.events.lock().unwrap().iter().filter(|it| *it == wanted).count() < count {
            assert!(SystemClock.boot() - start < PATIENCE, "it never came: {wanted}");
            SystemClock.sleep(Duration::from_millis(2));
        }
    }

    /// Stops the server, while the desk goes on.
    pub(crate) fn stop(&mut self) {
        drop(self.server.take());
    }

    /// Ends everything, and returns what was told.
    pub(crate) fn close(mut self) -> Vec<Event> {
        self.desk.close();
        self.worker.take().unwrap().join().unwrap();
        self.stop();
        assert!(self.begun.try_recv().is_err(), "an exchange that nobody needed");
        let events = std::mem::take(&mut *self.events.lock().unwrap());
        let secrets = self.tokens.iter().map(String::as_str).chain([&*self.handle, self.path()]);
        for secret in secrets.chain(["CANARY"]) {
            assert!(!events.iter().any(|event| format!("{event} {event:?}").contains(secret)));
        }
        events
    }

    pub(crate) fn handle(&self) -> &str {
        &self.handle
    }

    pub(crate) fn path(&self) -> &str {
        let start = self.url.match_indices('/').nth(2).unwrap().0;
        &self.url[start..]
    }

    pub(crate) fn port(&self) -> u16 {
        let host = self.url.split('/').nth(2).unwrap();
        host.strip_prefix("127.0.0.1:").unwrap().parse().unwrap()
    }
}

pub(crate) fn access_token(login: &Value) -> &str {
    login["tokens"]["access_token"].as_str().unwrap()
}
