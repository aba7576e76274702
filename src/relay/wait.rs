//! Waiting: with jitter, and no longer than anybody wants.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::job::{Clock, Deferral, random};

use super::RelayError;

/// A pause is looked at again this often.
const SLICE: Duration = Duration::from_millis(100);

/// Some send one signal and, seconds later, SIGKILL (GitHub: a second one after 7.5 s): what there is to say must be said
/// before that.
const GRACE: Duration = Duration::from_secs(5);

/// Returns between once and twice `base`.
pub(super) fn jittered(base: Duration) -> Result<Duration, RelayError> {
    let [byte] = random::<1>()?;
    Ok(base + base * u32::from(byte) / 256)
}

/// Waits for `duration`, or until `enough` says so.
pub(super) fn pause(clock: &dyn Clock, duration: Duration, enough: impl Fn() -> bool) {
    let start = clock.boot();
    while !enough() {
        let left = duration.saturating_sub(clock.boot().saturating_sub(start));
        if left.is_zero() {
            return;
        }
        clock.sleep(left.min(SLICE));
    }
}

/// How much somebody wants us to end while we still try to store a result.
pub(super) struct Urgency<'a> {
    deferral: Rc<Deferral>,
    clock: &'a dyn Clock,
    /// When the first signal was seen.
    since: Cell<Option<Duration>>,
}

impl<'a> Urgency<'a> {
    pub(super) fn new(deferral: Rc<Deferral>, clock: &'a dyn Clock) -> Self {
        Self { deferral, clock, since: Cell::new(None) }
    }

    /// Returns whether to give up: a second signal has come, or the first is a while ago.
    pub(super) fn is_great(&self) -> bool {
        match self.deferral.noted() {
            0 => false,
            1 => {
                let now = self.clock.boot();
                let since = self.since.get().unwrap_or(now);
                self.since.set(Some(since));
                now.saturating_sub(since) >= GRACE
            }
            _ => true,
        }
    }
}
