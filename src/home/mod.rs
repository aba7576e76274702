//! Where the client reads its login: the home, its locks, its `auth.json`, what we note beside it, and the journals
//! that this machine keeps.

mod auth_file;
mod error;
mod job_home;
mod journal;
mod locks;
mod place;
mod placed_login;
mod renewed;
mod run_home;
mod serving;
mod sidecar;
mod spent;
mod state_directory;
mod users;

pub use auth_file::{AuthFile, Found, Obstacle};
pub use error::HomeError;
pub use job_home::JobHome;
pub use journal::{Journal, JournalName, Journals, Leftover, LeftoverContent, Turn};
pub use locks::{ClientLocks, HomeLock};
pub use place::Home;
pub use placed_login::{LeftLogin, PlacedLogin};
pub use renewed::{LeftInHome, Renewed};
pub use run_home::RunHome;
pub use serving::{Serving, seen_serving};
pub use sidecar::Sidecar;
pub use spent::SpentHere;
pub use state_directory::StateDirectory;
pub use users::{LastUserGone, Users};
