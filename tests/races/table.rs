//! One race at a time, so that the times of each are its own, and the table of what came of them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

static ROWS: Mutex<Vec<Row>> = Mutex::new(Vec::new());

pub(crate) struct Row {
    pub(crate) cell: &'static str,
    pub(crate) rounds: usize,
    pub(crate) processes: usize,
    pub(crate) homes: usize,
    pub(crate) exchanges: usize,
    pub(crate) slowest: Duration,
}

/// The right to run a race, until it is dropped.
pub(crate) struct Turn(MutexGuard<'static, Vec<Row>>);

pub(crate) fn turn() -> Turn {
    // A race that failed has poisoned it; the others run all the same.
    Turn(ROWS.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Turn {
    /// Adds a row, and shows and keeps the table as it is by now.
    pub(crate) fn push(&mut self, row: Row) {
        self.0.push(row);
        let mut table = String::from(
            "| race | rounds | processes | homes | exchanges | slowest process, ms |\n|---|--:|--:|--:|--:|--:|\n",
        );
        for Row { cell, rounds, processes, homes, exchanges, slowest } in self.0.iter() {
            let slowest = slowest.as_millis();
            writeln!(table, "| {cell} | {rounds} | {processes} | {homes} | {exchanges} | {slowest} |")
                .unwrap();
        }
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        fs::write(target.join("races.md"), &table).unwrap();
        show(&table);
    }
}

#[expect(clippy::print_stdout, reason = "the harness captures what is printed, and nothing else")]
fn show(table: &str) {
    println!("\n{table}");
}
