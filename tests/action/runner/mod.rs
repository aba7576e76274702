//! A runner of GitHub Actions, as far as an action can see it: a fake, so it is strict. What it does is written from the
//! runner's own rules (its grammar, its words, its times), never from what suits our action; each rule has a table here.
//!
//! Not here: containers, Windows, composite actions, `pre`, problem matchers, the expressions of workflows.

mod action;
mod command_files;
mod commands;
mod console;
mod environment;
mod job;
mod masks;
mod orphans;
mod process;

pub(crate) use action::Action;
pub(crate) use job::{Ended, Job, Record, Setup, Stage, Status};
pub(crate) use process::{Cancellation, Line};

/// Returns a fresh name, as the runner gives them to files and jobs.
fn guid() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
