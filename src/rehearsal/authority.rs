//! The handle to a running authority: starts it, scripts it, holds it up, asks it what it saw, and stops it.
//!
//! The authority has a thread and a runtime of its own, so blocking code can use it, and a client may run on any
//! runtime. All methods take `&self` and may be called from several threads.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::behaviour::{Fault, Paced};
use super::login::{Account, IssueOptions};
use super::received::{Endpoint, Received};
use super::server;
use super::state::{Gate, Shared, State};
use crate::job::{Clock as _, Loopback, SystemClock, free_port};

/// Tells the authority the time. It is asked on several threads.
pub type TimeSource = Box<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// How an authority is set up.
pub struct Settings {
    /// The time, for `iat`, `exp`, `last_refresh` and the log.
    pub now: TimeSource,
    /// How long the access tokens of exchanges are good for: negative has expired already, `None` claims no `exp`.
    pub access_lifetime: Option<TimeDelta>,
    /// What random refresh tokens begin with.
    pub refresh_prefix: String,
}

impl Default for Settings {
    /// The machine's time, ten days and `rt_`, as the real authority has it.
    fn default() -> Self {
        Self {
            now: Box::new(|| SystemClock.now()),
            access_lifetime: Some(TimeDelta::days(10)),
            refresh_prefix: "rt_".into(),
        }
    }
}

/// An OAuth authority on a free loopback port, with a thread of its own. It stops when it is dropped.
pub struct Authority {
    address: SocketAddr,
    shared: Arc<Shared>,
    _loopback: Loopback,
}

impl Authority {
    /// Starts an authority that knows no login yet.
    ///
    /// # Errors
    /// When there is no port, thread or randomness to be had.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(settings)?);
        let (listener, address) = free_port()?;
        let router = server::router(Arc::clone(&shared));
        let loopback = Loopback::serve("rehearsal-authority", listener, router, server::GRACE)?;
        Ok(Self { address, shared, _loopback: loopback })
    }

    /// Returns its base, `http://127.0.0.1:PORT`. The endpoints are `/oauth/token` and `/oauth/revoke`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Opens a new login and returns its `auth.json` as Codex writes it.
    ///
    /// # Errors
    /// When the refresh token of `options` was given out before, or there is no randomness.
    pub fn issue(&self, account: &Account, options: &IssueOptions) -> io::Result<String> {
        self.shared.issue(account, options)
    }

    /// Appends to the script: each exchange that is in order takes one behaviour from its front, when it arrives.
    pub fn script(&self, behaviour: impl Into<Paced>) {
        self.shared.lock().script.push_back(behaviour.into());
    }

    /// Sets what happens once the script is empty. At first that is [`Behaviour::Honest`](super::Behaviour::Honest).
    pub fn always(&self, behaviour: impl Into<Paced>) {
        self.shared.lock().default = behaviour.into();
    }

    /// Lets one revocation fail, which then ends no login. Several of them queue up.
    pub fn fail_revocation(&self, fault: impl Into<Fault>) {
        self.shared.lock().revocation_faults.push_back(fault.into());
    }

    /// Sets how long the access tokens of later exchanges are good for, as in [`Settings::access_lifetime`].
    pub fn set_access_lifetime(&self, lifetime: Option<TimeDelta>) {
        self.shared.lock().access_lifetime = lifetime;
    }

    /// Lets requests wait, from now on, after they have arrived and before anything happens to their token.
    ///
    /// Neither a hold nor a fault ends because the client goes away: a request that was held is done on release.
    pub fn hold(&self) {
        self.shared.gate.send_replace(Gate::BeforeWork);
    }

    /// Lets requests wait, from now on, after something has happened to their token and before the reply. Requests
    /// that [`hold`](Self::hold) holds go on until there.
    pub fn hold_replies(&self) {
        self.shared.gate.send_replace(Gate::BeforeReply);
    }

    /// Lets all requests go on.
    pub fn release(&self) {
        self.shared.gate.send_replace(Gate::Open);
    }

    /// Returns all requests that have arrived, in this order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.lock().log.clone()
    }

    /// Returns how many requests for an exchange have arrived, good and bad.
    #[must_use]
    pub fn posts(&self) -> usize {
        posts(&self.shared.lock())
    }

    /// Returns how often a refresh token was rotated, whether or not anyone was told.
    #[must_use]
    pub fn exchanges(&self) -> usize {
        self.shared.lock().ledger.exchanges()
    }

    /// Returns whether `refresh_token` could be exchanged now: its login lives, and it is the newest one.
    #[must_use]
    pub fn is_alive(&self, refresh_token: &str) -> bool {
        self.shared.lock().ledger.is_alive(refresh_token)
    }

    /// Returns every token that was ever given out or lost, so that a test can look for them where none may be.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.shared.lock().secrets.clone()
    }

    /// Blocks until `count` requests for an exchange have arrived since the start. Returns whether they have.
    #[must_use]
    pub fn wait_for_posts(&self, count: usize, timeout: Duration) -> bool {
        self.shared.wait_until(timeout, |state| posts(state) >= count)
    }

    /// Blocks until there were `count` rotations since the start. Returns whether there were.
    #[must_use]
    pub fn wait_for_exchanges(&self, count: usize, timeout: Duration) -> bool {
        self.shared.wait_until(timeout, |state| state.ledger.exchanges() >= count)
    }
}

fn posts(state: &State) -> usize {
    state.log.iter().filter(|received| received.endpoint == Endpoint::Token).count()
}
