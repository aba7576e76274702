//! Everything that the authority can be told to do wrong, as data.
//!
//! An exchange has two halves, rotating the token and telling so, and each can fail without the other. A
//! [`Behaviour`] says which halves happen, a [`Fault`] or a [`Twist`] how the second one goes wrong, and a [`Paced`]
//! when they happen.

use std::time::Duration;

/// What the authority does with one exchange that is otherwise in order.
///
/// A request that is malformed is refused without looking at the behaviour, which then waits for the next one. A token
/// that is not good is refused by every behaviour but [`Failing`](Self::Failing), which never looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Rotates the refresh token and gives the new tokens.
    Honest,
    /// Gives a new access token, but no new refresh token: the presented one stays good.
    Keeping,
    /// Fails without having done anything.
    Failing(Fault),
    /// Rotates the refresh token and then fails: the new tokens never reach anyone.
    Losing(Fault),
    /// Rotates the refresh token and gives a reply that is wrong or unusual in one respect.
    Twisted(Twist),
}

impl Behaviour {
    /// Waits for `delay` before anything happens.
    #[must_use]
    pub fn delayed(self, delay: Duration) -> Paced {
        Paced { before: delay, ..self.into() }
    }

    /// Waits for `delay` between what happens to the token and the reply.
    #[must_use]
    pub fn replying_after(self, delay: Duration) -> Paced {
        Paced { after: delay, ..self.into() }
    }
}

/// A behaviour and how long it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paced {
    /// The wait before anything happens.
    pub before: Duration,
    /// What happens.
    pub behaviour: Behaviour,
    /// The wait before the reply.
    pub after: Duration,
}

impl From<Behaviour> for Paced {
    fn from(behaviour: Behaviour) -> Self {
        Self { before: Duration::ZERO, behaviour, after: Duration::ZERO }
    }
}

/// A way not to get a usable reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An error reply.
    Refusal(Refusal),
    /// A 307 to another path of this authority. Whoever follows it is logged as [`Endpoint::Other`](super::Endpoint).
    Redirect,
    /// The connection is closed without a single byte of a reply.
    HangUp,
    /// Headers with status 200 and the beginning of the body arrive, then the connection is closed.
    CutShort,
    /// No reply ever, on an open connection.
    Silence,
    /// 200 with an empty body.
    Empty,
    /// 200 with a page of HTML, as a captive proxy sends it.
    NotJson,
    /// 200 with a whole body that is the beginning of a JSON object.
    TruncatedJson,
    /// 200 with a JSON object of more than 64 KiB.
    Oversized,
}

/// One respect in which a reply differs from the honest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twist {
    /// Status 201, which is a success like 200.
    Created,
    /// Both JWTs are of another account (`account-other`) of the same user.
    OtherAccount,
    /// Both JWTs are of another user (`user-other`) of the same account.
    OtherUser,
    /// The refresh token is `""`.
    EmptyRefreshToken,
    /// The refresh token was rotated, but is left out.
    NoRefreshToken,
    /// The access token is left out.
    NoAccessToken,
    /// The access token is the one that was given out before.
    SameAccessToken,
    /// The id token is left out.
    NoIdToken,
    /// The id token is no JWT.
    IdTokenNotJwt,
}

/// An error reply: `{"error":{"code":…,"message":…,"type":…}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The machine-readable code, such as `invalid_grant`.
    pub code: String,
    /// Seconds for a `Retry-After` header.
    pub retry_after: Option<u32>,
}

impl Refusal {
    /// Returns a refusal without `Retry-After`.
    #[must_use]
    pub fn new(status: u16, code: impl Into<String>) -> Self {
        Self { status, code: code.into(), retry_after: None }
    }

    /// Adds a `Retry-After` header.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}
