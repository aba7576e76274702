//! What carries a login or a key has no way to be printed.

use std::fmt::{Debug, Display};

use super::*;
use crate::testing::implements;

#[test]
fn nothing_with_a_secret_can_be_printed() {
    // What can be printed is noticed: otherwise the lines below would prove nothing.
    assert!(implements!(State: Debug) && implements!(SlotName: Display));
    assert!(!implements!(SealKeys: Debug) && !implements!(SealKeys: Display));
    assert!(!implements!(Baton: Debug) && !implements!(Baton: Display));
    assert!(!implements!(OpenedBaton: Debug) && !implements!(OpenedBaton: Display));
    assert!(!implements!(Opened<JournalHeader>: Debug) && !implements!(Opened<JournalHeader>: Display));
    assert!(!implements!(SealRandom: Debug) && !implements!(SealRandom: Display));
    assert!(!implements!(Baton: serde::Serialize), "only sealing makes bytes of a baton");
    assert!(!implements!(SealKeys: Clone), "one copy of the keys in memory");
}
