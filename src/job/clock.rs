//! The one place that reads the machine's clocks and that waits.
//!
//! Everything else takes a [`Clock`] or an instant, so that tests decide what time it is.

#![expect(clippy::disallowed_methods, reason = "this file owns the clocks and the waiting")]

use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};

/// Time as the rest of the program may know it.
pub trait Clock {
    /// Returns the wall clock in UTC. It may jump and may be minutes off between machines: it is compared with
    /// what the authority wrote (`exp`), never used to decide who holds a lease.
    fn now(&self) -> DateTime<Utc>;

    /// Returns the time since this machine was started, sleep included (`CLOCK_BOOTTIME` on Linux). It never jumps,
    /// and a paused process sees the pause: leases are measured with it.
    fn boot(&self) -> Duration;

    /// Waits for `duration`.
    fn sleep(&self, duration: Duration);
}

/// An end for the work of other programs, which know nothing of a [`Clock`] of ours: always in real time.
#[derive(Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// Sets the end: so long from now.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    /// Returns how long it is until then.
    #[must_use]
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// The clocks of this machine.
#[derive(Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[cfg(not(feature = "failpoints"))]
    fn now(&self) -> DateTime<Utc> {
        SystemTime::now().into()
    }

    #[cfg(feature = "failpoints")]
    fn now(&self) -> DateTime<Utc> {
        DateTime::<Utc>::from(SystemTime::now()) + super::failpoints::offset()
    }

    #[cfg(target_os = "linux")]
    fn boot(&self) -> Duration {
        since_boot(rustix::time::clock_gettime(rustix::time::ClockId::Boottime))
    }

    #[cfg(all(unix, not(target_os = "linux")))]
    fn boot(&self) -> Duration {
        since_boot(rustix::time::clock_gettime(rustix::time::ClockId::Monotonic))
    }

    #[cfg(not(unix))]
    fn boot(&self) -> Duration {
        use std::sync::OnceLock;
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    #[cfg(not(feature = "failpoints"))]
    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    #[cfg(feature = "failpoints")]
    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration / super::failpoints::speed());
    }
}

#[cfg(unix)]
fn since_boot(time: rustix::time::Timespec) -> Duration {
    let whole = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    let real = Duration::new(whole, nanos);
    #[cfg(feature = "failpoints")]
    let real = super::failpoints::bent(real);
    real
}
