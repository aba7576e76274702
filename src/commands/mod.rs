//! The verbs, one file each. A verb gets settings that were checked, does its work, and returns what there is to
//! report; it neither parses nor prints.

mod action;
mod bench;
mod broker;
mod doctor;
mod enforce;
mod error;
mod explain_policy;
mod handover;
mod judge;
mod login;
mod logout;
mod offer;
mod ready;
mod refresh;
mod rehearse;
mod report;
mod rescue;
mod restore;
mod run;
mod save;
mod secret_input;
mod settings;
mod start_broker;
mod status;

/// How reports call the file with the login.
const FILE: &str = "auth.json";

pub use action::{ActionOptions, main as action_main, post as action_post};
pub use bench::Bench;
use bench::Parts;
pub use broker::broker;
pub use doctor::{About, Finding, FindingId, Row, Severity, Topic, doctor};
pub use enforce::{EnforceOptions, enforce};
pub use error::CommandError;
pub use handover::Stay;
pub use login::{LoginKind, LoginOptions, login};
pub use logout::{LogoutOptions, logout};
pub use ready::When;
pub use refresh::refresh;
pub use rehearse::rehearse;
pub use report::Report;
pub use rescue::rescue;
pub use restore::{RestoreOptions, restore};
pub use run::{RunOptions, run};
pub use save::save;
pub use secret_input::{SecretSource, may_be_secret};
pub use settings::Settings;
pub use status::status;
