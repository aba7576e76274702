//! Where texts go that the platform must not show: some print `***` in their place, wherever they turn up in a log.

use std::fmt;
use std::rc::Rc;

/// Which secrets of a login are hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// All: a runner alone reads the stream.
    All,
    /// Those that a job is given. Nothing that we hand to a job has the refresh token, so nothing can print it; and a
    /// stream that a script has led elsewhere must not have it either.
    OfJob,
}

/// What tells the platform.
type Hide = dyn Fn(&[&str]);

/// Hides texts from the log of the platform, if that is something that the platform can do.
#[derive(Clone)]
pub struct Masks {
    hidden: Hidden,
    hide: Rc<Hide>,
}

impl Masks {
    /// For platforms that hide nothing: there the order to hide a text would itself be what shows it.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Hidden::All, |_| {})
    }

    /// Takes what tells the platform.
    #[must_use]
    pub fn new(hidden: Hidden, hide: impl Fn(&[&str]) + 'static) -> Self {
        Self { hidden, hide: Rc::new(hide) }
    }

    /// Returns which secrets of a login it wants to be told.
    #[must_use]
    pub fn hidden(&self) -> Hidden {
        self.hidden
    }

    /// Hides `secret`, before anything else can print it.
    pub fn hide(&self, secret: &str) {
        self.hide_all([secret]);
    }

    /// Hides all of them at once: to some platforms a program carries them.
    pub fn hide_all<'s>(&self, secrets: impl IntoIterator<Item = &'s str>) {
        let secrets: Vec<&str> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        if !secrets.is_empty() {
            (self.hide)(&secrets);
        }
    }
}

impl fmt::Debug for Masks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Masks")
    }
}
