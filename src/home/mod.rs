//! Where the client reads its login: the home, its locks, its `auth.json`, what we note beside it, and the journals
//! that this machine keeps.

mod auth_file;
mod error;
mod journal;
mod locks;
mod place;
mod renewed;
mod sidecar;
mod spent;
mod state_directory;

pub use auth_file::{AuthFile, Found, Obstacle};
pub use error::HomeError;
pub use journal::{Journal, JournalName, Journals, Leftover, LeftoverContent, Turn};
pub use locks::{ClientLocks, HomeLock};
pub use place::Home;
pub use renewed::{LeftInHome, Renewed};
pub use sidecar::Sidecar;
pub use spent::SpentHere;
pub use state_directory::StateDirectory;
