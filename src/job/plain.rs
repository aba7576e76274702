//! Where no platform is recognised: some other CI, or a shell. Neither says which job this is.

use super::platform::{Described, PlatformFacts, Sign};

/// Some CI.
pub(super) const OTHER_CI: PlatformFacts = PlatformFacts { name: "ci", sign: Sign::NotFalse("CI"), ..SHELL };

/// A shell: of a person, of a timer, of a container.
pub(super) const SHELL: PlatformFacts = PlatformFacts {
    name: "shell",
    sign: Sign::Nothing,
    identity: &[],
    trust: &[],
    temporary: &["TMPDIR"],
    workspace: &[],
    hiding: None,
    folds: false,
    describe: |_| Described::default(),
};
