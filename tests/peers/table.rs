//! The peer table: what each job cost.

use crate::{job::Done, shared_table::Table};

/// Every case, in the order of the table.
pub(crate) const CASES: [&str; 11] = [
    "expired before the start",
    "ends during the job",
    "refused by the model (401)",
    "four at once, one due token",
    "codex logout",
    "codex login --with-api-key",
    "behind HTTP_PROXY",
    "behind http_proxy",
    "behind ALL_PROXY",
    "a shell script, Codex twice",
    "the authority takes 25 s",
];

static TABLE: Table = Table::new(
    "| the job                      | exchanges | POSTs at the broker | Codex exited |\n|---|---|---|---|",
    &CASES,
);

/// Notes how a case ended.
pub(crate) fn note(case: &'static str, done: &Done) {
    let codes: Vec<String> = done.codex_codes.iter().map(ToString::to_string).collect();
    let row = format!(
        "| {case:<28} | {:>9} | {:>18} | {:<15} |",
        done.exchanges,
        done.posts_at_broker,
        codes.join(", ")
    );
    TABLE.note(case, row);
}
