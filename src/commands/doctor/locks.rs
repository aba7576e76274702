//! The locks of the home: who holds one, who could not take it, and whether the file system keeps locks at all. None is
//! made or kept.

use std::path::{Path, PathBuf};

use super::finding::{Finding, FindingId, Topic};
use crate::disk::{LockLook, Whose, keeps_locks, look_at_lock};
use crate::home::{AuthFile, ClientLocks, Home, HomeError, HomeLock, Sidecar};

const TOPIC: Topic = Topic::Locks;

/// What there is to know of the locks.
pub(super) struct LockFacts {
    locks: Vec<(PathBuf, LockLook)>,
    /// Who holds ours, as its file says.
    holder: Option<String>,
    /// Whether the file system keeps two from the same lock, where that could be tried.
    keeps: Option<bool>,
}

impl LockFacts {
    /// Looks at the locks that everybody waits for who wants them.
    pub(super) fn look(home: &Home, file: &AuthFile) -> Self {
        let clients = ClientLocks::paths(file).map(|path| (path, Whose::Clients));
        let all = [(HomeLock::path(home), Whose::Ours)].into_iter().chain(clients);
        let locks = all.map(|(path, whose)| {
            let look = look_at_lock(&path, whose);
            (path, look)
        });
        // A file of ours that nobody locks, so that nobody meets what is tried.
        let keeps = keeps_locks(&Sidecar::path(home));
        Self { locks: locks.collect(), holder: HomeLock::holder(home), keeps }
    }

    /// Says what that means.
    pub(super) fn findings(self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut is_held = false;
        for (path, look) in self.locks {
            match look {
                LockLook::Missing | LockLook::Free => {}
                LockLook::Held(process) => {
                    is_held = true;
                    findings.push(held(&path, process, self.holder.as_deref()));
                }
                LockLook::Unusable(error) => findings.push(Finding::error(TOPIC, HomeError::Disk(error))),
            }
        }
        if self.keeps == Some(false) {
            let text = "two could lock the same file of the home at once: its file system keeps no locks";
            findings.push(Finding::new(TOPIC, FindingId::LocksNotKept, text));
        }
        if !is_held {
            let tried = if self.keeps.is_some() { ", and its file system keeps locks" } else { "" };
            let tried = if self.keeps == Some(false) { "" } else { tried };
            let text = format!("nobody holds a lock of the home{tried}");
            findings.insert(0, Finding::new(TOPIC, FindingId::NoLockHeld, text));
        }
        findings
    }
}

fn held(path: &Path, process: Option<u32>, holder: Option<&str>) -> Finding {
    let is_ours = path.file_name().is_some_and(|name| name == "authbaton.lock");
    let who = match (holder.filter(|_| is_ours), process) {
        (Some(name), _) => name.to_owned(),
        (None, Some(process)) => format!("process {process}"),
        (None, None) => "a process that cannot be seen from here".to_owned(),
    };
    let text = format!("`{}` is held by {who}", path.display());
    Finding::new(TOPIC, FindingId::LockHeld, text).with("process", process)
}

#[cfg(test)]
mod tests {
    use super::super::tests::ids;
    use super::*;
    use crate::disk::DiskError;

    fn locks(locks: Vec<(&str, LockLook)>, keeps: Option<bool>) -> Vec<Finding> {
        let locks = locks.into_iter().map(|(path, look)| (path.into(), look)).collect();
        LockFacts { locks, holder: Some("github 7 on host (pid 5)".to_owned()), keeps }.findings()
    }

    #[test]
    fn free_locks_are_well() {
        let all = || vec![("/h/authbaton.lock", LockLook::Free), ("/h/auth.lock", LockLook::Missing)];
        assert_eq!(ids(locks(all(), Some(true))), ["ok locks"]);
        assert_eq!(locks(all(), None)[0].text, "nobody holds a lock of the home");
        assert_eq!(ids(locks(all(), Some(false))), ["ok locks", "error locks-not-kept"]);
    }

    #[test]
    fn a_held_lock_has_a_holder() {
        let text = |path, process| locks(vec![(path, LockLook::Held(process))], Some(true)).remove(0).text;
        assert_eq!(
            text("/h/authbaton.lock", Some(5)),
            "`/h/authbaton.lock` is held by github 7 on host (pid 5)"
        );
        assert_eq!(text("/h/auth.lock", Some(5)), "`/h/auth.lock` is held by process 5");
        assert_eq!(
            text("/h/auth.lock", None),
            "`/h/auth.lock` is held by a process that cannot be seen from here"
        );
        assert_eq!(ids(locks(vec![("/h/auth.lock", LockLook::Held(None))], None)), ["info lock-held"]);
    }

    #[test]
    fn a_lock_that_cannot_be_taken_is_an_error() {
        let unusable = LockLook::Unusable(DiskError::HardLinked("/h/authbaton.lock".into()));
        assert_eq!(
            ids(locks(vec![("/h/authbaton.lock", unusable)], None)),
            ["ok locks", "error !Relay(Home(Disk(HardLinked("]
        );
    }
}
