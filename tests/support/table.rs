//! A table of what each case of a suite came to. It is printed past the capturing of the test harness once every case has
//! ended, in the order in which the cases are written down.

use std::{fmt::Write as _, io::Write as _, sync::Mutex};

pub(crate) struct Table {
    head: &'static str,
    cases: &'static [&'static str],
    rows: Mutex<Vec<(&'static str, String)>>,
}

impl Table {
    /// Makes a table; the head has the line under it, too.
    pub(crate) const fn new(head: &'static str, cases: &'static [&'static str]) -> Self {
        Self { head, cases, rows: Mutex::new(Vec::new()) }
    }

    /// Notes the line of a case that has ended, and prints the table with the last one.
    #[track_caller]
    pub(crate) fn note(&self, case: &'static str, line: String) {
        assert!(self.cases.contains(&case), "{case:?} has no place in the table");
        let mut rows = self.rows.lock().unwrap();
        rows.push((case, line));
        if rows.len() < self.cases.len() {
            return;
        }
        let mut table = format!("\n{}\n", self.head);
        for case in self.cases {
            let (_, line) = rows.iter().find(|(name, _)| name == case).unwrap();
            writeln!(table, "{line}").unwrap();
        }
        std::io::stderr().write_all(table.as_bytes()).unwrap();
    }
}
