//! The loopback server that stands in for the model, the ChatGPT backend and the authority, and remembers every
//! request. Its authority grants nothing: here a test counts what was asked, so that "no refresh was sent" is a fact.

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};
use tokio::{
    runtime,
    sync::{oneshot, watch},
};

/// What the model says in every turn.
pub(crate) const REPLY: &str = "the baton has arrived";

const RESPONSES: &str = "/v1/responses";
const TOKEN: &str = "/oauth/token";
const REVOKE: &str = "/oauth/revoke";

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// The path, or what a `CONNECT` names.
    pub(crate) target: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    refusing: AtomicBool,
    /// Authorizations that are not good any more.
    refused: Mutex<Vec<String>>,
    held: watch::Sender<bool>,
}

/// The running server; it stops when the value is dropped.
pub(crate) struct Model {
    origin: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Model {
    pub(crate) fn start() -> Self {
        // Bound here, not on the thread: connections are queued from now on.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::<Shared>::default();
        let (stop, stopped) = oneshot::channel();
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_io().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::spawn(async { axum::serve(listener, routes).await });
                stopped.await.ok();
            });
        });
        Self { origin, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Returns `http://127.0.0.1:PORT`.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// From now on the model answers 401.
    pub(crate) fn refuse(&self) {
        self.shared.refusing.store(true, Ordering::SeqCst);
    }

    /// From now on turns with this authorization are refused, and those with another one are not.
    pub(crate) fn refuse_only(&self, authorization: String) {
        self.shared.refused.lock().unwrap().push(authorization);
    }

    /// Lets turns that are not refused wait for their reply.
    pub(crate) fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// Lets all turns go on.
    pub(crate) fn release(&self) {
        self.shared.held.send_replace(false);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Returns the requests for a turn.
    pub(crate) fn turns(&self) -> Vec<Seen> {
        self.seen_at(RESPONSES)
    }

    /// Returns the requests for new tokens.
    pub(crate) fn refreshes(&self) -> Vec<Seen> {
        self.seen_at(TOKEN)
    }

    /// Returns the requests to revoke a token.
    pub(crate) fn revocations(&self) -> Vec<Seen> {
        self.seen_at(REVOKE)
    }

    fn seen_at(&self, target: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.target == target).collect()
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
        self.thread.take().map(JoinHandle::join);
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let body = to_bytes(body, 16 << 20).await.unwrap();
    let authorization =
        head.headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    let is_refused = shared.refusing.load(Ordering::SeqCst)
        || authorization.as_ref().is_some_and(|it| shared.refused.lock().unwrap().contains(it));
    shared.seen.lock().unwrap().push(Seen {
        method: head.method.to_string(),
        target: if path.is_empty() { head.uri.to_string() } else { path.to_owned() },
        authorization,
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    match (head.method.as_str(), path) {
        ("POST", RESPONSES) if is_refused => {
            reply(StatusCode::UNAUTHORIZED, &json!({ "error": { "message": "token expired" } }))
        }
        ("POST", RESPONSES) => {
            shared.held.subscribe().wait_for(|held| !held).await.ok();
            turn()
        }
        ("GET", "/v1/models") => reply(StatusCode::OK, &json!({ "models": [] })),
        ("GET", "/backend-api/wham/accounts/check") => reply(
            StatusCode::OK,
            &json!({ "accounts": [], "account_ordering": [], "default_account_id": null }),
        ),
        ("POST", TOKEN | REVOKE) => {
            reply(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": "server_error" }))
        }
        _ => reply(StatusCode::NOT_FOUND, &json!({ "error": "not_found" })),
    }
}

/// The shortest stream that Codex takes for a turn: without `response.completed` it is an error.
fn turn() -> Response {
    let message = json!({
        "type": "message",
        "role": "assistant",
        "id": "message-1",
        "content": [{ "type": "output_text", "text": REPLY }],
    });
    let stream: String = [
        json!({ "type": "response.created", "response": { "id": "response-1" } }),
        json!({ "type": "response.output_item.done", "item": message }),
        json!({ "type": "response.completed", "response": { "id": "response-1" } }),
    ]
    .iter()
    .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
    .collect();
    Response::builder().header(header::CONTENT_TYPE, "text/event-stream").body(Body::from(stream)).unwrap()
}

fn reply(status: StatusCode, body: &Value) -> Response {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap()
}
