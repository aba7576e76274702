//! The transcript: what each pipeline came to. It is printed past the capturing of the test harness once every pipeline
//! of the table has ended.

use std::{fmt::Write as _, io::Write as _, sync::Mutex};

/// Every pipeline, in the order of the table.
pub(crate) const PIPELINES: [&str; 13] = [
    "git-store.yml: first, the seed is due",
    "git-store.yml: second",
    "job-token.yml: first, the seed is fresh",
    "job-token.yml: the login is due, and Codex fails",
    "job-token.yml: the one after it",
    "job-token.yml: a workspace that is not allowed",
    "job-token.yml: allowed again",
    "object-store.yml: first, the seed is due",
    "object-store.yml: second",
    "cache.yml: first, the seed is due",
    "cache.yml: the login is due, and Codex fails",
    "cache.yml: the one after it, with a broker",
    "cache.yml: a workspace that is not allowed",
];

static ROWS: Mutex<Vec<(&str, String)>> = Mutex::new(Vec::new());

/// What a pipeline came to.
pub(crate) struct Row {
    /// Its jobs, with what each exited with.
    pub(crate) jobs: Vec<(String, i32)>,
    /// Counted by the authority, in this pipeline alone.
    pub(crate) exchanges: usize,
    /// Of the login in the store afterwards.
    pub(crate) generation: u64,
    /// Requests of Codex to the model; a refused one is repeated.
    pub(crate) turns: usize,
}

/// Notes how a pipeline ended.
pub(crate) fn note(pipeline: &'static str, row: &Row) {
    assert!(PIPELINES.contains(&pipeline), "{pipeline:?} has no place in the table");
    let jobs: Vec<String> = row.jobs.iter().map(|(name, code)| format!("`{name}` {code}")).collect();
    let Row { exchanges, generation, turns, .. } = row;
    let line = format!("| {pipeline} | {} | {exchanges} | {generation} | {turns} |", jobs.join(", "));
    let mut rows = ROWS.lock().unwrap();
    rows.push((pipeline, line));
    if rows.len() < PIPELINES.len() {
        return;
    }
    let mut table = String::from(
        "\n| pipeline | jobs, and their exit codes | exchanges | generation | requests to the model |\n|---|---|---|---|---|\n",
    );
    for pipeline in PIPELINES {
        let (_, line) = rows.iter().find(|(name, _)| *name == pipeline).unwrap();
        writeln!(table, "{line}").unwrap();
    }
    std::io::stderr().write_all(table.as_bytes()).unwrap();
}
