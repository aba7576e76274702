//! Requests to the cache, each with a limit in time and size. Asked again is only what failed by itself: a server's fault,
//! a connection that broke, an answer that is no answer.
//!
//! The runtime token goes to the service, and never to an address that the service hands out: those are signed, and may be
//! anybody's. What a service says is judged and not repeated: it may have such an address in it.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use reqwest::{Method, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::service::{Service, is_plain_loopback};
use crate::job::{Clock, Masks, random};
use crate::store::StoreError;
use crate::transport::{Body, Proxies, Transport, read_body};

/// One request, from connecting to the last byte.
const REQUEST: Duration = Duration::from_secs(10);
/// An answer in JSON is not larger than this, in bytes.
pub(super) const MAX_ANSWER_BYTES: usize = 64 * 1024;
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(300);
const AGENT: &str = concat!("authbaton/", env!("CARGO_PKG_VERSION"));
/// A value in a signed address that is shorter signs nothing.
const SHORTEST_SIGNATURE: usize = 20;

/// An HTTP client for one service.
pub(super) struct Http {
    transport: Transport,
    /// Whether the service is on this machine, and speaks plain HTTP: for tests.
    is_plain: bool,
    authorization: HeaderValue,
    masks: Masks,
    clock: Box<dyn Clock>,
}

/// Until when something may take.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Duration);

/// A request that can be sent again.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<&'a [u8]>,
    /// The largest body of an answer.
    pub(super) max: usize,
}

/// An answer. Its body may have a signed address in it.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Zeroizing<Vec<u8>>,
    retry_after: Option<u64>,
}

/// An address that a service has handed out, and that opens something by itself. It has no `Debug`.
pub(super) struct Signed(Url);

/// What services call the text of an error: the one of GitHub, and older and other ones.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    msg: String,
    message: String,
}

/// What an answer that is no success says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    ReadDenied,
    WriteDenied,
    Full,
    Other,
}

impl Http {
    pub(super) fn new(
        service: &Service,
        ca_file: Option<&std::path::Path>,
        masks: Masks,
        clock: Box<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let is_plain = is_plain_loopback(&service.base);
        let proxies = if is_plain { Proxies::Unused } else { Proxies::OfEnvironment };
        let authorization = bearer(&service.token)
            .ok_or_else(|| StoreError::NotHere("ACTIONS_RUNTIME_TOKEN is no token".to_owned()))?;
        let transport = Transport::new(ca_file.map(std::path::Path::to_owned), proxies);
        Ok(Self { transport, is_plain, authorization, masks, clock })
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(super) fn deadline(&self, limit: Duration) -> Deadline {
        Deadline(self.clock.boot() + limit)
    }

    /// Takes an address that the service hands out, and has the platform hide what opens it.
    pub(super) fn signed(&self, address: &str) -> Result<Signed, StoreError> {
        let url = Url::parse(address).ok();
        let url = url.filter(|url| url.scheme() == "https" || self.is_plain && is_plain_loopback(url));
        let url = url.ok_or_else(|| garbled("it names no address that can be trusted"))?;
        hide_signatures(&url, &self.masks);
        Ok(Signed(url))
    }

    /// The same for a service whose addresses are secret as a whole.
    pub(super) fn secret(&self, address: &str) -> Result<Signed, StoreError> {
        self.masks.hide(address);
        self.signed(address)
    }

    /// Asks the service, with the token.
    pub(super) fn ask(&self, mut request: Request<'_>, deadline: Deadline) -> Result<Answer, StoreError> {
        request.headers.insert(AUTHORIZATION, self.authorization.clone());
        self.send(&request, deadline)
    }

    /// Uses a signed address, without the token.
    pub(super) fn use_signed(
        &self,
        signed: &Signed,
        request: impl FnOnce(Url) -> Request<'static>,
        body: Option<&[u8]>,
        deadline: Deadline,
    ) -> Result<Answer, StoreError> {
        let request = request(signed.0.clone());
        self.send(&Request { body, ..request }, deadline)
    }

    /// Sends a request until there is an answer, as long as it makes sense.
    ///
    /// # Errors
    /// When there is none. Whether a request has been processed is then unknown.
    pub(super) fn send(&self, request: &Request<'_>, deadline: Deadline) -> Result<Answer, StoreError> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let left = deadline.0.saturating_sub(self.clock.boot());
            if left.is_zero() {
                break;
            }
            let answer = self.send_once(request, left.min(REQUEST))?;
            let is_fault = answer.as_ref().is_none_or(Answer::is_fault);
            if !is_fault || attempt >= ATTEMPTS {
                return answer.ok_or_else(|| StoreError::Unreachable("it does not answer".to_owned()));
            }
            self.clock.sleep(jittered(pause));
            pause *= 3;
        }
        Err(StoreError::Unreachable("it takes too long".to_owned()))
    }

    /// `None`: no answer.
    fn send_once(&self, request: &Request<'_>, limit: Duration) -> Result<Option<Answer>, StoreError> {
        let answer = self.transport.run(async |client| {
            let mut builder = client
                .request(request.method.clone(), request.url.clone())
                .headers(request.headers.clone())
                .header(USER_AGENT, AGENT)
                .timeout(limit);
            if let Some(body) = request.body {
                builder = builder.body(body.to_vec());
            }
            let response = builder.send().await.ok()?;
            read(response, request.max).await
        })?;
        match answer {
            Some(Err(TooLarge)) => Err(garbled("the answer is too large")),
            Some(Ok(answer)) => Ok(Some(answer)),
            None => Ok(None),
        }
    }
}

struct TooLarge;

async fn read(mut response: Response, max: usize) -> Option<Result<Answer, TooLarge>> {
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|it| it.to_str().ok()?.parse().ok());
    match read_body(&mut response, max).await {
        Body::Whole(body) => Some(Ok(Answer { status, body, retry_after })),
        // What goes wrong may say so at any length.
        Body::Cut(body) if !response.status().is_success() => Some(Ok(Answer { status, body, retry_after })),
        Body::Cut(_) => Some(Err(TooLarge)),
        Body::Broken(_) => None,
    }
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn is_fault(&self) -> bool {
        matches!(self.status, 500 | 502 | 503 | 504)
    }

    /// Reads the JSON of a success.
    ///
    /// # Errors
    /// When it is none, or lacks something.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        serde_json::from_slice(&self.body).map_err(|_| garbled("it is not the JSON of such a service"))
    }

    pub(super) fn refusal(&self) -> Refusal {
        let told: Told = serde_json::from_slice(&self.body).unwrap_or_default();
        Refusal::of(&format!("{} {}", told.msg, told.message))
    }

    /// Says what an answer means that is no success; `denied`: what was not allowed, in case of that.
    pub(super) fn error(&self, denied: &str) -> StoreError {
        match (self.refusal(), self.status) {
            (Refusal::Full, _) => full(),
            (Refusal::ReadDenied | Refusal::WriteDenied, _) | (_, 403) => {
                StoreError::Denied(denied.to_owned())
            }
            (_, 401) => StoreError::Denied("it does not accept this job's cache token".to_owned()),
            (_, 429) => StoreError::Unreachable(match self.retry_after {
                Some(seconds) => format!("it has had too many requests, and asks to wait {seconds} s"),
                None => "it has had too many requests".to_owned(),
            }),
            (_, status @ 500..) => StoreError::Unreachable(format!("it answers {status}")),
            (_, status) => garbled(&format!("it answers {status}")),
        }
    }
}

impl Refusal {
    /// Reads what a service says in words, which differ from place to place but for these.
    pub(super) fn of(message: &str) -> Self {
        let has = |text| message.contains(text);
        match () {
            () if has("cache write denied:") => Self::WriteDenied,
            () if has("cache read denied:") => Self::ReadDenied,
            () if has("insufficient usage") => Self::Full,
            () => Self::Other,
        }
    }
}

pub(super) fn garbled(why: &str) -> StoreError {
    StoreError::Garbled(why.to_owned())
}

pub(super) fn full() -> StoreError {
    StoreError::Denied("the repository's cache is full".to_owned())
}

/// Returns the header for a token, which nothing prints.
pub(super) fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Up to a quarter longer, so that those who failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let [byte] = random::<1>().unwrap_or_default();
    pause + pause * u32::from(byte) / 1024
}

/// Hides each signature as it stands in the address, and decoded.
fn hide_signatures(url: &Url, masks: &Masks) {
    for pair in url.query().unwrap_or_default().split('&') {
        let Some((name, raw)) = pair.split_once('=') else { continue };
        let signs = name == "sig" || raw.len() >= SHORTEST_SIGNATURE;
        for (_, decoded) in form_urlencoded::parse(pair.as_bytes()).filter(|_| signs) {
            masks.hide(raw);
            masks.hide(&decoded);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;
    use crate::job::Hidden;

    #[test]
    fn signatures_are_hidden_as_they_stand_and_decoded() {
        let hidden = Rc::new(RefCell::new(Vec::new()));
        let there = Rc::clone(&hidden);
        let masks = Masks::new(Hidden::All, move |texts| {
            there.borrow_mut().extend(texts.iter().map(|it| (*it).to_owned()))
        });
        let url = "https://a.blob/b?se=2026&sig=a%2Fb%3D&x=&X-Other-Signature=0123456789abcdef0123&flag";
        hide_signatures(&Url::parse(url).unwrap(), &masks);
        let other = "0123456789abcdef0123";
        assert_eq!(*hidden.borrow(), ["a%2Fb%3D", "a/b=", other, other]);
    }

    #[test]
    fn what_a_service_says_is_judged_by_its_own_words() {
        let table = [
            ("cache write denied: x", Refusal::WriteDenied),
            ("x (403): cache read denied: y", Refusal::ReadDenied),
            ("insufficient usage", Refusal::Full),
            ("already exists", Refusal::Other),
            ("", Refusal::Other),
        ];
        for (message, expected) in table {
            assert_eq!(Refusal::of(message), expected, "{message}");
        }
    }
}
