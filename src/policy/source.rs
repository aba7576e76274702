//! Where a value of the policy comes from, as people are told.

use std::fmt;
use std::path::PathBuf;

/// What a value was set by. Among the client's own layers a later one of this list beats an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The system's `config.toml`. Weaker than the user's.
    System,
    /// `config.toml` in the home.
    User,
    /// `NAME.config.toml` in the home, selected by `--profile NAME`.
    Profile,
    /// `.codex/config.toml` of a project that is trusted.
    Project,
    /// `-c key=value`.
    Flags,
    /// `managed_config.toml`. No user can override it.
    Managed,
    /// The managed preferences of macOS.
    ManagedPreferences,
    /// `requirements.toml`: what is allowed at all.
    Requirements,
    /// The requirements among the managed preferences of macOS.
    RequirementsPreferences,
    /// An option of ours: not a layer of the client's, and it can only narrow what the layers allow.
    Option(&'static str),
}

/// A layer with its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Which layer.
    pub layer: Layer,
    /// Its file; flags and most options have none.
    pub file: Option<PathBuf>,
}

impl Layer {
    /// Returns the name that reports have for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Profile => "profile",
            Self::Project => "project",
            Self::Flags => "flags",
            Self::Managed => "managed",
            Self::ManagedPreferences => "mdm",
            Self::Requirements => "requirements",
            Self::RequirementsPreferences => "requirements-mdm",
            Self::Option(_) => "option",
        }
    }
}

impl Source {
    pub(super) fn option(name: &'static str) -> Self {
        Self { layer: Layer::Option(name), file: None }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.layer, &self.file) {
            (Layer::Option(name), None) => write!(out, "--{name}"),
            (Layer::Option(name), Some(file)) => write!(out, "--{name} ({})", file.display()),
            (Layer::Flags, _) => out.write_str("-c"),
            (layer, Some(file)) => write!(out, "{} ({})", layer.name(), file.display()),
            (layer, None) => out.write_str(layer.name()),
        }
    }
}
