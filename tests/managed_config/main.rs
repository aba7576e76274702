//! The verdict of the client, cell by cell: what Codex 0.169.0 was seen to do with a login under a configuration is what
//! we do, but for a few named differences. `cargo test --test managed_config -- --nocapture` shows the table;
//! `AUTHBATON_CELLS=FILE` compares with other cells.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests arrange files, processes and time by themselves")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "what a test cannot arrange is a failed test"
)]

mod busy;
mod cell;
mod deviations;
mod layers;
mod login;
mod oracle;
mod outcome;
mod random;
mod theirs;
mod world;

#[path = "../support/process.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod process;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use cell::{Case, Verb, cases};
use deviations::{DEVIATIONS, Deviation};
use outcome::{Class, Expected, FORCED_KEYS, Fate, Forced, InForce, Seen, Verdict, differences};
use serde_json::json;
use theirs::theirs;
use world::World;

const SAID: &str = "API key login is required, but ChatGPT is currently being used. Logging out.";

/// Processes at a time.
const THREADS: usize = 4;

/// What became of a cell.
struct Row {
    deviation: Option<&'static str>,
    /// Empty: as it should be.
    differences: Vec<String>,
}

#[test]
fn every_cell_has_the_client_s_verdict() {
    let cases = cases();
    let next = AtomicUsize::new(0);
    let rows: Mutex<BTreeMap<usize, Row>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((index, case)) = take(&next, &cases) {
                    let row = compare(case);
                    rows.lock().unwrap().insert(index, row);
                }
            });
        }
    });
    let rows = rows.into_inner().unwrap();
    assert_eq!(rows.len(), cases.len(), "a cell was left out");
    let failing = show(&cases, &rows);
    assert_eq!(failing, 0, "{failing} cells differ");
    if cell::are_the_usual_ones() {
        for deviation in &DEVIATIONS {
            let used = rows.values().any(|row| row.deviation == Some(deviation.name));
            assert!(used, "{} explains nothing", deviation.name);
        }
    }
}

/// The cells alone, without our program: what the oracle expects of us is what the client did or what a rule states, so
/// it may be asked about worlds that nobody has recorded.
#[test]
fn the_oracle_agrees_with_every_cell() {
    let mut problems = Vec::new();
    for case in cases() {
        match expected(&case) {
            Err(problem) => problems.push(format!("{}: {problem}", case.title())),
            Ok((expected, None)) => {
                let Some(oracle) = oracle::ours(&case) else { continue };
                if !agree(&expected, &oracle) {
                    problems.push(format!("{}\n  client {expected:?}\n  oracle {oracle:?}", case.title()));
                }
            }
            Ok((_, Some(_))) => {}
        }
    }
    assert!(problems.is_empty(), "{} disagree:\n{}", problems.len(), problems.join("\n"));
}

/// Forms of the file that the cells do not have: a link is deleted and what it leads to stays; a file that is mounted by
/// itself cannot be deleted, and that is said.
#[test]
fn linked_and_mounted_files() {
    let removed = cases().into_iter().find(|it| it.verb() == Verb::Exec && it.cell.auth_json == "removed");
    let case = |setup: &str| {
        let mut case = removed.clone().unwrap();
        setup.clone_into(&mut case.cell.setup);
        case
    };
    let linked = case("auth-json-symlink");
    assert_eq!(differences_of(&linked, &oracle::ours(&linked).unwrap()), [""; 0]);
    let mounted = case("auth-json-busy-mount");
    let file = tempfile::NamedTempFile::new().unwrap();
    if busy::is_possible(file.path()) {
        assert_eq!(differences_of(&mounted, &oracle::ours(&mounted).unwrap()), [""; 0]);
    } else {
        println!("NOT RUN: this user may not mount");
    }
}

/// A comparison that cannot fail proves nothing: each part of an outcome is seen to matter.
#[test]
fn every_part_of_an_outcome_matters() {
    let expected = Expected::new(Verdict::Forbidden, Fate::Removed)
        .with(&["policy-logged-out"], &[Class::ApiRequired])
        .saying(&["$CWD"]);
    let expected = Expected { text: Some(SAID.to_owned()), ..expected };
    let seen = |change: fn(&mut Seen)| {
        let mut seen = Seen {
            code: Some(4),
            id: "policy-logged-out".to_owned(),
            message: SAID.to_owned(),
            fate: Fate::Removed,
            target_survived: true,
            policy: json!({}),
            stderr: String::new(),
        };
        change(&mut seen);
        differences(&expected, &seen, &|_| "API key".to_owned()).len()
    };
    assert_eq!(seen(|_| {}), 0);
    assert_eq!(seen(|it| it.code = Some(0)), 1, "exit code");
    assert_eq!(seen(|it| it.id.clear()), 1, "id");
    assert_eq!(seen(|it| it.message.push('.')), 1, "text");
    assert_eq!(seen(|it| it.message.clear()), 3, "text, class and part");
    assert_eq!(seen(|it| it.fate = Fate::Kept), 1, "file");
    assert_eq!(seen(|it| it.target_survived = false), 1, "target");
}

/// The same for what is in force.
#[test]
fn every_part_of_what_is_in_force_matters() {
    let forced = Forced {
        key: FORCED_KEYS[0],
        value: vec!["api".to_owned()],
        layer: "user".to_owned(),
        file: Some("$CODEX_HOME/config.toml".to_owned()),
    };
    let in_force = InForce { methods: vec!["api".to_owned()], forced: Some(vec![forced]) };
    let mut expected = Expected::new(Verdict::Permitted, Fate::Kept);
    expected.policy = Some(in_force);
    let report = json!({
        "methods": ["api"],
        "forced_login_method": "api",
        "forced_chatgpt_workspace_id": null,
        "values": [{ "key": "forced_login_method", "value": "api", "layer": "user", "file": "FILE", "overrides": [] }],
    });
    let count = |pointer: &str, value: serde_json::Value| {
        let mut policy = report.clone();
        if let Some(place) = policy.pointer_mut(pointer) {
            *place = value;
        }
        let (id, message, stderr) = (String::new(), String::new(), String::new());
        let fate = Fate::Kept;
        let seen = Seen { code: Some(0), id, message, fate, target_survived: true, policy, stderr };
        differences(&expected, &seen, &|_| "FILE".to_owned()).len()
    };
    assert_eq!(count("/nothing", json!(null)), 0);
    assert_eq!(count("/methods", json!(["api", "chatgpt"])), 1, "methods");
    assert_eq!(count("/forced_login_method", json!(null)), 1, "value");
    assert_eq!(count("/forced_chatgpt_workspace_id", json!(["x"])), 1, "the other key");
    assert_eq!(count("/values/0/layer", json!("system")), 1, "layer");
    assert_eq!(count("/values/0/file", json!("OTHER")), 1, "file");
    assert_eq!(count("/values", json!([])), 1, "origin");
}

fn agree(one: &Expected, other: &Expected) -> bool {
    fn meet<T: PartialEq>(one: &[T], other: &[T]) -> bool {
        one.is_empty() || other.is_empty() || one.iter().any(|it| other.contains(it))
    }
    one.verdict == other.verdict
        && one.fate == other.fate
        && one.policy == other.policy
        && meet(&one.ids, &other.ids)
        && meet(&one.classes, &other.classes)
}

fn take<'a>(next: &AtomicUsize, cases: &'a [Case]) -> Option<(usize, &'a Case)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    cases.get(index).map(|case| (index, case))
}

/// What should come out of a cell, and the rule that says so where it is not what the client did.
fn expected(case: &Case) -> Result<(Expected, Option<&'static str>), String> {
    let theirs = theirs(case)?;
    match Deviation::of(case, &theirs) {
        Some(deviation) => Ok((deviation.instead(case)?, Some(deviation.name))),
        None => Ok((theirs.expected, None)),
    }
}

fn compare(case: &Case) -> Row {
    match expected(case) {
        Err(problem) => Row { deviation: None, differences: vec![problem] },
        Ok((expected, deviation)) => Row { deviation, differences: differences_of(case, &expected) },
    }
}

/// Runs our program in the cell's world; nothing is good.
fn differences_of(case: &Case, expected: &Expected) -> Vec<String> {
    let world = World::new(case);
    let seen = world.run();
    let mut all = differences(expected, &seen, &|text| world.real(text));
    if !all.is_empty() {
        all.push(format!("we said: {} {}", seen.id, seen.message));
        all.extend(seen.id.is_empty().then(|| format!("on stderr: {}", seen.stderr.trim())));
    }
    all
}

/// Prints the table; returns how many fail.
fn show(cases: &[Case], rows: &BTreeMap<usize, Row>) -> usize {
    let failing: Vec<_> = rows.iter().filter(|(_, row)| !row.differences.is_empty()).collect();
    let good = |row: &&Row| row.differences.is_empty();
    let alike = rows.values().filter(good).filter(|row| row.deviation.is_none()).count();
    let deviating = rows.values().filter(good).count() - alike;
    for (index, row) in &failing {
        let rule = row.deviation.map(|name| format!(" [{name}]")).unwrap_or_default();
        println!("FAILED {}{rule}\n    {}", cases[**index].title(), row.differences.join("\n    "));
        println!("    the client: {}", cases[**index].cell.stderr.replace('\n', " | "));
    }
    println!(
        "{} cells: {alike} as Codex, {deviating} deviating by rule, {} failing",
        rows.len(),
        failing.len()
    );
    for deviation in &DEVIATIONS {
        let count = rows.values().filter(good).filter(|row| row.deviation == Some(deviation.name)).count();
        println!("  {count:>4} {}: {}", deviation.name, deviation.reason);
    }
    failing.len()
}
