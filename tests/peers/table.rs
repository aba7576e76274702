//! The peer table: what each job cost. It is printed past the capturing of the test harness once every case has ended.

use std::{fmt::Write as _, io::Write as _, sync::Mutex};

use crate::job::Done;

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

static ROWS: Mutex<Vec<(&str, String)>> = Mutex::new(Vec::new());

/// Notes how a case ended.
pub(crate) fn note(case: &'static str, done: &Done) {
    assert!(CASES.contains(&case), "{case:?} has no place in the table");
    let codes: Vec<String> = done.codex_codes.iter().map(ToString::to_string).collect();
    let row = format!(
        "| {case:<28} | {:>9} | {:>18} | {:<15} |",
        done.exchanges,
        done.posts_at_broker,
        codes.join(", ")
    );
    let mut rows = ROWS.lock().unwrap();
    rows.push((case, row));
    if rows.len() < CASES.len() {
        return;
    }
    let mut table = String::from(
        "\n| the job                      | exchanges | POSTs at the broker | Codex exited |\n|---|---|---|---|\n",
    );
    for case in CASES {
        let (_, row) = rows.iter().find(|(name, _)| *name == case).unwrap();
        writeln!(table, "{row}").unwrap();
    }
    std::io::stderr().write_all(table.as_bytes()).unwrap();
}
