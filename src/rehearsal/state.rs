//! What the endpoints and the handle share: the ledger, the script and the log behind one lock, and the gate.
//!
//! A request goes through it twice. It is admitted when it arrives, which fixes its place in the log and its share of
//! the script, and settled when its time has come, which changes the ledger and decides the reply in one step.

use std::collections::VecDeque;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use tokio::sync::watch;

use super::answer::Grant;
use super::authority::{Settings, TimeSource};
use super::behaviour::{Behaviour, Fault, Paced, Refusal, Twist};
use super::ledger::Ledger;
use super::login::{self, Account, IssueOptions, Tokens};
use super::received::{Endpoint, Outcome, Received};
use super::request;
use super::token::{Mint, Span};
use crate::job::random;

/// Where requests are made to wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    Open,
    /// Before anything happens to their token.
    BeforeWork,
    /// After that, before the reply.
    BeforeReply,
}

/// What has to be done about a request that has arrived, and how long that takes.
pub(super) struct Errand {
    entry: usize,
    work: Work,
    pub(super) before: Duration,
    pub(super) after: Duration,
}

enum Work {
    Refuse(Refusal),
    Exchange(String, Behaviour),
    Revoke(String, Option<Fault>),
}

pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    pub(super) gate: watch::Sender<Gate>,
    mint: Mint,
    now: TimeSource,
    refresh_prefix: String,
}

pub(super) struct State {
    pub(super) ledger: Ledger,
    pub(super) script: VecDeque<Paced>,
    pub(super) default: Paced,
    pub(super) revocation_faults: VecDeque<Fault>,
    pub(super) access_lifetime: Option<TimeDelta>,
    pub(super) log: Vec<Received>,
    pub(super) secrets: Vec<String>,
}

impl Shared {
    pub(super) fn new(settings: Settings) -> io::Result<Self> {
        let state = State {
            ledger: Ledger::default(),
            script: VecDeque::new(),
            default: Behaviour::Honest.into(),
            revocation_faults: VecDeque::new(),
            access_lifetime: settings.access_lifetime,
            log: Vec::new(),
            secrets: Vec::new(),
        };
        Ok(Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            gate: watch::Sender::new(Gate::Open),
            mint: Mint::new(random().map_err(io::Error::other)?),
            now: settings.now,
            refresh_prefix: settings.refresh_prefix,
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `condition` holds. Returns whether it does.
    pub(super) fn wait_until(&self, timeout: Duration, condition: impl Fn(&State) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), timeout, |state| !condition(state));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Waits while the gate is closed at `position`.
    pub(super) async fn pass(&self, position: Gate) {
        // The gate lives as long as `self`, so the wait cannot fail.
        self.gate.subscribe().wait_for(|gate| *gate != position).await.ok();
    }

    /// Opens a login and returns its `auth.json`.
    pub(super) fn issue(&self, account: &Account, options: &IssueOptions) -> io::Result<String> {
        let now = (self.now)();
        let from_now = |delta: TimeDelta| now.checked_add_signed(delta);
        let issued = options.issued.and_then(from_now);
        let span = Span { issued, expires: options.lifetime.and_then(from_now) };
        let (id_token, access_token) = self.mint(account, span)?;
        let refresh_token = match &options.refresh_token {
            Some(text) => text.clone(),
            None => self.refresh_token()?,
        };
        let mut state = self.lock();
        state
            .ledger
            .open(account.clone(), refresh_token.clone(), access_token.clone())
            .map_err(io::Error::other)?;
        let tokens = Tokens {
            id_token: &id_token,
            access_token: &access_token,
            refresh_token: &refresh_token,
            account_id: &account.account_id,
        };
        let text = login::auth_json(tokens, issued.unwrap_or(now))?;
        state.secrets.extend([id_token, access_token, refresh_token]);
        Ok(text)
    }

    /// Logs a request and decides what to do about it, so that the script follows the order of arrival.
    pub(super) fn admit(&self, endpoint: Endpoint, headers: &HeaderMap, body: &[u8]) -> Errand {
        let (received, in_order) = request::examine(endpoint, (self.now)(), headers, body);
        let mut state = self.lock();
        let mut errand = Errand {
            entry: state.log.len(),
            work: Work::Refuse(match endpoint {
                Endpoint::Other => Refusal::new(404, "not_found"),
                Endpoint::Token | Endpoint::Revoke => Refusal::invalid_request(),
            }),
            before: Duration::ZERO,
            after: Duration::ZERO,
        };
        if let (true, Some(token)) = (in_order, received.token.clone()) {
            if endpoint == Endpoint::Revoke {
                errand.work = Work::Revoke(token, state.revocation_faults.pop_front());
            } else {
                let paced = state.script.pop_front().unwrap_or_else(|| state.default.clone());
                let work = Work::Exchange(token, paced.behaviour);
                errand = Errand { work, before: paced.before, after: paced.after, ..errand };
            }
        }
        state.log.push(received);
        drop(state);
        self.changed.notify_all();
        errand
    }

    /// Does what an errand asks for. Returns what the client shall see; `None` is nothing, ever.
    pub(super) fn settle(&self, errand: Errand) -> Option<Response> {
        let mut state = self.lock();
        let (outcome, response) = match errand.work {
            Work::Refuse(refusal) => refuse(refusal),
            Work::Revoke(_, Some(fault)) => fail(fault),
            Work::Revoke(token, None) => {
                let known = state.ledger.revoke(&token);
                (if known { Outcome::Revoked } else { Outcome::Ignored }, Some(Response::default()))
            }
            Work::Exchange(_, Behaviour::Failing(fault)) => fail(fault),
            Work::Exchange(token, behaviour) => self
                .exchange(&mut state, &token, behaviour)
                .unwrap_or_else(|_| refuse(Refusal::server_error())),
        };
        if let Some(entry) = state.log.get_mut(errand.entry) {
            entry.outcome = outcome;
        }
        drop(state);
        self.changed.notify_all();
        response
    }

    fn exchange(&self, state: &mut State, token: &str, behaviour: Behaviour) -> io::Result<Settled> {
        let successor = self.refresh_token()?;
        let keeping = behaviour == Behaviour::Keeping;
        let granted =
            if keeping { state.ledger.keep(token) } else { state.ledger.rotate(token, successor.clone()) };
        let family = match granted {
            Ok(family) => family,
            Err(denial) => return Ok(refuse(denial.into())),
        };

        let now = (self.now)();
        let lifetime = state.access_lifetime;
        let span = Span {
            issued: Some(now),
            expires: lifetime.and_then(|lifetime| now.checked_add_signed(lifetime)),
        };
        let (id_token, access_token) = self.mint(&whose(&family.account, &behaviour), span)?;
        state.secrets.extend([id_token.clone(), access_token.clone()]);
        let previous = std::mem::replace(&mut family.access_token, access_token.clone());
        let mut grant = Grant {
            status: StatusCode::OK,
            id_token: Some(id_token),
            access_token: Some(access_token),
            refresh_token: None,
            token_type: "Bearer",
            scope: "openid profile email offline_access",
            expires_in: lifetime.map(|lifetime| lifetime.num_seconds().max(0)),
        };
        if !keeping {
            state.secrets.push(successor.clone());
            grant.refresh_token = Some(successor);
        }
        Ok(match behaviour {
            Behaviour::Honest => (Outcome::Rotated, Some(grant.response())),
            Behaviour::Keeping => (Outcome::Kept, Some(grant.response())),
            // A `Failing` never comes here: `settle` looks at no ledger for it.
            Behaviour::Losing(fault) | Behaviour::Failing(fault) => {
                let response = fault.response();
                (Outcome::Lost(fault), response)
            }
            Behaviour::Twisted(twist) => {
                (Outcome::Twisted(twist), Some(grant.twisted(twist, previous).response()))
            }
        })
    }

    fn mint(&self, account: &Account, span: Span) -> io::Result<(String, String)> {
        let unique = random::<16>().map_err(io::Error::other)?;
        let id_token = self.mint.id_token(account, span).map_err(io::Error::other)?;
        let access_token = self.mint.access_token(account, span, &BASE64_URL_SAFE_NO_PAD.encode(unique));
        Ok((id_token, access_token.map_err(io::Error::other)?))
    }

    fn refresh_token(&self) -> io::Result<String> {
        let unique = random::<32>().map_err(io::Error::other)?;
        Ok(format!("{}{}", self.refresh_prefix, BASE64_URL_SAFE_NO_PAD.encode(unique)))
    }
}

/// What came of a request, and what its client shall see.
type Settled = (Outcome, Option<Response>);

fn refuse(refusal: Refusal) -> Settled {
    let response = refusal.response();
    (Outcome::Refused(refusal.code), Some(response))
}

fn fail(fault: Fault) -> Settled {
    let response = fault.response();
    (Outcome::Failed(fault), response)
}

/// Whose tokens a reply gives.
fn whose(account: &Account, behaviour: &Behaviour) -> Account {
    let mut account = account.clone();
    match behaviour {
        Behaviour::Twisted(Twist::OtherAccount) => account.account_id = "account-other".into(),
        Behaviour::Twisted(Twist::OtherUser) => account.user_id = "user-other".into(),
        _ => {}
    }
    account
}
