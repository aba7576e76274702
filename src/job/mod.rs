//! Where we run: the machine's clocks, randomness, environment and processes, and the CI job around them.
//!
//! The other rooms are handed these; none of them asks the machine by itself.

mod broker_process;
mod child;
mod child_environment;
mod clock;
mod environment;
#[cfg(feature = "failpoints")]
mod failpoints;
pub mod github;
mod hardening;
mod loopback;
mod masks;
mod notices;
mod platform;
mod random;
mod signals;
mod temporary;

pub use broker_process::{BrokerProcess, BrokerProcessError, announce, receive_settings};
pub use child::{ChildError, Ended, Signals};
pub use child_environment::{ChildEnvironment, ForChild};
pub use clock::{Clock, SystemClock};
pub use environment::Environment;
#[cfg(feature = "failpoints")]
pub use failpoints::reached as failpoint;
pub use hardening::{harden, spawn, this_program};
pub use loopback::{Loopback, free_port};
pub use masks::Masks;
pub use notices::{Level, Notices, Silent, explain};
pub use platform::{Job, Platform};
pub use random::{NoRandomness, random};
pub use signals::Deferral;
pub use temporary::temporary_directory;
