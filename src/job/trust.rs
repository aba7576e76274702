//! How far a job is to be trusted, by what its platform says of it. Only the GitHub Action judges more (`github/events.rs`).
//!
//! A guard against accidents, not against the job: it can set any variable before it calls us. What really keeps a login
//! from a job that is not trusted is the platform, which does not give it the seal key (`docs/security.md`).

/// What a job may do to a store, whatever the store itself would allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// The platform says nothing that this program could go by: the store decides.
    #[default]
    Unknown,
    /// The platform protects what the job runs on: the store decides.
    Protected,
    /// It may use the login, and write no store: nothing is seeded, leased or renewed.
    ReadOnly {
        /// Why, and what a person can do.
        reason: &'static str,
    },
}

impl Trust {
    /// Returns why the job may write no store; `None` where it is for the store to say.
    #[must_use]
    pub fn read_only(self) -> Option<&'static str> {
        match self {
            Self::Unknown | Self::Protected => None,
            Self::ReadOnly { reason } => Some(reason),
        }
    }
}
