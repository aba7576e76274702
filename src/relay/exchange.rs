//! Step 6: the POST, and what may follow which answer.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::authority::{Answer, Authority, Reason, RefusalKind};
use crate::baton::{DeadReason, Lengths};
use crate::credential::{Due, RefreshToken};
use crate::job::{Clock, Deferral, Level, Notices};

use super::wait::{jittered, pause};
use super::{ExchangeError, RelayError, Step};

/// The first pause before an authority that did not process a request is asked again; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How an exchange ended, as far as the authority tells.
pub enum Exchange {
    /// A 2xx, not judged yet.
    Success(Zeroizing<Vec<u8>>),
    /// The refresh token is dead.
    Dead(DeadReason),
    /// A 401 that does not say why.
    Unauthorized,
    /// Somebody else has the lease: we must not ask.
    Displaced,
    /// It failed, and the login may still be good.
    Failed(ExchangeError),
}

/// The same for a home that is the holder and for a slot: what may be sent again, and when to give up.
pub(super) struct Attempts<'a> {
    pub(super) authority: &'a Authority,
    pub(super) clock: &'a dyn Clock,
    pub(super) notices: &'a dyn Notices,
    pub(super) timeout: Duration,
    /// Signals that came are obeyed before the next POST.
    pub(super) deferral: &'a Deferral,
}

impl Attempts<'_> {
    /// Asks until there is an answer that must not be asked for again. `before` is called before each POST; when it
    /// says no, nothing is sent.
    ///
    /// # Errors
    /// When `before` fails.
    pub(super) fn run(
        &self,
        token: &RefreshToken,
        due: Due,
        mut before: impl FnMut() -> Result<bool, RelayError>,
    ) -> Result<Exchange, RelayError> {
        let start = self.clock.boot();
        let mut interval = FIRST_PAUSE;
        let is_ended = || self.deferral.noted() > 0;
        let mut unclear = 0;
        loop {
            if is_ended() {
                return Err(RelayError::Interrupted);
            }
            if !before()? {
                return Ok(Exchange::Displaced);
            }
            let kind = match Step::Post.run(|| self.authority.exchange(token, reason(due))) {
                Err(error) => return Ok(Exchange::Failed(error.into())),
                Ok(Answer::Success(body)) => return Ok(Exchange::Success(body)),
                Ok(Answer::Dead(reason)) => return Ok(Exchange::Dead(reason)),
                Ok(Answer::Unauthorized) => return Ok(Exchange::Unauthorized),
                Ok(Answer::Refused(kind)) => return Ok(Exchange::Failed(ExchangeError::Refused(kind))),
                Ok(Answer::Unclear(kind)) => {
                    unclear += 1;
                    if !may_ask_again(unclear) {
                        return Ok(Exchange::Failed(ExchangeError::Unclear(kind)));
                    }
                    kind
                }
                Ok(Answer::NotProcessed(kind)) => kind,
            };
            let left = self.timeout.saturating_sub(self.clock.boot().saturating_sub(start));
            let wait = jittered(interval / 2)?;
            if wait >= left {
                let give_up = if unclear > 0 { ExchangeError::Unclear } else { ExchangeError::Unreachable };
                return Ok(Exchange::Failed(give_up(kind)));
            }
            self.tell_again(kind, wait);
            pause(self.clock, wait, is_ended);
            interval = (interval * 2).min(LONGEST_PAUSE);
        }
    }

    fn tell_again(&self, kind: RefusalKind, wait: Duration) {
        let text = format!("the authority: {kind}; asking again in {} ms", wait.as_millis());
        self.notices.tell(Level::Info, &text);
    }
}

/// Returns whether the authority may be asked again after so many requests without a usable answer. The first may have
/// been processed: a second answer tells more than none, a third could not.
#[must_use]
pub fn may_ask_again(unclear: u32) -> bool {
    unclear < 2
}

/// Returns whether a lease taken at `taken` is young enough for a POST.
pub(super) fn is_young(clock: &dyn Clock, taken: Duration) -> bool {
    clock.boot().saturating_sub(taken) < Lengths::YOUNG
}

fn reason(due: Due) -> Reason {
    match due {
        Due::Expired { .. } | Due::ExpiresSoon { .. } => Reason::ProactiveExpiry,
        Due::Stale { .. } => Reason::Scheduled,
        Due::Refused => Reason::UnauthorizedRecovery,
        Due::Unproven | Due::Forced => Reason::Forced,
    }
}
