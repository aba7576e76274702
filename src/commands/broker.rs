//! `broker`: renews for the clients of one home. `run` starts it, through a pipe; by itself it serves until it is ended.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::home::{Serving, Users};
use crate::job::{SystemClock, announce, explain, random};
use crate::policy::GateError;
use crate::relay::broker::{Current, Desk, Failure, Limits, Server, Socket, Why};
use crate::relay::{ExchangeError, Relay, RelayError, Want};

use super::handover::Stay;
use super::ready::join;
use super::{Bench, CommandError, Report};

/// What a broker says on stdout once it can be asked.
#[derive(Deserialize, Serialize)]
pub(super) struct Announcement {
    /// For the client's override variable. Whoever knows it can ask, with the home's handle.
    pub(super) url: String,
}

/// Serves the clients of a home.
///
/// # Errors
/// When the slot has no usable login, the home has another one, or no port can be had.
pub fn broker(bench: &Bench<'_>, handed_over: bool, stay: Option<&Stay>) -> Result<Report, CommandError> {
    let store = bench.store("broker")?;
    let keys = bench.seal_keys()?;
    let parts = bench.parts_unread()?;
    if handed_over {
        // Whoever started us has told which keys do nothing.
        parts.gate.policy()?;
    } else {
        bench.policy(&parts.gate)?;
    }
    let around = bench.around(&parts);
    // Who stays by himself is one of those who use the home: whoever comes and goes meanwhile is not the last.
    let _user = stay.map(|_| join(bench, &parts)).transpose()?;
    let relay = bench.relay(&around, &*store, &keys)?;
    let socket = Socket::bind(random().map_err(RelayError::from)?).map_err(CommandError::Broker)?;
    let endpoint = socket.endpoint();
    let (current, _serving) = {
        let session = around.lock()?;
        let Some(serving) = Serving::begin(&parts.home, &endpoint.url)? else {
            // Somebody came before us: his broker is everybody's.
            let url = Serving::of(&parts.home)?.filter(|_| handed_over).ok_or(CommandError::HomeBrokered)?;
            announce(&Announcement { url }).map_err(CommandError::Broker)?;
            return Ok(Report::default());
        };
        // Nothing is spent before whoever started us knows where we answer.
        let loaded = relay.usable()?;
        relay.place_brokered(&session, &loaded, &endpoint.handle)?;
        let login = loaded.baton().login().cloned().ok_or(RelayError::SlotEmpty)?;
        bench.mask(&login.as_credential(bench.settings.client));
        (Current::of(&parts.gate.approve_login(login)?), serving)
    };
    let clock = Box::new(SystemClock);
    let desk = Arc::new(Desk::open(current, bench.settings.margin, Limits::default(), clock));
    let server = Server::start(socket, Arc::clone(&desk)).map_err(CommandError::Broker)?;
    announce(&Announcement { url: endpoint.url }).map_err(CommandError::Broker)?;
    match stay.cloned() {
        Some(stay) => {
            let desk = Arc::clone(&desk);
            std::thread::spawn(move || {
                stay.wait(&SystemClock);
                desk.close();
            });
        }
        None if handed_over => {
            let (desk, home) = (Arc::clone(&desk), parts.home.clone());
            std::thread::spawn(move || {
                // Kept until this process has gone: whoever comes now waits for that, and starts another broker.
                let _alone = Users::wait_for_last(&home);
                desk.close();
                loop {
                    std::thread::park();
                }
            });
        }
        None => {}
    }
    let mut unstored = None;
    desk.work(
        |why, current| {
            let renewed = renewed(bench, &relay, why, current);
            renewed.map_err(|error| {
                let failure = failure(&error);
                bench.warn(&format!("broker: {}", explain(&error)));
                if let RelayError::NotStored { rescue, .. } = &error {
                    // At once: this process may not live to say it at its end.
                    let mut line = bench.notices.line();
                    rescue.lines().for_each(&mut line);
                    unstored = Some(error);
                }
                failure
            })
        },
        |event| bench.notices.tell(event.level(), &event.to_string()),
    );
    drop(server);
    let unstored = unstored.filter(|error| !is_stored_by_now(&relay, error));
    if let Some(stay) = stay {
        // Before anybody can see that this home is not served any more.
        stay.leave(unstored.is_none());
    }
    unstored.map_or_else(|| Ok(Report::default()), |error| Err(error.into()))
}

/// Makes an exchange, or adopts what somebody else has made.
fn renewed(bench: &Bench<'_>, relay: &Relay<'_>, why: Why, current: &Current) -> Result<Current, RelayError> {
    let session = relay.around.lock()?;
    let refreshed = match why {
        Why::Due => relay.refresh(&session, Want::default()),
        Why::Refused => relay.replace(&session, current.access_token()),
    }?;
    let login = refreshed.loaded.baton().login().cloned().ok_or(RelayError::SlotEmpty)?;
    // One that was started by `run` has no masks: its words go through a pipe.
    bench.mask(&login.as_credential(bench.settings.client));
    Ok(Current::of(&relay.around.gate.approve_login(login)?))
}

/// Tries once more to store what an exchange gave: this machine, and the journal with it, may be gone after the job.
fn is_stored_by_now(relay: &Relay<'_>, error: &RelayError) -> bool {
    let RelayError::NotStored { journal: Some(journal), .. } = error else { return false };
    relay.recover_journals().is_ok() && !journal.exists()
}

/// What is dead stays dead for the clients. A configuration that cannot be read may be one that is being written.
fn failure(error: &RelayError) -> Failure {
    match error {
        RelayError::Dead(_) | RelayError::Exchange(ExchangeError::Dead(_)) => Failure::Dead,
        RelayError::Gate(GateError::Mismatch(mismatch)) if !mismatch.is_undecided() => Failure::Dead,
        _ => Failure::Passing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baton::DeadReason;
    use crate::policy::PolicyError;

    #[test]
    fn only_what_time_does_not_mend_is_final() {
        let dead = RelayError::Dead(DeadReason::Reused);
        assert_eq!(failure(&dead), Failure::Dead);
        assert_eq!(failure(&ExchangeError::Dead(DeadReason::Reused).into()), Failure::Dead);
        let half_written = PolicyError::Invalid { place: "config.toml:1".into(), problem: "no TOML".into() };
        assert_eq!(failure(&GateError::Policy(half_written).into()), Failure::Passing);
        assert_eq!(failure(&ExchangeError::Unauthorized.into()), Failure::Passing);
        assert_eq!(failure(&RelayError::Restless), Failure::Passing);
    }
}
