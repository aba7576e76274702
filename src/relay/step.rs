//! The steps of a refresh, in their order: points before and after which a process may end. The fault suite iterates
//! them, so that a step without a case does not compile there.

/// A step with an effect that others can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The lock on the home.
    Lock,
    /// Journals that were left behind.
    Recover,
    /// The first look at the slot.
    Load,
    /// What could keep the result from being stored and used.
    Preflight,
    /// The journal, blank.
    MakeJournal,
    /// The lease.
    Lease,
    /// Journals again, under the lease.
    RecoverAgain,
    /// The POST and its answer.
    Post,
    /// The reply in the journal.
    WriteJournal,
    /// The result in the store.
    Store,
    /// The end of the journal.
    DropJournal,
    /// The access-only file in the home.
    Place,
    /// The sidecar beside it.
    Sidecar,
}

impl Step {
    /// Every step, in the order of a refresh.
    pub const ALL: [Self; 13] = [
        Self::Lock,
        Self::Recover,
        Self::Load,
        Self::Preflight,
        Self::MakeJournal,
        Self::Lease,
        Self::RecoverAgain,
        Self::Post,
        Self::WriteJournal,
        Self::Store,
        Self::DropJournal,
        Self::Place,
        Self::Sidecar,
    ];

    /// Returns the name of the step.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Recover => "recover",
            Self::Load => "load",
            Self::Preflight => "preflight",
            Self::MakeJournal => "make-journal",
            Self::Lease => "lease",
            Self::RecoverAgain => "recover-again",
            Self::Post => "post",
            Self::WriteJournal => "write-journal",
            Self::Store => "store",
            Self::DropJournal => "drop-journal",
            Self::Place => "place",
            Self::Sidecar => "sidecar",
        }
    }

    /// Takes the step.
    pub(super) fn run<T>(self, work: impl FnOnce() -> T) -> T {
        self.reached("before");
        let result = work();
        self.reached("after");
        result
    }

    #[cfg(feature = "failpoints")]
    fn reached(self, when: &str) {
        crate::job::failpoint(&format!("{when}:{}", self.name()));
    }

    #[cfg(not(feature = "failpoints"))]
    fn reached(self, _when: &str) {}
}
