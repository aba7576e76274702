//! Puts grants, refusals and faults on the wire.
//!
//! A connection that is cut is a body that fails: the HTTP server then closes the connection, and what it had not sent
//! until then, the headers included, is never sent.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::{io, mem};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use serde::Serialize;
use serde_json::json;

use super::behaviour::{Fault, Refusal, Twist};
use super::ledger::Denial;

/// More than any reply that a client may be expected to read.
const OVERSIZED: usize = 64 * 1024;

/// The reply to an exchange. What is `None` is left out.
#[derive(Serialize)]
pub(super) struct Grant {
    #[serde(skip)]
    pub(super) status: StatusCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<String>,
    pub(super) token_type: &'static str,
    pub(super) scope: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires_in: Option<i64>,
}

impl Grant {
    /// Returns this grant with one thing wrong. Whose its tokens are was decided when they were minted.
    pub(super) fn twisted(self, twist: Twist, previous_access_token: String) -> Self {
        match twist {
            Twist::OtherAccount | Twist::OtherUser => self,
            Twist::Created => Self { status: StatusCode::CREATED, ..self },
            Twist::EmptyRefreshToken => Self { refresh_token: Some(String::new()), ..self },
            Twist::NoRefreshToken => Self { refresh_token: None, ..self },
            Twist::NoAccessToken => Self { access_token: None, ..self },
            Twist::SameAccessToken => Self { access_token: Some(previous_access_token), ..self },
            Twist::NoIdToken => Self { id_token: None, ..self },
            Twist::IdTokenNotJwt => Self { id_token: Some("not-a-jwt".into()), ..self },
        }
    }

    pub(super) fn response(&self) -> Response {
        match serde_json::to_string(self) {
            Ok(text) => json_response(self.status, text),
            Err(_) => Refusal::server_error().response(),
        }
    }
}

impl Refusal {
    pub(super) fn invalid_request() -> Self {
        Self::new(400, "invalid_request")
    }

    pub(super) fn server_error() -> Self {
        Self::new(500, "server_error")
    }

    pub(super) fn response(&self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let error = json!({
            "error": {
                "code": self.code,
                "message": "The rehearsal authority refuses this request.",
                "type": "invalid_request_error",
            },
        });
        let mut response = json_response(status, error.to_string());
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Reused => Self::new(401, "refresh_token_reused"),
            Denial::Invalidated => Self::new(401, "refresh_token_invalidated"),
            // RFC 6749, 5.2. Nobody but us could have given out a token that then expired.
            Denial::Unknown => Self::new(400, "invalid_grant"),
        }
    }
}

impl Fault {
    /// Returns what the client gets to see; `None` is nothing, ever.
    pub(super) fn response(&self) -> Option<Response> {
        let (kind, text) = match self {
            Self::Silence => return None,
            Self::HangUp => return Some(Severed::after(None)),
            Self::CutShort => return Some(Severed::after(Some(Bytes::from_static(BEGINNING.as_bytes())))),
            Self::Refusal(refusal) => return Some(refusal.response()),
            Self::Redirect => {
                let location = [(header::LOCATION, "/oauth/elsewhere")];
                return Some((StatusCode::TEMPORARY_REDIRECT, location).into_response());
            }
            Self::Empty => ("application/json", String::new()),
            Self::NotJson => ("text/html", "<html><body>Sign in to this network.</body></html>".into()),
            Self::TruncatedJson => ("application/json", BEGINNING.into()),
            Self::Oversized => {
                ("application/json", json!({ "access_token": "x".repeat(OVERSIZED) }).to_string())
            }
        };
        Some(([(header::CONTENT_TYPE, kind)], text).into_response())
    }
}

/// How a reply begins.
const BEGINNING: &str = r#"{"id_token":"eyJ0eXAiOiJKV1QiLCJh"#;

fn json_response(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// A body that fails, after having sent its beginning if it has one.
struct Severed {
    beginning: Option<Bytes>,
    flush: bool,
}

impl Severed {
    fn after(beginning: Option<Bytes>) -> Response {
        let response = Body::new(Self { beginning, flush: false }).into_response();
        ([(header::CONTENT_TYPE, "application/json")], response).into_response()
    }
}

impl HttpBody for Severed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(beginning) = self.beginning.take() {
            self.flush = true;
            return Poll::Ready(Some(Ok(Frame::data(beginning))));
        }
        // The server sends what it has while it waits for more of the body, so let it wait once.
        if mem::take(&mut self.flush) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}
