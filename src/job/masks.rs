//! Where texts go that the platform must not show: some print `***` in their place, wherever they turn up in a log.

use std::fmt;
use std::rc::Rc;

/// Hides a text from the log of the platform, if that is something that the platform can do.
#[derive(Clone)]
pub struct Masks(Rc<dyn Fn(&str)>);

impl Masks {
    /// For platforms that hide nothing: there the order to hide a text would itself be what shows it.
    #[must_use]
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    /// Takes what tells the platform.
    #[must_use]
    pub fn new(hide: impl Fn(&str) + 'static) -> Self {
        Self(Rc::new(hide))
    }

    /// Hides `secret`, before anything else can print it.
    pub fn hide(&self, secret: &str) {
        if !secret.is_empty() {
            (self.0)(secret);
        }
    }
}

impl fmt::Debug for Masks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Masks")
    }
}
