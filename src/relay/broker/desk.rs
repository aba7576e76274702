//! Where requests wait. However many there are, one exchange serves them all, and none waits longer than its client does.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::decide::{Decision, Known};
use super::{Asked, Event, Why};
use crate::credential::{AccessToken, Freshness, FullLogin, Lifetime, Margin};
use crate::job::Clock;
use crate::policy::Approved;

/// Events that nobody has told yet; more than these are dropped.
const MAX_EVENTS: usize = 256;

/// How often a pause is doubled while the authority fails and nobody waits: from 20 s to 21 min.
const MOST_DOUBLINGS: u32 = 6;

/// The tokens that are handed out. There is no refresh token among them.
pub struct Current {
    pub(super) access_token: AccessToken,
    pub(super) id_token: SecretString,
    pub(super) expires_at: Option<DateTime<Utc>>,
    lifetime: Lifetime,
}

/// Why no token could be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The login is dead, or may not be used here any more: asking again is in vain.
    #[error("the login is dead")]
    Dead,
    /// Asking again may help.
    #[error("the exchange has failed")]
    Passing,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A client is answered after this long, whatever happens. Codex gives up after 20 s, and loses the reply.
    pub answer: Duration,
    /// The same for a client whose token was refused: it has nothing else to go on with, and Codex was seen to wait for
    /// 30 s then.
    pub recovery: Duration,
    /// After a failure nothing is tried for this long: one client asks a dozen times.
    pub after_failure: Duration,
    /// How often to look whether a renewal is due.
    pub look: Duration,
    /// The body of a request that does not come within this time never will.
    pub body: Duration,
}

/// The desk of one broker.
pub struct Desk {
    pub(super) limits: Limits,
    margin: Margin,
    clock: Box<dyn Clock + Send + Sync>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    current: Current,
    handed_out: bool,
    renewed_at: Option<Duration>,
    /// What the worker is to do, or does.
    order: Option<Why>,
    is_working: bool,
    /// How many exchanges have ended, and how the last one did.
    ended: u64,
    failure: Option<(Failure, Duration)>,
    /// How many exchanges have failed since one was well.
    failures: u32,
    events: Vec<Event>,
    is_closed: bool,
}

impl Current {
    /// Takes the tokens of a login that may be used here.
    #[must_use]
    pub fn of(login: &Approved<FullLogin>) -> Self {
        Self::from_login(login.get())
    }

    pub(super) fn from_login(login: &FullLogin) -> Self {
        Self {
            access_token: login.access_token(),
            id_token: login.id_token(),
            expires_at: login.lifetime().expires_at,
            lifetime: login.lifetime(),
        }
    }

    /// Returns the access token.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        &self.access_token
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(15),
            recovery: Duration::from_secs(28),
            after_failure: Duration::from_secs(20),
            look: Duration::from_secs(30),
            body: Duration::from_secs(10),
        }
    }
}

impl Desk {
    /// Opens a desk with the token that the home has.
    #[must_use]
    pub fn open(
        current: Current,
        margin: Margin,
        limits: Limits,
        clock: Box<dyn Clock + Send + Sync>,
    ) -> Self {
        let state = State {
            current,
            handed_out: true,
            renewed_at: None,
            order: None,
            is_working: false,
            ended: 0,
            failure: None,
            failures: 0,
            events: Vec::new(),
            is_closed: false,
        };
        Self { limits, margin, clock, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Serves a request: blocks until there is an answer, and hands the tokens to `with` while they are the current ones.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn ask<T>(
        &self,
        asked: Asked,
        with: impl FnOnce(&Current, DateTime<Utc>) -> T,
    ) -> Result<T, Failure> {
        let patience = match asked {
            Asked::BeforeExpiry | Asked::Unexplained => self.limits.answer,
            Asked::AfterRefusal => self.limits.recovery,
        };
        let deadline = self.clock.boot() + patience;
        let mut state = self.lock();
        let ended_before = state.ended;
        loop {
            let (now, boot) = (self.clock.now(), self.clock.boot());
            let known = state.known(boot);
            let is_served = state.ended > ended_before;
            let failed =
                state.failed(boot, self.limits.after_failure).or(state.failure.filter(|_| is_served));
            let is_late = boot >= deadline || state.is_closed;
            let decision = known.decide(asked, now);
            let why = match decision {
                Decision::Answer => return Ok(self.answer(state, Event::Answered, with, now)),
                // What came of the exchange that we waited for is what there is; even if it has ended by our clock, which
                // may be wrong: another exchange would bring the same.
                Decision::Exchange(_) if is_served && failed.is_none() => {
                    return Ok(self.answer(state, Event::Answered, with, now));
                }
                Decision::Exchange(why) => why,
            };
            if failed.is_some() || is_late {
                // A client that asks early goes on with what it has; so it may as well go on with this.
                if known.is_valid(now) && (asked == Asked::BeforeExpiry || why == Why::Due) {
                    return Ok(self.answer(state, Event::AnsweredInTime, with, now));
                }
                let failure = failed.map_or(Failure::Passing, |(failure, _)| failure);
                state.note(Event::Failed(failure));
                self.changed.notify_all();
                return Err(failure);
            }
            if state.order.is_none() {
                state.order = Some(why);
                state.note(Event::Ordered(why));
                self.changed.notify_all();
            }
            state = self.wait(state, deadline.saturating_sub(boot));
        }
    }

    fn answer<T>(
        &self,
        mut state: MutexGuard<'_, State>,
        event: Event,
        with: impl FnOnce(&Current, DateTime<Utc>) -> T,
        now: DateTime<Utc>,
    ) -> T {
        state.handed_out = true;
        state.note(event);
        self.changed.notify_all();
        with(&state.current, now)
    }

    /// Notes something that happened elsewhere.
    pub(super) fn note(&self, event: Event) {
        self.lock().note(event);
        self.changed.notify_all();
    }

    /// Works at the desk until it is closed: makes the exchanges that are needed, one after the other, those before the
    /// end of a token too; and tells what happens.
    pub fn work(
        &self,
        mut renew: impl FnMut(Why, &Current) -> Result<Current, Failure>,
        mut tell: impl FnMut(&Event),
    ) {
        let mut state = self.lock();
        loop {
            let events = std::mem::take(&mut state.events);
            if !events.is_empty() {
                drop(state);
                events.iter().for_each(&mut tell);
                state = self.lock();
                continue;
            }
            if state.is_closed && state.order.is_none() {
                return;
            }
            if state.order.is_none() && self.is_due(&state) {
                state.order = Some(Why::Due);
                state.note(Event::Ordered(Why::Due));
                continue;
            }
            let Some(why) = state.order else {
                state = self.wait(state, self.limits.look);
                continue;
            };
            let asked_with = state.current.copy();
            state.is_working = true;
            drop(state);
            let result = renew(why, &asked_with);
            state = self.lock();
            state.is_working = false;
            state.order = None;
            state.ended += 1;
            let boot = self.clock.boot();
            match result {
                Ok(current) => state.take(current, boot),
                Err(failure) => {
                    state.failure = Some((failure, boot));
                    state.failures += 1;
                }
            }
            self.changed.notify_all();
        }
    }

    /// Closes the desk: nobody is let in any more, and an exchange that was begun is finished.
    pub fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        // What nobody has begun is not begun any more.
        if !state.is_working {
            state.order = None;
        }
        self.changed.notify_all();
    }

    /// Whether the token should be renewed before anybody asks, by the same margin as everywhere.
    fn is_due(&self, state: &State) -> bool {
        let boot = self.clock.boot();
        // Nobody waits for it: each failure doubles the pause.
        let pause =
            self.limits.after_failure * 2_u32.pow(state.failures.saturating_sub(1).min(MOST_DOUBLINGS));
        let pauses = state.failed(boot, pause).is_some();
        let just_renewed = state.renewed_at.is_some_and(|at| boot < at + state.current.rest(self.limits));
        let freshness = state.current.lifetime.freshness(self.clock.now(), self.margin);
        !pauses && !just_renewed && !state.is_closed && matches!(freshness, Freshness::Due(_))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked here held the lock for a moment, and left nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl State {
    fn known(&self, boot: Duration) -> Known {
        Known {
            expires_at: self.current.expires_at,
            handed_out: self.handed_out,
            age: self.renewed_at.map(|at| boot.saturating_sub(at)),
        }
    }

    /// The failure that still counts: what is dead stays dead.
    fn failed(&self, boot: Duration, pause: Duration) -> Option<(Failure, Duration)> {
        self.failure.filter(|&(failure, at)| failure == Failure::Dead || boot < at + pause)
    }

    /// Takes what the slot holds now.
    fn take(&mut self, current: Current, boot: Duration) {
        self.failure = None;
        self.failures = 0;
        if current.access_token.expose() != self.current.access_token.expose() {
            self.handed_out = false;
            self.events.push(Event::Renewed);
        }
        self.renewed_at = Some(boot);
        self.current = current;
    }

    fn note(&mut self, event: Event) {
        if self.events.len() < MAX_EVENTS {
            self.events.push(event);
        }
    }
}

impl Current {
    /// How long a new token is left alone while nobody asks: half of its life, or a margin that is longer than it lives
    /// (or a clock that is wrong) would have one renewed after the other.
    fn rest(&self, limits: Limits) -> Duration {
        let Lifetime { expires_at, issued_at, .. } = self.lifetime;
        let life = expires_at.zip(issued_at).map(|(end, start)| end - start);
        life.and_then(|life| (life / 2).to_std().ok()).unwrap_or_default().max(limits.look)
    }

    fn copy(&self) -> Self {
        Self {
            access_token: self.access_token.clone(),
            id_token: self.id_token.clone(),
            expires_at: self.expires_at,
            lifetime: self.lifetime,
        }
    }
}

#[cfg(test)]
mod tests;
