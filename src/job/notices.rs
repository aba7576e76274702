//! What a person is told while a verb runs. The command line decides where it goes and how much of it.

use std::error::Error;

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

    /// Hides a secret from all output that follows, where the platform can be asked to. By default nobody is: elsewhere
    /// the asking would be the leak.
    fn mask(&self, _secret: &str) {}

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
