//! Why the policy cannot be decided. Nothing is placed and nothing is deleted then.

use super::Source;
use crate::disk::DiskError;

/// The policy cannot be decided.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A file is there, but cannot be read.
    #[error("the configuration cannot be read")]
    Unreadable(#[from] DiskError),
    /// Nobody knows which project the client would be started in.
    #[error("the current directory cannot be found: {0}")]
    NoDirectory(std::io::ErrorKind),
    /// The file that `--managed-config` names cannot be opened. The name is not repeated: it may be a misplaced secret.
    #[error("--managed-config: there is no such file, or it cannot be opened")]
    NoManagedConfig,
    /// A file is not TOML, or a value that counts has the wrong form.
    #[error("{place}: {problem}")]
    Invalid {
        /// Where: a file with line and column, or an option.
        place: String,
        /// What is wrong, as the client says it where it does.
        problem: String,
    },
    /// The restrictions contradict each other.
    #[error("authentication requirements do not permit any usable login method ({})", list(.0))]
    Impossible(Vec<Source>),
}

fn list(sources: &[Source]) -> String {
    sources.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
