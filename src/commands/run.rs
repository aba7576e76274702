//! `run -- CMD`: a command with the login in a home of its own. The command gets an access token and, where that may end
//! before the command does, a broker; never the refresh token.

mod ready;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use self::ready::{with_holder, with_store};
use super::ready::Renewal;
use super::start_broker::{BROKER_FINISH, NOT_STORED, Serve, settle, start_broker};
use super::{Bench, CommandError, Report, RestoreOptions, When};
use crate::disk::replace;
use crate::home::{LeftLogin, PlacedLogin};
use crate::job::{BrokerProcess, ChildEnvironment, ForChild, Signals, explain};
use crate::store::StoreUrl;

/// How long a broker may take to leave by itself. One whose lock somebody in the job holds as well never does.
const BROKER_END: Duration = Duration::from_secs(45);
/// The options of `run`.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// What it shares with `restore`.
    pub restore: RestoreOptions,
    /// `--broker`.
    pub broker: When,
    /// `--report`.
    pub report: Option<PathBuf>,
    /// What to run.
    pub command: Vec<OsString>,
}

/// Runs a command.
///
/// # Errors
/// When it cannot be given a login that is allowed and lasts. Once it has been started, its own exit code is what counts.
pub fn run(bench: &Bench<'_>, options: &RunOptions) -> Result<Report, CommandError> {
    let ready = match &bench.settings.store {
        None | Some(StoreUrl::Home) => with_holder(bench, options)?,
        Some(_) => with_store(bench, options)?,
    };
    let home = &ready.parts.home;
    // From here to the end: a signal must not keep us from cleaning up.
    let mut signals = Signals::listen().map_err(CommandError::Signals)?;
    let (mut broker, url) = match ready.broker {
        Renewal::Nobody => (None, None),
        Renewal::Theirs(url) => (None, Some(url)),
        Renewal::Ours => match start_broker(bench, home, Serve::Users) {
            Ok((process, url)) => (Some(process), Some(url)),
            Err(error) => {
                // It may have placed its handle already.
                if ready.users.leave().is_some() && ready.fresh.is_none() {
                    settle(bench, &ready.parts);
                }
                return Err(error);
            }
        },
    };
    let placed = PlacedLogin::note(home)?;
    let wanted = ForChild {
        client: bench.settings.client,
        home: home.path(),
        broker: url.as_deref(),
        secrets: &bench.settings.secret_variables,
    };
    let environment = ChildEnvironment::new(bench.environment.all(), wanted);
    bench.notices.others_speak();
    // One that cannot be started leaves as much to clean up.
    let ended = signals.run(&options.command, &environment);
    let left = placed.look();
    if left == LeftLogin::Foreign {
        bench.warn("the command left a login of its own in its home; it is stored nowhere");
    }
    let is_served = url.is_some();
    let last = ready.users.leave();
    let is_last = last.is_some();
    drop(last);
    // Nobody else has any business in a home that was made for this run.
    let broker = broker.as_mut().filter(|_| is_last || ready.fresh.is_some());
    let is_stored = broker.map_or(Some(true), |broker| has_stored(bench, broker));
    match ready.fresh {
        Some(fresh) => {
            if let Err(error) = fresh.remove() {
                bench.warn(&format!("the home of the run could not be deleted: {}", explain(&error)));
            }
        }
        None if is_served && is_last && left == LeftLogin::AsPlaced => settle(bench, &ready.parts),
        None => {}
    }
    let ended = ended?;
    let report = ready
        .facts
        .with("broker", is_served)
        .with("exit_code", ended.exit_code())
        .with("stored", is_stored)
        .with("saved", ready.saved && is_stored != Some(false))
        .with("foreign_login", left == LeftLogin::Foreign);
    write_report(bench, options, &report);
    // A login that may be lost with this machine is no success, whatever the command thinks.
    let code = match ended.exit_code() {
        0 if is_stored == Some(false) => NOT_STORED,
        of_command => of_command,
    };
    Ok(report.exiting(code))
}

/// Waits for the end of a broker, and says whether everything that it renewed is in the store; `None` where nobody knows.
fn has_stored(bench: &Bench<'_>, broker: &mut BrokerProcess) -> Option<bool> {
    let by_itself = broker.ended_within(BROKER_END, bench.clock);
    let Some(code) = by_itself.or_else(|| broker.end_within(BROKER_FINISH, bench.clock)) else {
        bench.warn("the broker has not ended yet; it finishes what it has begun");
        return Some(false);
    };
    match code {
        Some(0) => Some(true),
        Some(code) if code == i32::from(NOT_STORED) => Some(false),
        // Our signal, which it obeys once what it renewed is safe.
        None if by_itself.is_none() => Some(true),
        _ => {
            bench.warn(
                "the broker was killed, or failed: the next run looks what it left in this machine's journal",
            );
            None
        }
    }
}

fn write_report(bench: &Bench<'_>, options: &RunOptions, report: &Report) {
    let Some(path) = &options.report else { return };
    let mut object = serde_json::Map::from_iter([
        ("schema".to_owned(), json!(1)),
        ("verb".to_owned(), json!("run")),
        ("ok".to_owned(), json!(true)),
        ("error".to_owned(), Value::Null),
    ]);
    object.extend(report.fields().clone());
    let text = format!("{}\n", Value::Object(object));
    if let Err(error) = replace(path, text.as_bytes()) {
        bench.warn(&format!("the report could not be written: {}", explain(&error)));
    }
}
