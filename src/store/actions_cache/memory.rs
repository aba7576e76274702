//! What one store object has seen of a cell, so that it asks no more than it must and believes no less than it knows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::keys::Sequence;

/// How long what was looked up is relied on. Within that no record goes that came after it, or not without a trace.
const FRESH: Duration = Duration::from_secs(60);
/// A key that exists and cannot be read for this long was reserved by somebody who is gone.
const ORPHANED: Duration = Duration::from_secs(60);

/// What is known of a cell.
#[derive(Default)]
pub(super) struct Memory {
    /// When we looked last, or wrote.
    looked: Option<Duration>,
    /// The highest number that we have seen in the cell.
    highest: Option<Sequence>,
    /// Since when keys exist that cannot be read.
    unreadable: BTreeMap<Sequence, Duration>,
    /// Keys that we have reserved, and will never finish.
    abandoned: BTreeSet<Sequence>,
}

impl Memory {
    /// We looked: this is the newest that the service shows.
    pub(super) fn saw(&mut self, newest: Option<Sequence>, now: Duration) {
        self.looked = Some(now);
        self.highest = self.highest.max(newest);
    }

    /// What we have seen is gone: this is what is left.
    pub(super) fn lost(&mut self, newest: Option<Sequence>) {
        self.highest = newest;
    }

    /// Returns whether the cell was looked at a short while ago.
    pub(super) fn is_fresh(&self, now: Duration) -> bool {
        self.looked.is_some_and(|looked| now.saturating_sub(looked) <= FRESH)
    }

    pub(super) fn highest(&self) -> Option<Sequence> {
        self.highest
    }

    /// A key exists and cannot be read. Returns whether it never will be.
    pub(super) fn is_orphan(&mut self, sequence: Sequence, now: Duration) -> bool {
        let since = *self.unreadable.entry(sequence).or_insert(now);
        now.saturating_sub(since) >= ORPHANED
    }

    pub(super) fn abandon(&mut self, sequence: Sequence) {
        self.abandoned.insert(sequence);
    }

    pub(super) fn is_abandoned(&self, sequence: Sequence) -> bool {
        self.abandoned.contains(&sequence)
    }
}
