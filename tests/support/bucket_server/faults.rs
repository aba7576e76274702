//! What goes wrong on purpose: how conditions are kept, and what happens once, at the next request of its kind.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Get,
    Create,
    Update,
    Overwrite,
    Delete,
    /// Somebody asks for credentials.
    Credentials,
    Other,
}

/// How conditions are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keeps {
    #[default]
    Always,
    /// `If-Match` is not looked at.
    NotIfMatch,
    /// `If-None-Match` is not looked at.
    NotIfNoneMatch,
    /// Looks first and writes a little later: one writer alone finds nothing wrong.
    LooksThenWrites,
}

/// A fault.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// None, for this once.
    Nothing,
    /// Not processed.
    Answer(u16, &'static str),
    /// Processed, and answered with this status all the same.
    DoneAnd(u16),
    /// Processed, and the connection breaks in the answer.
    LoseReply,
    /// The connection breaks, and nothing was processed.
    LoseRequest,
    /// Processed when it is too late for whoever asked.
    Late(Duration),
    /// The body comes too slowly.
    SlowBody,
    /// More than a baton, announced or not.
    Oversized { announced: bool },
    /// Another object store's answer to a missing object.
    Page404,
    /// Without what a condition is made of.
    NoTags,
    /// Somebody else writes first.
    Overtaken(Vec<u8>),
}

pub(crate) fn refusal(status: u16, code: &str) -> Response {
    let body = format!("<Error><Code>{code}</Code><Message>sig=canary-of-the-service</Message></Error>");
    (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, "application/xml")], body).into_response()
}

/// Promises more than it sends: the connection ends in the middle of the body.
pub(crate) fn broken() -> Response {
    ([(header::CONTENT_LENGTH, "1000")], Body::new(Trickle { pace: None, left: 1 })).into_response()
}

/// Sends a byte now and then.
pub(crate) fn slow() -> Response {
    (
        [(header::ETAG, "\"slow\"")],
        Body::new(Trickle { pace: Some(Box::pin(tokio::time::sleep(PACE))), left: 1000 }),
    )
        .into_response()
}

const PACE: Duration = Duration::from_millis(500);

struct Trickle {
    pace: Option<Pin<Box<tokio::time::Sleep>>>,
    left: usize,
}

impl http_body::Body for Trickle {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(Some(Err(std::io::Error::other("cut off"))));
        }
        if let Some(pace) = &mut self.pace {
            match pace.as_mut().poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => *pace = Box::pin(tokio::time::sleep(PACE)),
            }
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"{")))))
    }
}
