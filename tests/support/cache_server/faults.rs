//! What goes wrong on purpose, each once, at the next request of its kind.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// What a request is for, whichever protocol asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Route {
    Lookup,
    Download,
    Reserve,
    Upload,
    Finish,
    List,
    Delete,
    /// Nothing that the service has.
    Unknown,
}

/// A fault.
pub(crate) enum Fault {
    /// The request is processed, and the connection breaks in the answer.
    LoseReply,
    /// The connection breaks, and nothing was processed.
    LoseRequest,
    /// Not processed, with a page for people.
    Html(u16),
    /// Not processed.
    RateLimited(u32),
    /// Another answer, not processed.
    Answer(u16, String),
    /// Processed; the answer takes this long.
    Slow(Duration),
    /// Something happens first; then the request is processed.
    First(Box<dyn FnOnce() + Send>),
    /// Something happens after it was processed, before the answer.
    Then(Box<dyn FnOnce() + Send>),
}

/// What is left of a fault once the request may be processed.
pub(crate) enum After {
    Answer,
    LoseReply,
    Slow(Duration),
    Then(Box<dyn FnOnce() + Send>),
}

impl Fault {
    /// Does what comes first; an error is the whole answer.
    pub(crate) async fn begin(self) -> Result<After, Response> {
        Ok(match self {
            Self::LoseReply => After::LoseReply,
            Self::Slow(duration) => After::Slow(duration),
            Self::Then(work) => After::Then(work),
            Self::First(work) => {
                tokio::task::spawn_blocking(work).await.unwrap();
                After::Answer
            }
            Self::LoseRequest => return Err(broken()),
            Self::Html(status) => {
                let page = "<html><body><h1>sig=canary-of-a-page</h1></body></html>";
                return Err((code(status), [(header::CONTENT_TYPE, "text/html")], page).into_response());
            }
            Self::RateLimited(seconds) => {
                let headers = [(header::RETRY_AFTER, seconds.to_string())];
                let body = r#"{"code":"resource_exhausted","msg":"too many requests"}"#;
                return Err((code(429), headers, body).into_response());
            }
            Self::Answer(status, body) => {
                return Err(
                    (code(status), [(header::CONTENT_TYPE, "application/json")], body).into_response()
                );
            }
        })
    }
}

impl After {
    pub(crate) async fn end(self, response: Response) -> Response {
        match self {
            Self::Answer => response,
            Self::LoseReply => broken(),
            Self::Slow(duration) => {
                tokio::time::sleep(duration).await;
                response
            }
            Self::Then(work) => {
                tokio::task::spawn_blocking(work).await.unwrap();
                response
            }
        }
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap()
}

/// Promises more than it sends: the connection ends in the middle of the body.
fn broken() -> Response {
    ([(header::CONTENT_LENGTH, "1000")], Body::new(Broken { has_begun: false })).into_response()
}

struct Broken {
    has_begun: bool,
}

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        if self.has_begun {
            return Poll::Ready(Some(Err(std::io::Error::other("cut off"))));
        }
        self.has_begun = true;
        Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"{")))))
    }
}
