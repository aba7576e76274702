//! The steps of a refresh, in their order: points before and after which a process may end. The fault suite iterates
//! them, so that a step without a case does not compile there.

macro_rules! steps {
    ($($(#[$meaning:meta])* $step:ident $name:literal)*) => {
        /// A step with an effect that others can see.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Step { $($(#[$meaning])* $step),* }

        impl Step {
            /// Every step, in the order of a refresh.
            pub const ALL: &[Self] = &[$(Self::$step),*];

            /// Returns the name of the step.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$step => $name),* }
            }
        }
    };
}

steps! {
    /// The lock on the home.
    Lock "lock"
    /// Journals that were left behind.
    Recover "recover"
    /// The first look at the slot.
    Load "load"
    /// What could keep the result from being stored and used.
    Preflight "preflight"
    /// The journal, blank.
    MakeJournal "make-journal"
    /// The lease.
    Lease "lease"
    /// Journals again, under the lease.
    RecoverAgain "recover-again"
    /// The POST and its answer.
    Post "post"
    /// The reply in the journal.
    WriteJournal "write-journal"
    /// The result in the store.
    Store "store"
    /// The end of the journal.
    DropJournal "drop-journal"
    /// The access-only file in the home.
    Place "place"
    /// The sidecar beside it.
    Sidecar "sidecar"
}

impl Step {
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
