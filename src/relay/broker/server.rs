//! The HTTP around the desk: 127.0.0.1, a random port, a random path.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{self, Body};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::reply::Reply;
use super::request::{Errand, MAX_BODY_BYTES, Parts, REVOKE_PATH};
use super::{Desk, Event, Terms};
use crate::credential::Handle;
use crate::job::{Loopback, free_port};

/// How long requests may take to end once the server stops.
const GRACE: Duration = Duration::from_millis(500);

/// Where the clients of a home find the broker.
#[derive(Clone)]
pub struct Endpoint {
    /// The address of an exchange, for the client's override variable.
    pub url: String,
    /// What the home has in place of a refresh token.
    pub handle: Handle,
}

/// A broker's server, on a thread of its own. It stops when this is dropped.
pub struct Server {
    endpoint: Endpoint,
    _loopback: Loopback,
}

struct Shared {
    desk: Arc<Desk>,
    terms: Terms,
    port: u16,
}

/// A place to listen at, before there is anything to answer.
pub struct Socket {
    listener: TcpListener,
    address: SocketAddr,
    terms: Terms,
}

impl Socket {
    /// Binds a free port, with a path and a handle made of random bytes.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn bind(random: [u8; 64]) -> io::Result<Self> {
        let (path, handle) = random.split_at(32);
        let (listener, address) = free_port()?;
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(handle);
        let terms = Terms {
            path: format!("/{}/oauth/token", URL_SAFE_NO_PAD.encode(path)),
            handle: Handle::new(*bytes),
        };
        Ok(Self { listener, address, terms })
    }

    /// Returns where the clients will find the broker.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        let url = format!("http://{}{}", self.address, self.terms.path);
        Endpoint { url, handle: self.terms.handle.clone() }
    }
}

impl Server {
    /// Starts to serve.
    ///
    /// # Errors
    /// When there is no runtime or no thread for it.
    pub fn start(socket: Socket, desk: Arc<Desk>) -> io::Result<Self> {
        let endpoint = socket.endpoint();
        let Socket { listener, address, terms } = socket;
        let shared = Arc::new(Shared { desk, terms, port: address.port() });
        let router = Router::new().fallback(receive).with_state(shared);
        Ok(Self { endpoint, _loopback: Loopback::serve("broker", listener, router, GRACE)? })
    }

    /// Returns where the clients find the broker.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

async fn receive(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    // Nobody reads what a revocation says.
    let body = if head.uri.path() == REVOKE_PATH {
        Some(body::Bytes::new())
    } else {
        read(body, shared.desk.limits.body).await
    };
    let body = body.map(|body| Zeroizing::new(body.to_vec()));
    let parts = Parts {
        method: head.method.as_str(),
        path: head.uri.path(),
        host: text(&head.headers, header::HOST),
        has_origin: head.headers.contains_key(header::ORIGIN),
        content_type: text(&head.headers, header::CONTENT_TYPE),
        body: body.as_ref().map(|body| body.as_slice()),
    };
    let reply = match shared.terms.judge(shared.port, parts) {
        Err(refusal) => {
            shared.desk.note(Event::Refused(refusal));
            Reply::refusal(refusal)
        }
        Ok(Errand::Revoke) => {
            shared.desk.note(Event::RevocationDropped);
            Reply::revoked()
        }
        Ok(Errand::Renew(asked)) => {
            let at_desk = Arc::clone(&shared);
            let work = tokio::task::spawn_blocking(move || {
                let handle = &at_desk.terms.handle;
                let served = at_desk.desk.ask(asked, |current, now| Reply::tokens(current, handle, now));
                served.unwrap_or_else(Reply::failure)
            });
            work.await.unwrap_or_else(|_| Reply::failure(super::Failure::Passing))
        }
    };
    response(&reply)
}

async fn read(body: Body, limit: Duration) -> Option<body::Bytes> {
    let read = tokio::time::timeout(limit, body::to_bytes(body, MAX_BODY_BYTES)).await;
    read.ok()?.ok()
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn response(reply: &Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body.to_vec()));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if reply.status == 503 {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("20"));
    }
    response
}
