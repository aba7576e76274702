//! For the fault suite alone: ends this process at a point of the protocol, and bends its clocks. Compiled only with the
//! feature `failpoints`, which a build without debug assertions refuses: no release has it.

#![expect(clippy::disallowed_methods, reason = "never in a release")]

use std::time::Duration;

use chrono::TimeDelta;

#[cfg(not(debug_assertions))]
compile_error!("the feature `failpoints` is for tests: it ends processes in the middle of an exchange");

/// Ends this process with SIGKILL if `AUTHBATON_FAILPOINT` names this point, such as `before:post`; stops it with SIGSTOP
/// if the name has `stop:` in front.
pub fn reached(point: &str) {
    let Ok(wanted) = std::env::var("AUTHBATON_FAILPOINT") else { return };
    let signal = match wanted.strip_prefix("stop:") {
        Some(wanted) if wanted == point => rustix::process::Signal::STOP,
        None if wanted == point => rustix::process::Signal::KILL,
        _ => return,
    };
    let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
}

/// How much faster than the real one the clock since boot runs (`AUTHBATON_CLOCK_SPEED`): leases end sooner.
pub(super) fn speed() -> u32 {
    std::env::var("AUTHBATON_CLOCK_SPEED").ok().and_then(|speed| speed.parse().ok()).unwrap_or(1).max(1)
}

/// How far the wall clock is off (`AUTHBATON_CLOCK_OFFSET`, seconds).
pub(super) fn offset() -> TimeDelta {
    let seconds = std::env::var("AUTHBATON_CLOCK_OFFSET").ok().and_then(|offset| offset.parse().ok());
    TimeDelta::seconds(seconds.unwrap_or(0))
}

/// A real time as the bent clock shows it.
pub(super) fn bent(real: Duration) -> Duration {
    real * speed()
}
