//! When a login is due for an exchange, and why. A reason, not a yes or no, because people read it.

use chrono::{DateTime, TimeDelta, Utc};

use super::AccessClaims;

/// Codex refreshes by itself when less is left (observed with 0.169.0): we must always be earlier.
const CODEX_MARGIN: TimeDelta = TimeDelta::seconds(300);
/// The default margin, unless half of the lifetime is less.
const DEFAULT_MARGIN: TimeDelta = TimeDelta::hours(24);
/// Codex's rule for a token without `exp`: due when the last refresh is older.
const MAX_AGE_WITHOUT_EXPIRY: TimeDelta = TimeDelta::days(8);

/// How long an access token lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// `exp`, when the token has one.
    pub expires_at: Option<DateTime<Utc>>,
    /// `iat`, else the last refresh.
    pub issued_at: Option<DateTime<Utc>>,
    /// `last_refresh` of the file.
    pub last_refresh: Option<DateTime<Utc>>,
}

/// How early before its end a token is renewed (`--refresh-before-expiry`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Margin {
    /// The smaller of 24 hours and half of the token's lifetime.
    #[default]
    Default,
    /// As said.
    Fixed(TimeDelta),
}

/// Whether an exchange is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing to do.
    Fresh,
    /// An exchange is due.
    Due(Due),
}

/// Why an exchange is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The access token has ended.
    Expired {
        /// When it ended.
        at: DateTime<Utc>,
    },
    /// The access token ends within the margin.
    ExpiresSoon {
        /// When it ends.
        at: DateTime<Utc>,
        /// The margin in force.
        margin: TimeDelta,
    },
    /// The token says nothing of its end, and the last refresh is more than eight days ago.
    Stale {
        /// The last refresh.
        since: DateTime<Utc>,
    },
    /// The result in the slot was stored over somebody else's lease: only an exchange proves that it lives.
    Unproven,
    /// The access token was refused where it was used, however fresh it looks.
    Refused,
    /// Somebody asked for it.
    Forced,
}

impl Lifetime {
    pub(super) fn new(claims: &AccessClaims, last_refresh: Option<DateTime<Utc>>) -> Self {
        let issued_at = claims.issued_at.or(last_refresh);
        Self { expires_at: claims.expires_at, issued_at, last_refresh }
    }

    /// Decides whether an exchange is due at `now`. A token without `exp` and without a last refresh never is, as with
    /// Codex.
    #[must_use]
    pub fn freshness(&self, now: DateTime<Utc>, margin: Margin) -> Freshness {
        let Some(at) = self.expires_at else {
            return match self.last_refresh {
                Some(since) if now - since > MAX_AGE_WITHOUT_EXPIRY => Freshness::Due(Due::Stale { since }),
                _ => Freshness::Fresh,
            };
        };
        let margin = self.margin(at, margin);
        match at - now {
            left if left <= TimeDelta::zero() => Freshness::Due(Due::Expired { at }),
            left if left <= margin => Freshness::Due(Due::ExpiresSoon { at, margin }),
            _ => Freshness::Fresh,
        }
    }

    /// Returns from when on an exchange is due; `None` when it never is.
    #[must_use]
    pub fn due_from(&self, margin: Margin) -> Option<DateTime<Utc>> {
        match self.expires_at {
            Some(at) => at.checked_sub_signed(self.margin(at, margin)),
            None => self.last_refresh?.checked_add_signed(MAX_AGE_WITHOUT_EXPIRY),
        }
    }

    fn margin(&self, expires_at: DateTime<Utc>, margin: Margin) -> TimeDelta {
        let wanted = match (margin, self.issued_at) {
            (Margin::Fixed(wanted), _) => wanted,
            (Margin::Default, Some(issued_at)) => DEFAULT_MARGIN.min((expires_at - issued_at) / 2),
            (Margin::Default, None) => DEFAULT_MARGIN,
        };
        wanted.max(CODEX_MARGIN)
    }

    /// Returns how much of the access token is left at `now`; zero when it has ended, `None` when it does not say.
    #[must_use]
    pub fn left(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.expires_at.map(|at| (at - now).max(TimeDelta::zero()))
    }
}

impl std::fmt::Display for Due {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |at: &DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        match self {
            Self::Expired { at } => write!(out, "the access token ended at {}", text(at)),
            Self::ExpiresSoon { at, margin } => {
                write!(out, "the access token ends at {}, within {} s", text(at), margin.num_seconds())
            }
            Self::Stale { since } => write!(out, "the last refresh was at {}, over 8 days ago", text(since)),
            Self::Unproven => write!(out, "the stored result has not been proven yet"),
            Self::Refused => write!(out, "the access token was refused"),
            Self::Forced => write!(out, "it was asked for"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn lifetime(exp: Option<i64>, iat: Option<i64>, last_refresh: Option<i64>) -> Lifetime {
        let claims =
            AccessClaims { expires_at: exp.map(at), issued_at: iat.map(at), ..AccessClaims::default() };
        Lifetime::new(&claims, last_refresh.map(at))
    }

    #[test]
    fn due_by_the_clock() {
        const DAY: i64 = 86_400;
        let hours = |n| Margin::Fixed(TimeDelta::hours(n));
        // exp, iat, last_refresh, margin → how many seconds before exp the exchange is due
        let table = [
            (10 * DAY, Some(0), Some(0), Margin::Default, DAY),
            (DAY, Some(0), Some(0), Margin::Default, DAY / 2),
            (DAY, None, Some(0), Margin::Default, DAY / 2),
            (10 * DAY, None, None, Margin::Default, DAY),
            (400, Some(0), Some(0), Margin::Default, 300),
            (10 * DAY, Some(0), Some(0), hours(1), 3600),
            (10 * DAY, Some(0), Some(0), hours(0), 300),
            (-60, Some(0), Some(0), Margin::Default, 300),
        ];
        for (exp, iat, last_refresh, margin, expected) in table {
            let lifetime = lifetime(Some(exp), iat, last_refresh);
            assert_eq!(
                lifetime.freshness(at(exp - expected - 1), margin),
                Freshness::Fresh,
                "{exp} {margin:?}"
            );
            let due = Due::ExpiresSoon { at: at(exp), margin: TimeDelta::seconds(expected) };
            assert_eq!(
                lifetime.freshness(at(exp - expected), margin),
                Freshness::Due(due),
                "{exp} {margin:?}"
            );
            assert_eq!(lifetime.freshness(at(exp), margin), Freshness::Due(Due::Expired { at: at(exp) }));
            assert_eq!(lifetime.due_from(margin), Some(at(exp - expected)), "{exp} {margin:?}");
        }
    }

    #[test]
    fn without_expiry_eight_days_count() {
        const EIGHT_DAYS: i64 = 8 * 86_400;
        let token = lifetime(None, None, Some(0));
        assert_eq!(token.due_from(Margin::Default), Some(at(EIGHT_DAYS)));
        assert_eq!(lifetime(None, None, None).due_from(Margin::Default), None);
        assert_eq!(token.freshness(at(EIGHT_DAYS), Margin::Default), Freshness::Fresh);
        assert_eq!(
            token.freshness(at(EIGHT_DAYS + 1), Margin::Default),
            Freshness::Due(Due::Stale { since: at(0) })
        );
        assert_eq!(
            lifetime(None, None, None).freshness(at(EIGHT_DAYS * 9), Margin::Default),
            Freshness::Fresh
        );
    }
}
