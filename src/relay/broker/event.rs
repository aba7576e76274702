//! What happens at the broker, one line each, without secrets.

use std::fmt;

use super::{Failure, Refusal, Why};
use crate::job::Level;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A client got the current token.
    Answered,
    /// A client got no token.
    Failed(Failure),
    /// A client waited long enough and got the token that there was.
    AnsweredInTime,
    /// A request was not taken.
    Refused(Refusal),
    /// A revocation was answered and dropped.
    RevocationDropped,
    /// An exchange is needed.
    Ordered(Why),
    /// The slot has another token now.
    Renewed,
}

impl Event {
    /// Returns how much it matters.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::Failed(_) | Self::Refused(_) => Level::Warning,
            Self::Answered | Self::AnsweredInTime | Self::RevocationDropped => Level::Detail,
            Self::Ordered(_) | Self::Renewed => Level::Detail,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered => write!(out, "broker: a client got the current token"),
            Self::AnsweredInTime => {
                write!(out, "broker: a client got the token that there was; the exchange goes on")
            }
            Self::Failed(failure) => write!(out, "broker: a client got no token: {failure}"),
            Self::Refused(refusal) => write!(out, "broker: a request was refused: {refusal}"),
            Self::RevocationDropped => write!(out, "broker: a revocation was answered and dropped"),
            Self::Ordered(Why::Due) => write!(out, "broker: the token ends soon"),
            Self::Ordered(Why::Refused) => write!(out, "broker: the token was refused"),
            Self::Renewed => write!(out, "broker: the slot has another token"),
        }
    }
}
