//! What a person is told while a verb runs. The command line decides where it goes and how much of it.

use std::error::Error;

use super::Masks;

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only with `-v`.
    Detail,
    /// What happened. Not with `-q`.
    Info,
    /// Something that a person should look at, although the verb goes on.
    Warning,
}

/// Takes notices.
pub trait Notices {
    /// Tells one thing, in one sentence, without secrets.
    fn tell(&self, level: Level, text: &str);

    /// Shows lines that belong together, and that somebody else said.
    fn group(&self, _title: &str, lines: &[&str]) {
        lines.iter().for_each(|line| self.tell(Level::Info, line));
    }

    /// Returns what hides secrets from all output that follows, where the platform can be asked to. By default nobody is.
    fn masks(&self) -> Masks {
        Masks::none()
    }

    /// Says that from here on somebody else has the streams, too: what belongs together ends.
    fn others_speak(&self) {}

    /// Returns what passes on, from another thread, lines that a process of ours has to say. By default nobody hears.
    fn line(&self) -> Box<dyn FnMut(&str) + Send> {
        Box::new(|_| {})
    }
}

/// Returns an error with its causes, in one line. No error of ours has a secret in it.
#[must_use]
pub fn explain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Tells nobody.
pub struct Silent;

impl Notices for Silent {
    fn tell(&self, _level: Level, _text: &str) {}
}
