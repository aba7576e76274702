//! How requests of the object store crate leave this machine: through our own HTTP client, one at a time answered whole,
//! within a time and a size, never in plain text to another machine, and never a second time by themselves.
//!
//! The crate's errors are full of addresses, some of them signed, and of the service's own words. So what went wrong is
//! noted here, in few words of ours, and the crate's errors are not looked into.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpService,
};
use reqwest::header::{CONTENT_LENGTH, USER_AGENT};
use url::{Host, Url};

use super::url::is_loopback;
use crate::baton::MAX_BATON_BYTES;
use crate::transport::{Body, read_body};

const AGENT: &str = concat!("authbaton/", env!("CARGO_PKG_VERSION"));
/// Some services name what is missing in a header, the others in a body of XML.
const ERROR_CODE: &str = "x-ms-error-code";

/// The HTTP clients, and what became of the last request.
#[derive(Clone)]
pub(super) struct Wire {
    /// With the proxies of the environment, unless the service is on this machine.
    pub(super) client: reqwest::Client,
    /// Without a proxy: for what answers a machine's or a container's own questions.
    pub(super) direct: reqwest::Client,
    /// Host and port of the service; every other address gives credentials.
    pub(super) service: Arc<str>,
    pub(super) log: Log,
    /// From connecting to the last byte.
    pub(super) limit: Duration,
}

/// What became of the last request.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Option<Outcome>>>);

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) whose: Whose,
    pub(super) what: What,
}

/// Who was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Store,
    Credentials,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// An answer with this status; whether the service says that it is the object that is missing.
    Answer { status: u16, no_such_object: bool },
    /// No connection.
    NoConnection,
    /// It took too long. It may have done its work.
    TooLong,
    /// The connection broke. It may have done its work.
    Broken,
    /// The answer is larger than anything that we have stored.
    TooLarge,
    /// It would have gone in plain text to another machine, and was not sent.
    Plain,
}

impl Log {
    pub(super) fn take(&self) -> Option<Outcome> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, outcome: Outcome) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Wire")
    }
}

impl HttpConnector for Wire {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        // The crate allows plain HTTP only where it asks the machine or the container itself.
        let asks_machine =
            options.get_config_value(&ClientConfigKey::AllowHttp).is_some_and(|value| value == "true");
        Ok(HttpClient::new(Line { wire: self.clone(), asks_machine }))
    }
}

#[derive(Debug)]
struct Line {
    wire: Wire,
    asks_machine: bool,
}

#[async_trait::async_trait]
impl HttpService for Line {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string())
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        let is_service = place(&url) == *self.wire.service;
        let whose = if is_service { Whose::Store } else { Whose::Credentials };
        let fail = |what| {
            self.wire.log.note(Outcome { whose, what });
            let kind = match what {
                What::TooLong => HttpErrorKind::Timeout,
                What::NoConnection => HttpErrorKind::Connect,
                _ => HttpErrorKind::Unknown,
            };
            HttpError::new(kind, Failed)
        };
        if url.scheme() != "https" && !is_loopback(&url) && !(self.asks_machine && answers_machine(&url)) {
            return Err(fail(What::Plain));
        }
        let client = if self.asks_machine { &self.wire.direct } else { &self.wire.client };
        let mut sent = reqwest::Request::new(parts.method, url);
        *sent.headers_mut() = parts.headers;
        sent.headers_mut().insert(USER_AGENT, AGENT.parse().map_err(|_| fail(What::Plain))?);
        *sent.body_mut() = Some(reqwest::Body::wrap(body));
        *sent.timeout_mut() = Some(self.wire.limit);
        let mut response = client.execute(sent).await.map_err(|error| fail(failure(&error)))?;
        let status = response.status();
        let announced = response.headers().get(CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
        if status.is_success() && announced.is_some_and(|bytes: usize| bytes > MAX_BATON_BYTES) {
            return Err(fail(What::TooLarge));
        }
        let body = match read_body(&mut response, MAX_BATON_BYTES).await {
            Body::Whole(body) => body,
            // A page about an error may be as long as it likes.
            Body::Cut(body) if !status.is_success() => body,
            Body::Cut(_) => return Err(fail(What::TooLarge)),
            Body::Broken(_) => return Err(fail(What::Broken)),
        };
        let code = response.headers().get(ERROR_CODE).map(|code| code.as_bytes().to_vec());
        let no_such_object =
            code.as_deref() == Some(b"BlobNotFound") || has(&body, b"<Code>NoSuchKey</Code>");
        let what = What::Answer { status: status.as_u16(), no_such_object };
        self.wire.log.note(Outcome { whose, what });
        let mut answer = HttpResponse::new(body.to_vec().into());
        *answer.status_mut() = status;
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

/// Says nothing: what there is to say is in the log.
#[derive(Debug, thiserror::Error)]
#[error("the request failed")]
struct Failed;

fn failure(error: &reqwest::Error) -> What {
    if error.is_timeout() {
        What::TooLong
    } else if error.is_connect() {
        What::NoConnection
    } else {
        What::Broken
    }
}

/// Returns host and port of an address.
pub(super) fn place(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

fn has(body: &[u8], text: &[u8]) -> bool {
    body.windows(text.len()).any(|part| part == text)
}

/// Returns whether an address is one at which clouds answer the questions of a machine or a container about itself.
fn answers_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_link_local(),
        // AWS's own range of unique local addresses.
        Some(Host::Ipv6(address)) => address.segments().starts_with(&[0xfd00, 0x0ec2]),
        Some(Host::Domain(name)) => name == "metadata.google.internal" || name == "metadata",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_machines_own_addresses_are_asked_in_plain_text() {
        let table = [
            ("http://169.254.169.254/latest", true),
            ("http://169.254.170.2/v2/credentials", true),
            ("http://[fd00:ec2::254]/latest", true),
            ("http://metadata.google.internal/x", true),
            ("http://metadata.google.internal.example/x", false),
            ("http://192.168.0.1/", false),
            ("http://8.8.8.8/", false),
            ("http://[fd00:ec3::1]/", false),
        ];
        for (url, expected) in table {
            assert_eq!(answers_machine(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn an_object_is_missing_only_if_the_service_says_so() {
        assert!(has(b"<Error><Code>NoSuchKey</Code></Error>", b"<Code>NoSuchKey</Code>"));
        assert!(!has(b"<Error><Code>NoSuchBucket</Code></Error>", b"<Code>NoSuchKey</Code>"));
        assert!(!has(b"", b"<Code>NoSuchKey</Code>"));
    }
}
