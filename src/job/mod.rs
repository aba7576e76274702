//! Where we run: the machine's clocks, randomness, environment and processes, and the CI job around them.
//!
//! The other rooms are handed these; none of them asks the machine by itself.

mod azure;
mod broker_process;
mod buildkite;
mod child;
mod child_environment;
mod circleci;
mod clock;
mod environment;
#[cfg(feature = "failpoints")]
mod failpoints;
pub mod github;
pub mod gitlab;
mod hardening;
mod helper_environment;
mod hiding;
mod jenkins;
mod loopback;
mod masks;
mod notices;
mod plain;
mod platform;
mod random;
mod signals;
mod temporary;
mod tool;
mod trust;

pub use broker_process::{BrokerProcess, BrokerProcessError, Voice, announce, receive_settings};
pub use buildkite::RedactorError;
pub use child::{ChildError, Ended, Signals, is_running};
pub use child_environment::{ChildEnvironment, ForChild, for_clients};
pub use clock::{Clock, Deadline, SystemClock};
pub use environment::Environment;
#[cfg(feature = "failpoints")]
pub use failpoints::reached as failpoint;
pub use hardening::{harden, is_hardened, spawn, this_program};
pub use helper_environment::for_helper;
pub use hiding::{Hiding, MaskError, Wish, complains_into_a_file};
pub use loopback::{Loopback, free_port};
pub use masks::{Hidden, Masks};
pub use notices::{Level, Notices, Silent, explain};
pub use platform::{Job, Platform, PlatformFacts, Sign};
pub use random::{NoRandomness, random};
pub use signals::Deferral;
pub use temporary::{is_in_workspace, temporary_directory};
pub use tool::{Said, Tool, ToolError};
pub use trust::Trust;
