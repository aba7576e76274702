//! The matrix as it stands in the description of the protocol.
//!
//! After a wanted change: `AUTHBATON_UPDATE=1 cargo test --features failpoints --test faults`, and read the diff.

use std::{env, fs};

use crate::matrix::{Outcome, Point};

const BEGIN: &str = "<!-- kill matrix: begin -->\n";
const END: &str = "<!-- kill matrix: end -->\n";

impl Outcome {
    fn cell(self) -> &'static str {
        match self {
            Self::Renewed => "renewed; 1",
            Self::RenewedLater => "renewed when the lease was over; 1",
            Self::Recovered => "stored from the journal; 1",
            Self::Adopted => "found in the store; 1",
            Self::Lost => "**lost, exit 5** when the lease was over; 1",
        }
    }
}

/// Demands that the document has this table, or puts it there.
#[track_caller]
pub(crate) fn is_in_the_document(rows: &[(Point, [Outcome; 2])]) {
    let mut table =
        String::from("\n| killed | then on the same machine | then on another machine |\n|---|---|---|\n");
    for ((step, when), [same, other]) in rows {
        table.push_str(&format!("| {when} `{}` | {} | {} |\n", step.name(), same.cell(), other.cell()));
    }
    table.push('\n');
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/refresh-protocol.md");
    let page = fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (there, after) = rest.split_once(END).unwrap();
    if env::var_os("AUTHBATON_UPDATE").is_some() {
        fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        let how = "`AUTHBATON_UPDATE=1 cargo test --features failpoints --test faults`";
        assert!(there == table, "the matrix in docs/refresh-protocol.md is old: {how}");
    }
}
