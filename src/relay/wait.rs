//! Waiting: with jitter, and no longer than anybody wants.

use std::time::Duration;

use crate::job::{Clock, random};

use super::RelayError;

/// A pause is looked at again this often.
const SLICE: Duration = Duration::from_millis(100);

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
