//! What the cache holds, and who sees what of it. The rules of the real service, without its leniency.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use super::faults::{Fault, Route};
use super::token::{Scope, now};

const READ: u64 = 1;
const WRITE: u64 = 2;

/// How the service says no: as words in a success, or as a status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Says {
    #[default]
    Words,
    Status,
}

/// One entry. Entries stand in the order in which they were reserved.
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) key: String,
    pub(crate) version: String,
    pub(crate) scope: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) signature: String,
    pub(crate) content: Option<Vec<u8>>,
    pub(crate) is_finished: bool,
    /// Lookups that still do not see it, although it is finished.
    pub(crate) hidden_for: usize,
}

#[derive(Default)]
pub(crate) struct Entries {
    pub(crate) all: Vec<Entry>,
    last_id: u64,
    /// What becomes of the next requests of a kind.
    pub(crate) faults: VecDeque<(Route, Fault)>,
    pub(crate) log: Vec<Route>,
    pub(crate) denials: Says,
    pub(crate) conflicts: Says,
    /// For entries that are finished from now on.
    pub(crate) hide_for: usize,
}

/// Why something is not reserved or finished.
pub(crate) enum No {
    ReadOnly,
    Exists,
    Unknown,
    WrongSize,
}

impl Entries {
    pub(crate) fn log(&mut self, route: Route) -> Option<Fault> {
        self.log.push(route);
        let place = self.faults.iter().position(|(at, _)| *at == route)?;
        self.faults.remove(place).map(|(_, fault)| fault)
    }

    pub(crate) fn reserve(&mut self, scopes: &[Scope], key: &str, version: &str) -> Result<&Entry, No> {
        let scope = writable(scopes).ok_or(No::ReadOnly)?;
        let is_same = |it: &Entry| it.key == key && it.version == version && it.scope == scope;
        if self.all.iter().any(is_same) {
            return Err(No::Exists);
        }
        self.last_id += 1;
        self.all.push(Entry {
            id: self.last_id,
            key: key.to_owned(),
            version: version.to_owned(),
            scope: scope.to_owned(),
            created_at: now(),
            signature: signature(),
            content: None,
            is_finished: false,
            hidden_for: 0,
        });
        self.all.last().ok_or(No::Unknown)
    }

    pub(crate) fn finish(
        &mut self,
        scopes: &[Scope],
        key: &str,
        version: &str,
        size: usize,
    ) -> Result<u64, No> {
        let scope = writable(scopes).ok_or(No::ReadOnly)?.to_owned();
        let hide_for = self.hide_for;
        let open =
            |it: &&mut Entry| it.key == key && it.version == version && it.scope == scope && !it.is_finished;
        let entry = self.all.iter_mut().find(open).ok_or(No::Unknown)?;
        if entry.content.as_ref().map(Vec::len) != Some(size) {
            return Err(No::WrongSize);
        }
        entry.is_finished = true;
        entry.hidden_for = hide_for;
        Ok(entry.id)
    }

    /// Looks an entry up: all keys in the first scope, then all of them in the next.
    pub(crate) fn find(
        &mut self,
        scopes: &[Scope],
        keys: &[&str],
        version: &str,
    ) -> Result<Option<&Entry>, No> {
        let mut order: Vec<&Scope> = scopes.iter().filter(|(_, it)| it & READ != 0).collect();
        order.sort_by_key(|(_, permission)| std::cmp::Reverse(*permission));
        if order.is_empty() {
            return Err(No::ReadOnly);
        }
        let visible = |it: &Entry| it.is_finished && it.hidden_for == 0;
        let mut found = None;
        'search: for (scope, _) in order {
            for key in keys {
                let of_scope = |it: &&Entry| visible(it) && it.scope == *scope && it.version == version;
                let exact = self.all.iter().filter(of_scope).find(|it| it.key == *key);
                let newest = || self.all.iter().rev().filter(of_scope).find(|it| it.key.starts_with(key));
                if let Some(entry) = exact.or_else(newest) {
                    found = Some(entry.id);
                    break 'search;
                }
            }
        }
        self.all.iter_mut().for_each(|it| it.hidden_for = it.hidden_for.saturating_sub(1));
        Ok(self.all.iter().find(|it| Some(it.id) == found))
    }

    /// Makes every entry older.
    pub(crate) fn age(&mut self, by: TimeDelta) {
        self.all.iter_mut().for_each(|it| it.created_at -= by);
    }
}

pub(crate) fn writable(scopes: &[Scope]) -> Option<&str> {
    scopes.iter().find(|(_, permission)| permission & WRITE != 0).map(|(scope, _)| scope.as_str())
}

/// As Azure's: base64, which does not stand in an address as it is.
fn signature() -> String {
    use base64::Engine as _;
    let bytes: [u8; 32] = authbaton::job::random().unwrap();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
