//! What to answer. Pure: the time and what happened so far are passed in.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Codex asks when less than this is left; what we hand out lasts longer, or it would ask again at once.
const CLIENTS_MARGIN: TimeDelta = TimeDelta::seconds(300);
/// A token that was just renewed and is refused all the same is not renewed again for this long.
const PAUSE: Duration = Duration::from_secs(60);

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A token that lasts: its own ends soon.
    BeforeExpiry,
    /// Another token: its own was refused, however fresh it looks.
    AfterRefusal,
    /// It does not say. Older clients ask near the end of a token, or after a refusal.
    Unexplained,
}

/// Why an exchange is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The current token ends soon.
    Due,
    /// The current token was refused.
    Refused,
}

/// What to do for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Answer from the current token.
    Answer,
    /// Let it wait for an exchange.
    Exchange(Why),
}

/// What is known of the current token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// When it ends, if it says so.
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// Whether a client may have it already: it is in the home, or it was an answer.
    pub(super) handed_out: bool,
    /// How long ago it came from an exchange, if one was made here.
    pub(super) age: Option<Duration>,
}

impl Known {
    /// Decides for a request.
    pub(super) fn decide(&self, asked: Asked, now: DateTime<Utc>) -> Decision {
        let is_fresh = self.left(now).is_none_or(|left| left > CLIENTS_MARGIN);
        let is_young = self.age.is_some_and(|age| age < PAUSE);
        match asked {
            _ if !(is_fresh || is_young && self.is_valid(now)) => Decision::Exchange(Why::Due),
            Asked::BeforeExpiry => Decision::Answer,
            // Nobody has it yet, so it is not what was refused.
            _ if !self.handed_out || is_young => Decision::Answer,
            Asked::AfterRefusal | Asked::Unexplained => Decision::Exchange(Why::Refused),
        }
    }

    /// Whether the token can be used at all.
    pub(super) fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.left(now).is_none_or(|left| left > TimeDelta::zero())
    }

    fn left(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.expires_at.map(|at| at - now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decides_as_the_table_says() {
        use Asked::{AfterRefusal, BeforeExpiry};
        let (answer, due, refused) =
            (Decision::Answer, Decision::Exchange(Why::Due), Decision::Exchange(Why::Refused));
        let now = DateTime::UNIX_EPOCH;
        // Left in seconds, handed out, age in seconds; before expiry, after a refusal.
        let table = [
            (Some(301), true, None, answer, refused),
            (Some(300), true, None, due, due),
            (Some(1), true, None, due, due),
            (Some(-1), false, None, due, due),
            (None, true, None, answer, refused),
            (Some(3600), false, Some(600), answer, answer),
            (Some(3600), true, Some(59), answer, answer),
            (Some(3600), true, Some(60), answer, refused),
            // A token that is made short is not asked for again and again.
            (Some(200), true, Some(5), answer, answer),
            (Some(200), true, Some(60), due, due),
            (Some(0), true, Some(5), due, due),
        ];
        for (left, handed_out, age, before_expiry, after_refusal) in table {
            let known = Known {
                expires_at: left.map(|left| now + TimeDelta::seconds(left)),
                handed_out,
                age: age.map(Duration::from_secs),
            };
            assert_eq!(known.decide(BeforeExpiry, now), before_expiry, "{known:?}");
            assert_eq!(known.decide(AfterRefusal, now), after_refusal, "{known:?}");
            assert_eq!(known.decide(Asked::Unexplained, now), after_refusal, "{known:?}");
        }
    }
}
