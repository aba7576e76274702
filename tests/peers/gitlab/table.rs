//! The transcript: what each pipeline came to. `docs/gitlab.md` has the same lines, or the test fails.

use std::{fs, path::Path};

use super::support::table::Table;

/// Every pipeline, in the order of the table.
pub(crate) const PIPELINES: [&str; 15] = [
    "git-store.yml: first, the seed is due",
    "git-store.yml: second",
    "job-token.yml: first, the seed is fresh",
    "job-token.yml: the login is due, and Codex fails",
    "job-token.yml: the one after it",
    "job-token.yml: a workspace that is not allowed",
    "job-token.yml: allowed again",
    "job-token.yml: a branch that is not protected",
    "job-token.yml: there, without `rules:`, the login is due",
    "object-store.yml: first, the seed is due",
    "object-store.yml: second",
    "cache.yml: first, the seed is due",
    "cache.yml: the login is due, and Codex fails",
    "cache.yml: the one after it, with a broker",
    "cache.yml: a workspace that is not allowed",
];

static TABLE: Table = Table::new(
    "| pipeline | jobs, and their exit codes | Codex | exchanges | generation |\n|---|---|---|---|---|",
    &PIPELINES,
);

/// What a pipeline came to.
pub(crate) struct Row {
    /// Its jobs, with what each exited with.
    pub(crate) jobs: Vec<(String, i32)>,
    /// Counted by the authority, in this pipeline alone.
    pub(crate) exchanges: usize,
    /// Of the login in the store afterwards.
    pub(crate) generation: u64,
    /// What Codex came to.
    pub(crate) codex: Turn,
}

/// What the model was asked in a pipeline, and what Codex printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    NotAsked,
    Refused,
    Answered,
}

impl Row {
    fn line(&self, pipeline: &str) -> String {
        let jobs: Vec<String> = self.jobs.iter().map(|(name, code)| format!("`{name}` {code}")).collect();
        let jobs = if jobs.is_empty() { "none".to_owned() } else { jobs.join(", ") };
        let codex = match self.codex {
            Turn::NotAsked => "–",
            Turn::Refused => "refused",
            Turn::Answered => "answered",
        };
        format!("| {pipeline} | {jobs} | {codex} | {} | {} |", self.exchanges, self.generation)
    }
}

/// Notes how a pipeline ended.
#[track_caller]
pub(crate) fn note(pipeline: &'static str, row: &Row) {
    let line = row.line(pipeline);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gitlab.md");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains(&format!("\n{line}\n")), "docs/gitlab.md does not have: {line}");
    TABLE.note(pipeline, line);
}
