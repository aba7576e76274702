//! `action post`: stops the broker, and deletes what `main` noted that it made, only that.
//!
//! A login that was renewed and is not stored fails the job; what cannot be deleted is a warning.

use std::time::Duration;

use super::super::handover::Stay;
use super::super::start_broker::{BROKER_FINISH, settle};
use super::super::{Bench, CommandError, Parts, Report};
use super::ActionOptions;
use super::admission::admit;
use super::notes::{Notes, fingerprint};
use super::place::Place;
use crate::disk::{Read, read_capped};
use crate::home::{Found, JobHome, Serving, Sidecar};
use crate::job::explain;

const LOOK: Duration = Duration::from_millis(50);
/// A broker whose home is gone cannot be seen to leave; it has this long to write down how it ended.
const GRACE: Duration = Duration::from_secs(5);
const MAX_LOG_BYTES: usize = 512 * 1024;

/// Returns whether `main` made anything.
#[must_use]
fn is_nothing(notes: &Notes) -> bool {
    *notes == Notes::default()
}

/// Ends what `main` began.
///
/// # Errors
/// When something that the broker renewed is not in the store.
pub fn post(bench: &Bench<'_>, options: &ActionOptions) -> Result<Report, CommandError> {
    let notes = Notes::read(bench);
    if is_nothing(&notes) {
        bench.info("nothing was made, and there is nothing to clean up");
        return Ok(Report::default());
    }
    let Some((job, place)) = Place::find(bench, &notes) else {
        bench.warn("what was made for this job is gone already");
        return Ok(Report::default());
    };
    // It was let in before; should that have changed, it may not write.
    let read_only = admit(bench, options).unwrap_or_else(|_| Some("the event is refused".to_owned()));
    let &Bench { settings, environment, clock, notices, .. } = bench;
    let bench = &Bench { settings, environment, clock, notices, read_only };
    let parts = place.parts(bench);
    let stored = if notes.broker { stop(bench, &place, &parts) } else { Ok(()) };
    if options.cleanup {
        clean(bench, &notes, &job, &parts);
    } else if notes.broker {
        settle(bench, &parts);
    }
    stored.map(|()| Report::default())
}

/// Stops the broker, and sees to it that what it renewed is stored.
fn stop(bench: &Bench<'_>, place: &Place, parts: &Parts) -> Result<(), CommandError> {
    place.take_sign()?;
    let outcome = wait_for_end(bench, place, parts);
    tell_log(bench, place);
    match outcome {
        Some(true) => return Ok(()),
        Some(false) => bench.info("the broker could not store what it renewed; trying once more"),
        None => bench.warn("the broker was killed, or has not ended yet; looking for what it left"),
    }
    if bench.why_read_only().is_some() {
        // Then it cannot have renewed anything.
        return Ok(());
    }
    match stored_by_now(bench, parts) {
        Ok(true) => Ok(()),
        Ok(false) => Err(CommandError::BrokerNotStored),
        Err(error) => {
            bench.warn(&format!("the store could not be asked: {}", explain(&error)));
            Err(CommandError::BrokerNotStored)
        }
    }
}

/// Stores what an exchange gave and nobody stored yet, and says whether nothing of it is left on this machine alone.
fn stored_by_now(bench: &Bench<'_>, parts: &Parts) -> Result<bool, CommandError> {
    let store = bench.store("the action")?;
    let keys = bench.seal_keys()?;
    let around = bench.around(parts);
    let relay = bench.relay(&around, &*store, &keys)?;
    relay.recover_journals()?;
    Ok(!relay.has_journals())
}

/// Waits until the broker has gone: until nobody has its lock, and it has written down how it ended.
fn wait_for_end(bench: &Bench<'_>, place: &Place, parts: &Parts) -> Option<bool> {
    let start = bench.clock.boot();
    let mut unseen_since = None;
    loop {
        let now = bench.clock.boot();
        if matches!(Serving::of(&parts.home), Ok(Some(_))) {
            unseen_since = None;
            if now.saturating_sub(start) >= BROKER_FINISH {
                return None;
            }
        } else {
            let outcome = Stay::outcome(&place.outcome());
            let since = *unseen_since.get_or_insert(now);
            if outcome.is_some() || now.saturating_sub(since) >= GRACE {
                return outcome;
            }
        }
        bench.clock.sleep(LOOK);
    }
}

/// Shows what a broker said.
pub(super) fn tell_log(bench: &Bench<'_>, place: &Place) {
    let text = match read_capped(&place.log(), MAX_LOG_BYTES) {
        Ok(Read::Content(text)) => text,
        Ok(Read::Missing) => return,
        Err(error) => {
            return bench.warn(&format!("what the broker said cannot be read: {}", explain(&error)));
        }
    };
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    if !lines.is_empty() {
        bench.notices.group("What the broker said", &lines);
    }
}

fn clean(bench: &Bench<'_>, notes: &Notes, job: &JobHome, parts: &Parts) {
    if notes.home.is_some()
        && let Err(error) = log_out(bench, notes, parts)
    {
        bench.warn(&format!("the login could not be deleted from its home: {}", explain(&error)));
    }
    match job.remove() {
        Ok(()) => bench.info("deleted what was made for this job"),
        Err(error) => {
            bench.warn(&format!("the directory of the job could not be deleted: {}", explain(&error)))
        }
    }
}

/// Deletes from a home that is not ours the login that we placed, and no other.
fn log_out(bench: &Bench<'_>, notes: &Notes, parts: &Parts) -> Result<(), CommandError> {
    if !parts.home.exists() {
        return Ok(());
    }
    let around = bench.around(parts);
    let session = around.lock()?;
    let found = session.file().look(bench.clock)?;
    let is_ours = match &found {
        Found::Nothing => return Ok(()),
        Found::Credential(there) => {
            notes.placed.is_some()
                && (there.is_placed_copy() || notes.placed.as_deref() == Some(&fingerprint(there)))
        }
        Found::Unparsable(_) | Found::Unusable(_) => false,
    };
    if !is_ours {
        bench.warn("the home has a login that was not placed here; it is left alone, and stored nowhere");
        return Ok(());
    }
    session.file().delete(&found, &around.patience(&|_| {}))?;
    Sidecar::remove(&parts.home)?;
    Ok(())
}
