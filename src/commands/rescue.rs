//! `rescue`: brings a login that was renewed but not stored into the slot: from the journals of this machine, and from
//! a printed text on stdin or in a file.

use std::io::IsTerminal;

use crate::relay::{Settled, rescue_text};

use super::{Bench, CommandError, Report, SecretSource};

/// Stores what was left behind.
///
/// # Errors
/// When the text cannot be read or opened here, the slot has moved on, or the store cannot be used.
pub fn rescue(bench: &Bench<'_>, source: Option<&SecretSource>) -> Result<Report, CommandError> {
    let store = bench.store("rescue")?;
    let keys = bench.seal_keys()?;
    // The policy stops use, never saving: a broken one must not keep a login out of the store.
    let parts = bench.parts_unread()?;
    let around = bench.around(&parts);
    let relay = bench.relay(&around, &*store, &keys)?;
    let given = match source {
        Some(source) => Some(bench.read_rescue_text(source)?),
        // Without anything piped in, the journals are what there is to rescue.
        None if std::io::stdin().is_terminal() => None,
        None => {
            Some(bench.read_rescue_text(&SecretSource::Stdin)?).filter(|bytes| !bytes.trim_ascii().is_empty())
        }
    };
    let _session = around.lock()?;
    relay.recover_journals()?;
    let report = Report::default().with("slot", bench.settings.slot.as_str()).with("store", store.name());
    let Some(given) = given else {
        bench.info("the journals of this machine were looked through");
        return Ok(report.with("rescued", false).with("saved", false));
    };
    let sealed = rescue_text::read(&given).ok_or(CommandError::NoRescueText)?;
    match relay.rescue(&sealed)? {
        Settled::Stored => {
            bench.info("stored; the next refresh proves that the login lives");
            Ok(report.with("rescued", true).with("saved", true))
        }
        Settled::Landed => {
            bench.info("the slot had this login already");
            Ok(report.with("rescued", false).with("saved", false))
        }
        Settled::Refused => Err(CommandError::RescueRefused),
        Settled::Unreadable => Err(CommandError::NoRescueText),
        Settled::MovedOn => Err(CommandError::RescueMovedOn),
    }
}
