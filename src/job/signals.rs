//! Signals while a token is being spent: noted, not obeyed, until the result is safe.
//!
//! A CI ends a job with SIGINT and, seconds later, SIGTERM. Obeyed between the POST and the store, they would lose the
//! login. Outside of a [`Deferral`] every signal does what it always does; one that whoever started us has ignored
//! (`nohup`, a shell's background job) stays ignored. While a command runs, `child.rs` hands them on to it.

#[cfg(unix)]
pub use unix::Deferral;
#[cfg(unix)]
pub(super) use unix::{Undisturbed, not_ignored};

#[cfg(not(unix))]
pub use elsewhere::Deferral;

#[cfg(unix)]
mod unix {
    use std::cell::{Cell, RefCell};
    use std::io;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::flag::register_conditional_default;
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::raw::WithRawSiginfo;
    use signal_hook::low_level::emulate_default_handler;

    /// The signals with which a job is ended.
    const ENDING: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

    /// How many there are in this process that are not to be disturbed: each thread of a broker may be one.
    static ACTIVE: Mutex<usize> = Mutex::new(0);

    /// While one of these lives, SIGINT, SIGTERM and SIGHUP do not end this process.
    pub(in crate::job) struct Undisturbed(Arc<AtomicBool>);

    /// While this lives, SIGINT, SIGTERM and SIGHUP are noted. When it is dropped, the first of them is obeyed.
    pub struct Deferral {
        undisturbed: Option<Undisturbed>,
        signals: RefCell<SignalsInfo<WithRawSiginfo>>,
        noted: RefCell<Vec<i32>>,
        dismissed: Cell<bool>,
    }

    impl Undisturbed {
        /// Begins, once `listening` has installed who is to hear the signals in the meantime.
        pub(in crate::job) fn begin<T>(listening: impl FnOnce() -> io::Result<T>) -> io::Result<(Self, T)> {
            let obey = obeying(&not_ignored(&ENDING))?;
            let listening = listening()?;
            let mut active = active();
            *active += 1;
            obey.store(false, Ordering::SeqCst);
            Ok((Self(obey), listening))
        }
    }

    impl Drop for Undisturbed {
        fn drop(&mut self) {
            let mut active = active();
            *active = active.saturating_sub(1);
            if *active == 0 {
                self.0.store(true, Ordering::SeqCst);
            }
        }
    }

    fn active() -> MutexGuard<'static, usize> {
        ACTIVE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    impl Deferral {
        /// Begins to defer.
        ///
        /// # Errors
        /// When the handlers cannot be installed.
        pub fn begin() -> io::Result<Self> {
            let (undisturbed, signals) = Undisturbed::begin(|| SignalsInfo::new(not_ignored(&ENDING)))?;
            Ok(Self {
                undisturbed: Some(undisturbed),
                signals: RefCell::new(signals),
                noted: RefCell::default(),
                dismissed: Cell::default(),
            })
        }

        /// Returns how many signals have come since.
        #[must_use]
        pub fn noted(&self) -> usize {
            let mut noted = self.noted.borrow_mut();
            noted.extend(self.signals.borrow_mut().pending().map(|signal| signal.si_signo));
            noted.len()
        }
    }

    impl Deferral {
        /// Leaves the signals that came unobeyed: this process has something to say, and ends right after it.
        pub fn dismiss(&self) {
            let _ = self.noted();
            self.dismissed.set(true);
        }
    }

    impl Drop for Deferral {
        fn drop(&mut self) {
            // First obey, then look what came until then: nothing falls between.
            drop(self.undisturbed.take());
            let _ = self.noted();
            if self.dismissed.get() {
                return;
            }
            if let Some(signal) = self.noted.borrow().first() {
                // Ends this process as the signal would have, so that whoever sent it sees that.
                let _ = emulate_default_handler(*signal);
            }
        }
    }

    /// Installs, once for this process, what each signal does outside of a deferral: what it always did.
    fn obeying(signals: &[i32]) -> io::Result<Arc<AtomicBool>> {
        static OBEY: OnceLock<Arc<AtomicBool>> = OnceLock::new();
        if let Some(obey) = OBEY.get() {
            return Ok(Arc::clone(obey));
        }
        let obey = Arc::new(AtomicBool::new(true));
        for signal in signals {
            register_conditional_default(*signal, Arc::clone(&obey))?;
        }
        Ok(Arc::clone(OBEY.get_or_init(|| obey)))
    }

    /// Leaves out the signals that whoever started us has ignored.
    pub(in crate::job) fn not_ignored(signals: &[i32]) -> Vec<i32> {
        let ignored = ignored_mask().unwrap_or_default();
        signals.iter().copied().filter(|signal| ignored >> (signal - 1) & 1 == 0).collect()
    }

    /// `SigIgn` of `/proc/self/status`: a bit for each signal, the first for signal 1 (proc(5)).
    #[expect(
        clippy::disallowed_methods,
        reason = "a file of the kernel's, of bounded size, below the disk room"
    )]
    fn ignored_mask() -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::io;

    /// Defers nothing: not verified on this system.
    pub struct Deferral;

    impl Deferral {
        /// Begins to defer nothing.
        ///
        /// # Errors
        /// Never.
        pub fn begin() -> io::Result<Self> {
            Ok(Self)
        }

        /// Returns how many signals have come since: none that could be seen.
        #[must_use]
        pub fn noted(&self) -> usize {
            0
        }

        /// Leaves nothing unobeyed.
        pub fn dismiss(&self) {}
    }
}
