//! The table: what each scenario cost, and how many secrets were found.

use crate::support::table::Table;

/// Every scenario, in the order of the table.
pub(crate) const SCENARIOS: [&str; 42] = [
    "first run, with a seed, default branch",
    "second run: a fresh login",
    "first run, on a pull request",
    "and then on the default branch",
    "a due login",
    "the run after it",
    "first run, with a due seed",
    "an hour is left, `refresh: never`",
    "reseeded by a new secret",
    "a queued run with the old secret",
    "a fork",
    "`pull_request_target` of a fork",
    "a comment by a stranger",
    "a comment by a member, the login is due",
    "a token that only reads, the login is due",
    "the same, the access token has ended",
    "another branch, the login is due",
    "`ACTIONS_CACHE_MODE=read`, the login is due",
    "`ACTIONS_CACHE_MODE=write`, the login is due",
    "`ACTIONS_CACHE_MODE=none`",
    "`ACTIONS_CACHE_MODE=write-only`",
    "a policy that forbids the seed",
    "a policy that forbids the stored login",
    "an API key",
    "no seal key",
    "a wrong seal key",
    "two jobs at once, one due login",
    "four jobs at once, one due login",
    "one writer and eight readers, one due login",
    "cancelled during the exchange",
    "the run after that",
    "cancelled while another job renews",
    "an orphaned reservation",
    "the newest evicted, the login before it is fresh",
    "the same, renewed all the same",
    "and reseeded",
    "all evicted, no seed",
    "all evicted, with the seed",
    "a later step fails, with a broker",
    "a poisoned environment",
    "Codex as the next step, without a broker",
    "Codex as the next step, with a broker",
];

static TABLE: Table = Table::new(
    "| scenario | result | exchanges | generation | cache requests | secrets found |\n|---|---|---|---|---|---|",
    &SCENARIOS,
);

/// What a scenario came to.
pub(crate) struct Row {
    pub(crate) result: String,
    pub(crate) exchanges: usize,
    /// Of the login in the slot; none when the slot is empty.
    pub(crate) generation: Option<u64>,
    pub(crate) requests: String,
    pub(crate) secrets: usize,
}

/// Notes how a scenario ended.
pub(crate) fn note(scenario: &'static str, row: &Row) {
    let generation = row.generation.map_or_else(|| "–".to_owned(), |it| it.to_string());
    let line = format!(
        "| {scenario} | {} | {} | {generation} | {} | {} |",
        row.result, row.exchanges, row.requests, row.secrets
    );
    TABLE.note(scenario, line);
}
