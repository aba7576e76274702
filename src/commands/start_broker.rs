//! Starts the broker of a home, and puts the home in order when that has gone.

use std::fs::File;
use std::time::Duration;

use super::broker::Announcement;
use super::handover::Stay;
use super::{Bench, CommandError, Parts};
use crate::home::Home;
use crate::job::{BrokerProcess, Voice, explain, this_program};
use crate::relay::Placement;

/// How long a broker may take to answer: it waits for locks and for the store.
const BROKER_START: Duration = Duration::from_secs(60);
/// How long it may take once it was told to end: whoever spends a token stores the new one first.
pub(super) const BROKER_FINISH: Duration = Duration::from_secs(120);

/// The exit code of a renewed login that is not stored; the broker's, and ours where the command's is 0.
pub(super) const NOT_STORED: u8 = 10;

/// How long a broker serves.
pub(super) enum Serve {
    /// As long as somebody uses the home. We hear what it says.
    Users,
    /// After this process has ended, until it is told to leave. What it says goes into the file.
    Job(Stay, File),
}

/// Starts a broker, and returns it with its address.
pub(super) fn start_broker(
    bench: &Bench<'_>,
    home: &Home,
    serve: Serve,
) -> Result<(BrokerProcess, String), CommandError> {
    let mut command = this_program().map_err(CommandError::Broker)?;
    command.args(["broker", "--handed-over"]);
    let (stay, voice) = match serve {
        Serve::Users => (None, Voice::Heard(bench.notices.line())),
        Serve::Job(stay, log) => (Some(stay), Voice::Written(log)),
    };
    let (process, announced) = BrokerProcess::start::<Announcement>(
        command,
        bench.environment.all(),
        bench.handover(home, stay.as_ref())?,
        BROKER_START,
        bench.clock,
        voice,
    )?;
    Ok((process, announced.url))
}

/// Leaves a home that stays as `restore` would: the handle in it opens nothing any more.
pub(super) fn settle(bench: &Bench<'_>, parts: &Parts) {
    let settled = || -> Result<(), CommandError> {
        let store = bench.store("run")?;
        let keys = bench.seal_keys()?;
        let around = bench.around(parts);
        let relay = bench.relay(&around, &*store, &keys)?;
        let session = around.lock()?;
        relay.place(&session, &relay.usable()?, Placement::Careful, None)?;
        Ok(())
    };
    if let Err(error) = settled() {
        bench.warn(&format!("the home still has a handle that opens nothing: {}", explain(&error)));
    }
}
