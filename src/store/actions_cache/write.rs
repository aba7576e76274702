//! A swap: reserve the next key, fill it, finish it, and see that nobody has gone past us.
//!
//! Keys are immutable, so that of two who reserve the same one wins. Three things make that a compare-and-swap. After
//! finishing n we ask for exactly n + 1: whoever took n for an orphan is there. An orphan is a key that exists and cannot be
//! read for 60 s; it is stepped over, and looked at again once we have written: of two who passed each other, at least
//! one sees the other. And a write that took more than 30 s counts for nothing, whatever is read back, because others
//! may be about to step over it.

use std::time::Duration;

use super::http::Deadline;
use super::keys::{Cell, Sequence};
use super::memory::Memory;
use super::protocol::{Cache, Wanted};
use crate::store::{StoreError, Swap, Version};

/// A write that takes longer has not landed.
const LATE: Duration = Duration::from_secs(30);
/// After this much of a write nothing of it is sent any more.
const WRITE: Duration = Duration::from_secs(45);
/// A look at the cell, or at a key.
const LOOK: Duration = Duration::from_secs(25);
/// So many orphans in a row are stepped over.
const MOST_ORPHANS: usize = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// The owner of a lease waits no longer than a write takes that goes well. Others have no business in the slot, but a seed
/// may be on its way, which should not be passed by.
const OWNER_WAITS: Duration = Duration::from_secs(3);

/// How long others may be at work on a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Until they have finished, or it is an orphan.
    UntilOrphaned,
    /// Hardly at all: we own a lease that lasts.
    OfOwner,
}

/// A swap of a cell.
pub(super) struct Write<'a> {
    pub(super) cache: &'a Cache,
    pub(super) cell: &'a Cell,
    pub(super) memory: &'a mut Memory,
    pub(super) content: &'a [u8],
    pub(super) patience: Patience,
}

impl Write<'_> {
    /// Writes the content over the record `expected`, the first record over none.
    ///
    /// # Errors
    /// When the service refuses or fails. Then the record may be there, unless nothing was sent.
    pub(super) fn run(mut self, expected: Sequence) -> Result<Swap, StoreError> {
        if self.is_outdated(expected)? {
            return Ok(Swap::Conflict);
        }
        let mut orphans = Vec::new();
        let mut sequence = expected.next();
        while orphans.len() <= MOST_ORPHANS {
            if !self.memory.is_abandoned(sequence)
                && let Some(swap) = self.try_key(sequence, &orphans)?
            {
                return Ok(swap);
            }
            orphans.push(sequence);
            sequence = sequence.next();
        }
        Err(StoreError::Unreachable("too many unfinished writes are in the way".to_owned()))
    }

    /// Looks whether there is a newer record, unless that is known.
    fn is_outdated(&mut self, expected: Sequence) -> Result<bool, StoreError> {
        if !self.memory.is_fresh(self.now()) {
            let newest = self.cache.look_up(Wanted::Newest(self.cell.prefix()), self.deadline(LOOK))?;
            let newest = newest.and_then(|found| self.cell.sequence(&found.key));
            let now = self.now();
            self.memory.saw(newest, now);
        }
        Ok(self.memory.highest().is_some_and(|highest| highest > expected))
    }

    /// Tries to be the one who writes under a key; `None`: it is an orphan.
    fn try_key(&mut self, sequence: Sequence, orphans: &[Sequence]) -> Result<Option<Swap>, StoreError> {
        let (key, size) = (self.cell.key(sequence), self.content.len());
        let start = self.now();
        let deadline = self.deadline(WRITE);
        let Some(reserved) = self.cache.reserve(&key, size, deadline)? else {
            return Ok(self.is_written(sequence, &key)?.then_some(Swap::Conflict));
        };
        if let Err(error) = self.cache.upload(&reserved, self.content, deadline) {
            self.memory.abandon(sequence);
            return Err(error);
        }
        let finished = self.cache.finish(&key, &reserved, size, deadline).or_else(|error| {
            // It may have been heard all the same: nobody else can have written under this key.
            if self.cache.has(&key, deadline)? { Ok(()) } else { Err(error) }
        });
        let passed = finished.and_then(|()| self.passed_by(sequence, orphans, deadline));
        let now = self.now();
        if now.saturating_sub(start) > LATE {
            return Ok(Some(Swap::Late));
        }
        let passed = passed?;
        self.memory.saw(passed.max(Some(sequence)), now);
        Ok(Some(if passed.is_some() { Swap::Conflict } else { Swap::Done(Version(key)) }))
    }

    /// Returns what somebody has written who did not see us, or whom we did not see: after us, or where an orphan was.
    fn passed_by(
        &self,
        sequence: Sequence,
        orphans: &[Sequence],
        deadline: Deadline,
    ) -> Result<Option<Sequence>, StoreError> {
        let others = orphans.iter().copied().filter(|orphan| !self.memory.is_abandoned(*orphan));
        for other in others.chain([sequence.next()]) {
            if self.cache.has(&self.cell.key(other), deadline)? {
                return Ok(Some(other));
            }
        }
        Ok(None)
    }

    /// Waits until somebody else's key can be read; `false`: it never will.
    fn is_written(&mut self, sequence: Sequence, key: &str) -> Result<bool, StoreError> {
        let (mut pause, start) = (FIRST_PAUSE, self.now());
        loop {
            // Before we look: what was finished meanwhile is seen.
            let now = self.now();
            let is_orphan = self.memory.is_orphan(sequence, now)
                || self.patience == Patience::OfOwner && now.saturating_sub(start) >= OWNER_WAITS;
            if self.cache.has(key, self.deadline(LOOK))? {
                let now = self.now();
                self.memory.saw(Some(sequence), now);
                return Ok(true);
            }
            if is_orphan {
                return Ok(false);
            }
            self.cache.http.clock().sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn now(&self) -> Duration {
        self.cache.http.clock().boot()
    }

    fn deadline(&self, limit: Duration) -> Deadline {
        self.cache.http.deadline(limit)
    }
}
