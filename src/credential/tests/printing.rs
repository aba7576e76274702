//! What is secret has no way to be printed, compared in passing, or turned into text by accident.

use std::fmt::{Debug, Display};

use super::*;
use crate::testing::implements;

macro_rules! never_printed {
    ($($type:ty),+ $(,)?) => {$(
        assert!(!implements!($type: Debug), "{} can be printed", stringify!($type));
        assert!(!implements!($type: Display), "{} can be printed", stringify!($type));
        assert!(!implements!($type: ToString), "{} can be printed", stringify!($type));
        assert!(!implements!($type: serde::Serialize), "{} can be serialised", stringify!($type));
        assert!(!implements!($type: AsRef<str>), "{} has a second door", stringify!($type));
        assert!(!implements!($type: std::ops::Deref), "{} has a second door", stringify!($type));
    )+};
}

#[test]
fn nothing_secret_can_be_printed() {
    // What can be printed is noticed: otherwise the lines below would prove nothing.
    assert!(implements!(IdClaims: Debug) && implements!(Due: Display) && implements!(Due: ToString));
    assert!(implements!(str: serde::Serialize) && implements!(str: AsRef<str>));
    assert!(implements!(Box<str>: std::ops::Deref));
    never_printed!(
        ApiKey,
        AccessToken,
        RefreshToken,
        PersonalAccessToken,
        AuthJson,
        Credential,
        FullLogin,
        AccessOnly,
        Renewal,
        Renewed,
    );
}
