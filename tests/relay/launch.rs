//! Starts processes while other tests hold locks in this one. A new process has copies of all open files, locks
//! included, until it has become another program; [`settle`] waits until none is in between.

use std::fs::File;
use std::io::{Seek, Write};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Only a failing test waits for it.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Tells threads that look on to end, also when the test fails.
#[derive(Default)]
pub(crate) struct Done(AtomicBool);

static STARTING: Mutex<()> = Mutex::new(());

/// A process, and what it says into unnamed files: no pipe can fill up.
pub(crate) struct Started {
    child: Child,
    stdout: File,
    stderr: File,
}

/// How a process ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Starts a process with this standard input.
pub(crate) fn start(command: &mut Command, input: &str) -> Started {
    let unnamed = || tempfile::tempfile().unwrap();
    let (mut stdin, stdout, stderr) = (unnamed(), unnamed(), unnamed());
    stdin.write_all(input.as_bytes()).unwrap();
    stdin.rewind().unwrap();
    command.stdin(stdin);
    command.stdout(Stdio::from(stdout.try_clone().unwrap()));
    command.stderr(Stdio::from(stderr.try_clone().unwrap()));
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    Started { child: command.spawn().unwrap(), stdout, stderr }
}

/// Waits until no process has copies of locks that this one has let go.
pub(crate) fn settle() {
    drop(STARTING.lock().unwrap_or_else(PoisonError::into_inner));
}

impl Done {
    /// Says so when what is returned is dropped.
    pub(crate) fn in_the_end(&self) -> impl Drop {
        struct Guard<'a>(&'a AtomicBool);
        impl Drop for Guard<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        Guard(&self.0)
    }

    pub(crate) fn is_said(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Started {
    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Returns the process's number.
    pub(crate) fn id(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Returns what it has said on its standard error so far.
    pub(crate) fn said(&self) -> String {
        content(&self.stderr)
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        let limit = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Ended {
                    code: status.code(),
                    stdout: content(&self.stdout),
                    stderr: content(&self.stderr),
                };
            }
            if Instant::now() > limit {
                self.child.kill().unwrap();
                panic!("it did not end: {}", content(&self.stderr));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Read by position: the process writes at the same one.
fn content(file: &File) -> String {
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
