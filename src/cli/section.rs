//! What we say on a platform whose log can be folded: a part with a title. It begins with the first thing that is said, and
//! ends before an error, before what a command of `run` says, and with the verb: none of these is ever folded away.

use std::cell::Cell;

use crate::job::gitlab::{section_end, section_start};
use crate::job::{Clock, Platform, SystemClock};

/// A part of the log.
pub(super) struct Section {
    name: String,
    title: String,
    stage: Cell<Stage>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    NotBegun,
    Open,
    Over,
}

impl Section {
    /// Returns the part for a verb, on a platform that has such parts.
    pub(super) fn of(verb: &str, here: Platform) -> Option<Self> {
        // A name must not come twice in a log.
        let name = format!("authbaton_{verb}_{}", std::process::id());
        let section = Self { name, title: format!("authbaton {verb}"), stage: Cell::new(Stage::NotBegun) };
        here.facts().folds.then_some(section)
    }

    /// Returns what is said before the first line, and nothing before others.
    pub(super) fn begin(&self) -> String {
        match self.stage.get() {
            Stage::NotBegun => {
                self.stage.set(Stage::Open);
                section_start(&self.name, &self.title, SystemClock.now().timestamp())
            }
            Stage::Open | Stage::Over => String::new(),
        }
    }

    /// Returns what ends it, if it has begun. It does not begin again.
    pub(super) fn end(&self) -> String {
        match self.stage.replace(Stage::Over) {
            Stage::Open => section_end(&self.name, SystemClock.now().timestamp()),
            Stage::NotBegun | Stage::Over => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_once() {
        let section = Section::of("run", Platform::GitLab).unwrap();
        assert!(section.begin().contains(":authbaton_run_") && section.begin().is_empty());
        assert!(section.end().contains("section_end:") && section.end().is_empty());
        assert!(section.begin().is_empty());
        // Nothing was said: there is nothing to fold.
        let silent = Section::of("run", Platform::GitLab).unwrap();
        assert!(silent.end().is_empty() && silent.begin().is_empty());
        assert!(Section::of("run", Platform::GitHub).is_none());
    }
}
