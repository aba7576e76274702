//! What a person is told while a verb runs. The command line decides where it goes and how much of it.

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
}

/// Tells nobody.
pub struct Silent;

impl Notices for Silent {
    fn tell(&self, _level: Level, _text: &str) {}
}
