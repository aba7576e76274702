//! Who uses a home, and the homes of runs that were killed.

use std::path::Path;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use authbaton::disk::{DiskError, FileLock, Patience, Whose};
use authbaton::home::{HomeError, LastUserGone, RunHome, Users};
use authbaton::job::SystemClock;
use tempfile::TempDir;

use crate::process::{LIMIT, Process, is_gone, wait_until};
use crate::role::{home, role};

fn join(path: &Path, limit: Duration) -> Result<Users, HomeError> {
    Users::join(&home(path), &Patience { clock: &SystemClock, limit, tell: &|_| {} })
}

/// What the broker does.
fn waiting(path: &Path) -> Receiver<LastUserGone> {
    let (sender, receiver) = channel();
    let home = home(path);
    thread::spawn(move || sender.send(Users::wait_for_last(&home).unwrap()));
    receiver
}

fn is_used(path: &Path) -> bool {
    FileLock::try_acquire(&path.join("authbaton.users"), Whose::Ours).unwrap().is_none()
}

/// Its command goes on: it must not have a copy of the lock.
#[test]
fn a_killed_run_uses_its_home_no_more() {
    let directory = TempDir::new().unwrap();
    let go = directory.path().join("go");
    let script = format!("echo pid $$ >&2; while [ ! -e {} ]; do sleep 0.01; done", go.display());
    let start = || {
        let process = Process::start(role("user", directory.path(), &["sh", "-c", &script]), "");
        let command: u32 = process.wait_for("pid ").parse().unwrap();
        (process, command)
    };
    let (first, first_command) = start();
    let gone = waiting(directory.path());
    // One that comes later than the broker began to wait counts as well.
    let (second, second_command) = start();
    first.kill();
    assert!(is_used(directory.path()));
    assert!(matches!(gone.try_recv(), Err(TryRecvError::Empty)));
    second.kill();
    let last = gone.recv_timeout(LIMIT).unwrap();
    for command in [first_command, second_command] {
        assert!(!is_gone(command), "the command should still run");
    }
    let too_soon = join(directory.path(), Duration::from_millis(20));
    assert!(matches!(too_soon, Err(HomeError::Disk(DiskError::Locked { .. }))));
    drop(last);
    let _next = join(directory.path(), LIMIT).unwrap();
    std::fs::write(go, "").unwrap();
    for command in [first_command, second_command] {
        wait_until("its end", || is_gone(command));
    }
}

#[test]
fn several_use_a_home_until_the_last_has_gone() {
    let directory = TempDir::new().unwrap();
    let first = join(directory.path(), LIMIT).unwrap();
    let gone = waiting(directory.path());
    let second = join(directory.path(), LIMIT).unwrap();
    drop(first);
    assert!(matches!(gone.try_recv(), Err(TryRecvError::Empty)));
    drop(second);
    drop(gone.recv_timeout(LIMIT).unwrap());
}

#[test]
fn the_home_of_a_killed_run_is_deleted_by_the_next() {
    let directory = TempDir::new().unwrap();
    let process = Process::start(role("home", directory.path(), &[]), "");
    let left = process.wait_for(directory.path().canonicalize().unwrap().to_str().unwrap());
    let left = directory.path().join(left.trim_start_matches('/'));
    assert!(left.is_dir());
    assert_eq!(RunHome::remove_stale(directory.path()), 0, "its owner lives");
    process.kill();
    assert_eq!(RunHome::remove_stale(directory.path()), 1);
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}
