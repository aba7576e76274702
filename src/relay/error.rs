//! Why the relay stopped. In every case the store and the home hold what they held, unless a variant says otherwise.

use chrono::{DateTime, Utc};

use crate::authority::RefusalKind;
use crate::baton::{DeadReason, OpenError};
use crate::credential::{NotFull, ParseError, Unusable};
use crate::home::HomeError;
use crate::job::NoRandomness;
use crate::policy::GateError;
use crate::store::StoreError;
use crate::transport::TransportError;

/// An operation of the relay failed.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The home, or the state directory, could not be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the store holds cannot be opened.
    #[error("the slot's content cannot be opened")]
    Sealed(#[from] OpenError),
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The slot holds nothing.
    #[error("the slot holds no login")]
    SlotEmpty,
    /// This machine has spent the token that the slot holds: an old baton has come back.
    #[error("this machine has spent the slot's token before: an old baton has come back")]
    RolledBack,
    /// The slot's refresh token is dead.
    #[error("the login is dead: {0}")]
    Dead(DeadReason),
    /// The authority refused without a reason a short while ago.
    #[error("the authority refused the login without saying why; nobody asks again before {}", .0.format("%H:%M:%S UTC"))]
    Suspect(DateTime<Utc>),
    /// Somebody else has the lease for longer than we may wait.
    #[error("the slot was leased by {owner} for {} s", .waited.as_secs())]
    LeaseTimeout {
        /// Who has it.
        owner: String,
        /// How long we waited.
        waited: std::time::Duration,
    },
    /// This run may not write the store.
    #[error("this run may not write the store: {0}")]
    ReadOnly(String),
    /// The store does not exclude two writers.
    #[error("the store does not keep two jobs from writing at once")]
    NotExclusive,
    /// The policy does not allow the login, or cannot be decided. It was not placed and nothing was spent.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The exchange failed.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// A signal came before anything was spent; it is obeyed as soon as the lease is handed back.
    #[error("interrupted before anything was sent")]
    Interrupted,
    /// Signals cannot be deferred, so nothing may be spent.
    #[error("signals cannot be deferred")]
    Signals(#[source] std::io::Error),
    /// The slot changed under us again and again.
    #[error("the slot kept changing")]
    Restless,
    /// The store no longer has a slot that it had a moment ago.
    #[error("the slot is not in the store any more")]
    SlotGone,
    /// A seed of another account.
    #[error("the seed belongs to another account than the slot's login")]
    AccountChange,
    /// The slot remembers as many seeds as it can.
    #[error("the slot remembers as many seeds as it can")]
    TooManySeeds,
    /// A login in the home that we did not place.
    #[error("the home has a login that authbaton did not place")]
    HomeOccupied,
    /// A login is not newer than what the slot was seeded with, or does not say when it was issued.
    #[error("the login is not newer than the slot's")]
    NotNewer,
    /// The access token does not last long enough.
    #[error("the access token lasts {left} s, and {wanted} s are needed")]
    TooShort {
        /// Seconds left.
        left: i64,
        /// Seconds needed.
        wanted: i64,
    },
    /// The access token does not say when it ends, and a lifetime was demanded.
    #[error("the access token does not say when it ends")]
    UnknownEnd,
    /// What the slot holds must be exchanged before anyone relies on it.
    #[error("the login in the slot must be refreshed before it is used")]
    Unproven,
    /// The home has no credential.
    #[error("the home has no login")]
    NoLogin,
    /// The home's file cannot be read.
    #[error("the home's auth.json cannot be read: {0}")]
    Unparsable(ParseError),
    /// The home's file has no usable credential.
    #[error("the home's auth.json has no usable credential: {0}")]
    Unusable(Unusable),
    /// The home's credential is no full login.
    #[error("the home has no full login: {0}")]
    NotFull(NotFull),
    /// A home without a store, and its file is access-only: somebody else holds the login.
    #[error("the home has an access-only file, and no store is given that could renew it")]
    HolderElsewhere,
    /// Renewed in a home that is the holder, and its `auth.json` could not be replaced: the new token is only beside it.
    #[error("the login was renewed, but is only in `{}`", kept.display())]
    NotPlaced {
        /// Why `auth.json` could not be replaced.
        source: HomeError,
        /// Where the renewed login is, whole.
        kept: std::path::PathBuf,
    },
    /// The home's token was spent for a reply that could not be used. Nothing was sent.
    #[error("the home's token was spent for the reply in `{}`, which could not be used", .0.display())]
    ReplyKept(std::path::PathBuf),
    /// Renewed in a home that is the holder, and nothing there could be written: the new token is gone.
    #[error("the login was renewed, and neither auth.json nor a file beside it could be written")]
    Lost(#[source] HomeError),
    /// Rotated, and the store does not take it: the new token is only here.
    #[error("the login was renewed, but could not be stored: {cause}")]
    NotStored {
        /// Why the store did not take it.
        cause: Box<RelayError>,
        /// Where the sealed reply lies, if it could be written.
        journal: Option<std::path::PathBuf>,
        /// The sealed reply, for a person to keep.
        rescue: String,
    },
}

/// An exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The HTTP client cannot be made. Nothing was sent.
    #[error(transparent)]
    Client(#[from] TransportError),
    /// The authority cannot be reached, or is busy. The login is as good as before.
    #[error("the authority could not be asked ({0})")]
    Unreachable(RefusalKind),
    /// The authority was asked, and nobody knows what came of it.
    #[error("the authority did not answer ({0}); whether the login was renewed is unknown")]
    Unclear(RefusalKind),
    /// The authority refuses the request, not the login.
    #[error("the authority refused the request ({0})")]
    Refused(RefusalKind),
    /// The authority says that the login is dead.
    #[error("the login is dead: {0}")]
    Dead(DeadReason),
    /// The authority refused without a reason.
    #[error("the authority refused the login without saying why")]
    Unauthorized,
    /// The reply cannot be read.
    #[error("the authority's reply has no tokens in it")]
    Unreadable,
    /// The reply must not be used.
    #[error("the authority's reply was refused: {0}")]
    ReplyRefused(crate::credential::Refused),
    /// The reply has a refresh token that had its turn already.
    #[error("the authority's reply was refused: its refresh token was spent before")]
    ReplySpent,
}

impl RelayError {
    /// Returns whether the same may go well a little later, so that a token that still lasts is good enough until then.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Exchange(error) => !matches!(
                error,
                ExchangeError::Dead(_) | ExchangeError::ReplyRefused(_) | ExchangeError::ReplySpent
            ),
            // A store that takes no write says so at the lease: nothing was spent.
            Self::Store(StoreError::Denied(_))
            | Self::LeaseTimeout { .. }
            | Self::ReadOnly(_)
            | Self::NotExclusive
            | Self::Suspect(_) => true,
            _ => false,
        }
    }
}
