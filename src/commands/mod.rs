//! The verbs, one file each. A verb gets settings that were checked, does its work, and returns what there is to
//! report; it neither parses nor prints.

mod bench;
mod broker;
mod enforce;
mod error;
mod explain_policy;
mod handover;
mod judge;
mod login;
mod logout;
mod refresh;
mod rehearse;
mod report;
mod rescue;
mod restore;
mod run;
mod save;
mod secret_input;
mod settings;
mod status;

/// How reports call the file with the login.
const FILE: &str = "auth.json";

pub use bench::Bench;
pub use broker::broker;
pub use enforce::{EnforceOptions, enforce};
pub use error::CommandError;
pub use login::{LoginKind, login};
pub use logout::{LogoutOptions, logout};
pub use refresh::refresh;
pub use rehearse::rehearse;
pub use report::Report;
pub use rescue::rescue;
pub use restore::{RestoreOptions, restore};
pub use run::{BrokerWhen, RunOptions, run};
pub use save::save;
pub use secret_input::SecretSource;
pub use settings::Settings;
pub use status::status;
