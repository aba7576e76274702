//! `--mask`: how a platform is told what it must not show, and whether it may be told at all.
//!
//! To every other platform the order to hide a text is a line of the log with that text in it. So nothing is said unless
//! somebody asks for it, and then only on the platform that runs us, and not into a file.

use std::ffi::OsString;

use zeroize::Zeroizing;

use super::buildkite::{RedactorError, redact};
use super::github::Commands;
use super::{Platform, azure};

/// How a platform is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hiding {
    /// By a line of our output: GitHub's.
    GitHubLine,
    /// By a line of our output: Azure's.
    AzureLine,
    /// By its agent's program, through a pipe.
    BuildkiteAgent,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// Nothing: the default.
    #[default]
    Nothing,
    /// What the platform that runs us has.
    Whatever,
    /// What this platform has.
    Of(Platform),
}

/// A mask would be a leak here. Nothing was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaskError {
    /// Another platform runs us.
    #[error("masks of {} were asked for, and this is {}", .wanted.name(), .here.name())]
    Elsewhere {
        /// Whose masks were asked for.
        wanted: Platform,
        /// Where we are.
        here: Platform,
    },
    /// A file would have them.
    #[error("masks go to standard error, and that is a file here")]
    IntoFile,
}

impl Wish {
    /// Every name that `--mask` takes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let can_hide = Platform::ALL.into_iter().filter(|platform| platform.facts().hiding.is_some());
        ["auto"].into_iter().chain(can_hide.map(Platform::name)).chain(["none"])
    }

    /// Reads one of these names.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::Nothing),
            "auto" => Some(Self::Whatever),
            _ => Platform::ALL
                .into_iter()
                .find(|platform| platform.name() == name && platform.facts().hiding.is_some())
                .map(Self::Of),
        }
    }

    /// Decides how secrets are hidden on the platform that runs us; `None` where nothing is asked for, or nothing can be done.
    /// `into_file`: whether our standard error is a file.
    ///
    /// # Errors
    /// Where a mask would be the leak.
    pub fn hiding(self, here: Platform, into_file: bool) -> Result<Option<Hiding>, MaskError> {
        let hiding = match self {
            Self::Nothing => None,
            Self::Of(wanted) if wanted != here => return Err(MaskError::Elsewhere { wanted, here }),
            Self::Whatever | Self::Of(_) => here.facts().hiding,
        };
        match hiding {
            Some(Hiding::GitHubLine | Hiding::AzureLine) if into_file => Err(MaskError::IntoFile),
            hiding => Ok(hiding),
        }
    }
}

impl Hiding {
    /// Hides texts: by lines that `print` puts on standard error, or by a program with this environment.
    ///
    /// # Errors
    /// When that program cannot be told.
    pub fn hide(
        self,
        secrets: &[&str],
        environment: &[(OsString, OsString)],
        print: impl Fn(&str),
    ) -> Result<(), RedactorError> {
        let lines = |line: fn(&str) -> Zeroizing<String>| {
            secrets.iter().for_each(|secret| print(&line(secret)));
            Ok(())
        };
        match self {
            Self::GitHubLine => lines(Commands::mask),
            Self::AzureLine => lines(azure::mask),
            Self::BuildkiteAgent => redact(secrets, environment),
        }
    }
}

/// Returns whether what we say on standard error goes into a file or nowhere, where a platform does not read it.
#[cfg(unix)]
#[must_use]
pub fn complains_into_a_file() -> bool {
    use rustix::fs::{FileType, fstat};
    use std::io::IsTerminal as _;
    fstat(std::io::stderr()).is_ok_and(|it| match FileType::from_raw_mode(it.st_mode) {
        FileType::RegularFile => true,
        FileType::CharacterDevice => !std::io::stderr().is_terminal(),
        _ => false,
    })
}

/// Cannot tell here.
#[cfg(not(unix))]
#[must_use]
pub fn complains_into_a_file() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_for_the_platform_that_runs_us_alone() {
        for here in Platform::ALL {
            assert_eq!(Wish::Nothing.hiding(here, false), Ok(None), "{here:?}");
            assert_eq!(Wish::Whatever.hiding(here, false), Ok(here.facts().hiding), "{here:?}");
            for wanted in [Platform::GitHub, Platform::Azure, Platform::Buildkite] {
                let expected = if wanted == here {
                    Ok(here.facts().hiding)
                } else {
                    Err(MaskError::Elsewhere { wanted, here })
                };
                assert_eq!(Wish::Of(wanted).hiding(here, false), expected, "{wanted:?} on {here:?}");
            }
        }
    }

    #[test]
    fn no_mask_is_written_into_a_file() {
        for (here, expected) in [
            (Platform::GitHub, Err(MaskError::IntoFile)),
            (Platform::Azure, Err(MaskError::IntoFile)),
            (Platform::Buildkite, Ok(Some(Hiding::BuildkiteAgent))),
            (Platform::GitLab, Ok(None)),
        ] {
            assert_eq!(Wish::Whatever.hiding(here, true), expected, "{here:?}");
            assert_eq!(Wish::Nothing.hiding(here, true), Ok(None), "{here:?}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_told() {
        assert_eq!(Wish::names().collect::<Vec<_>>(), ["auto", "github", "azure", "buildkite", "none"]);
        for name in Wish::names() {
            assert!(Wish::parse(name).is_some(), "{name}");
        }
        for name in ["", "gitlab", "shell", "GitHub", "always"] {
            assert_eq!(Wish::parse(name), None, "{name}");
        }
    }
}
