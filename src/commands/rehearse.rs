//! `rehearse`: the whole relay, shown against the built-in authority. Every job in it is a process of this program with
//! a cleared environment, and every point is proven by looking: at files, at the slot, at what the authority received.

mod points;
mod stage;

use super::{Bench, CommandError, Report};
use stage::Stage;

/// What a point came to: what was seen, or what was wrong.
type Proof = Result<String, String>;

/// Plays the relay, and reports a row for each point.
///
/// # Errors
/// [`CommandError::Rehearsal`] when a point does not hold; others when the stage cannot be set.
pub fn rehearse(bench: &Bench<'_>) -> Result<Report, CommandError> {
    let given = bench.store_to_rehearse(&stage::audience())?;
    let stage = Stage::set(bench, given).map_err(CommandError::RehearsalSetup)?;
    let mut report = Report::default()
        .line("The relay, rehearsed against a built-in authority on loopback; each job is a process of its own.")
        .line("");
    let mut rows = Vec::new();
    let mut failed = 0;
    for (number, (name, point)) in (1..).zip(points::POINTS) {
        let proof = point(&stage);
        failed += usize::from(proof.is_err());
        let (verdict, seen) = match &proof {
            Ok(seen) => ("ok", seen),
            Err(wrong) => ("FAILED", wrong),
        };
        report = report.line(format!("{number:>2}  {verdict:<6}  {name:<54}  {seen}"));
        rows.push(serde_json::json!({"point": name, "ok": proof.is_ok(), "seen": seen}));
    }
    report = report.line("").line(format!("{} of {} points hold", rows.len() - failed, rows.len()));
    let leftovers = stage.leftovers();
    for leftover in &leftovers {
        report = report.line(format!("left behind: {leftover}"));
    }
    let report = report.with("points", rows).with("leftovers", leftovers);
    if failed == 0 { Ok(report) } else { Err(CommandError::Rehearsal { failed }.with(report)) }
}
