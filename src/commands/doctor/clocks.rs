//! The clocks. Nobody is asked what time it is: what others wrote with theirs is compared, and a token that was issued
//! in our future says enough.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::finding::{Finding, FindingId, Topic};
use super::login::when;

const TOPIC: Topic = Topic::Clock;
/// Clocks of machines that are kept in step differ by less.
const TOLERANCE: TimeDelta = TimeDelta::seconds(60);

/// What there is to know of the clocks.
pub(super) struct Clocks {
    pub(super) now: DateTime<Utc>,
    pub(super) boot: Duration,
    /// What others wrote down with their clocks: what it is, and when that was.
    pub(super) elsewhere: Vec<(&'static str, DateTime<Utc>)>,
}

impl Clocks {
    /// Says what that means.
    pub(super) fn findings(self) -> Vec<Finding> {
        let Self { now, boot, elsewhere } = self;
        let clock = format!("it is {}, and the machine has been up for {} s", when(now), boot.as_secs());
        let mut findings = vec![Finding::new(TOPIC, FindingId::ClockRead, clock).with("now", when(now))];
        let latest = elsewhere.into_iter().max_by_key(|(_, at)| *at);
        if let Some((what, at)) = latest.filter(|(_, at)| *at - now > TOLERANCE) {
            let ahead = (at - now).num_seconds();
            let behind = format!("this clock is at least {ahead} s behind: {what} at {}", when(at));
            findings.push(Finding::new(TOPIC, FindingId::ClockBehind, behind).with("seconds", ahead));
        }
        if !cfg!(target_os = "linux") {
            let sleeps = "leases are measured by a clock that may stand still while the machine sleeps";
            findings.push(Finding::new(TOPIC, FindingId::BootClockSleeps, sleeps));
        }
        findings
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::super::tests::ids;
    use super::*;

    #[test]
    fn what_was_made_in_our_future_tells_that_we_are_behind() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let found = |seconds: &[i64]| {
            let at = |seconds: &i64| ("a token was issued", now + TimeDelta::seconds(*seconds));
            let elsewhere = seconds.iter().map(at).collect();
            Clocks { now, boot: Duration::from_secs(5), elsewhere }.findings()
        };
        for seconds in [&[][..], &[-5], &[60], &[-9, 59]] {
            assert_eq!(ids(found(seconds)), ["ok clock"], "{seconds:?}");
        }
        let behind = found(&[-5, 61, 7]);
        assert_eq!(
            behind.last().unwrap().text,
            "this clock is at least 61 s behind: a token was issued at 2027-01-15T08:01:01Z"
        );
        assert_eq!(ids(behind), ["ok clock", "warning clock-behind"]);
    }
}
