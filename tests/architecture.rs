//! The shape of the code, as `src/lib.rs` tells it: which room may know which, how long a file may be, and what the
//! pure rooms do not name. Tests that live in `src` are held to it, too.
#![expect(clippy::disallowed_methods, reason = "a test reads the sources of its own repository")]
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "what a test cannot arrange is a failed test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
/// A file that is longer has two subjects.
const MOST_LINES: usize = 500;
/// Rooms without I/O, clock, environment and randomness.
const PURE: [&str; 2] = ["credential", "baton"];
const IMPURE_WORDS: [&str; 12] = [
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant",
    "Utc::now",
    "Local::now",
    "getrandom",
    "tokio::",
    "tempfile",
];

struct Source {
    path: PathBuf,
    room: String,
    text: String,
}

/// The order of the table in `src/lib.rs`: the first knows all others, the last none.
fn rooms() -> Vec<String> {
    let table = fs::read_to_string(Path::new(SOURCES).join("lib.rs")).unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("//! | [`")?.split_once('`'));
    rows.map(|(room, _)| room.to_owned()).collect()
}

fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    let mut directories = vec![PathBuf::from(SOURCES)];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(SOURCES).unwrap();
                let room = inside.components().next().expect("a file has a name").as_os_str();
                let room = room.to_str().unwrap().trim_end_matches(".rs").to_owned();
                sources.push(Source { room, text: code(&fs::read_to_string(&path).unwrap()), path });
            }
        }
    }
    assert!(sources.len() > 50, "only {} files were found", sources.len());
    sources
}

/// The text without comments. Lines stay lines.
fn code(text: &str) -> String {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .fold(String::new(), |code, line| code + line + "\n")
}

/// The rooms that a file names: `crate::ROOM`, and every branch of `use crate::{ROOM, ROOM::…}`.
fn named(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, prefix) in text.match_indices("crate::").chain(text.match_indices("authbaton::")) {
        let rest = text.get(at + prefix.len()..).unwrap_or_default();
        match rest.strip_prefix('{') {
            None => drop(found.insert(word(rest))),
            Some(branches) => found.extend(first_words(branches)),
        }
    }
    found
}

/// The first words of the branches of a brace that has been opened.
fn first_words(branches: &str) -> Vec<String> {
    let (mut depth, mut start, mut words) = (1, true, Vec::new());
    for (at, character) in branches.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => start = true,
            other if start && !other.is_whitespace() => {
                words.push(word(branches.get(at..).unwrap_or_default()));
                start = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    words
}

fn word(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

#[test]
fn the_table_of_contents_is_complete() {
    let table = rooms();
    let listed: BTreeSet<&str> = table.iter().map(String::as_str).collect();
    assert_eq!(listed.len(), table.len(), "a room stands there twice: {table:?}");
    let there: BTreeSet<String> = fs::read_dir(SOURCES)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(listed, there.iter().map(String::as_str).collect::<BTreeSet<_>>());
}

#[test]
fn imports_point_one_way() {
    let rooms = rooms();
    let place = |room: &str| rooms.iter().position(|it| it == room);
    let mut wrong = Vec::new();
    let mut edges = 0;
    for source in sources() {
        let Some(own) = place(&source.room) else { continue };
        for room in named(&source.text) {
            let Some(other) = place(&room) else { continue };
            edges += 1;
            let allowed = match (source.room.as_str(), room.as_str()) {
                (own, other) if own == other => true,
                ("rehearsal", other) => ["job", "credential"].contains(&other),
                ("credential", _) => false,
                ("baton", other) => other == "credential",
                _ => own < other,
            };
            if !allowed {
                wrong.push(format!("{}: {} → {room}", source.path.display(), source.room));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(edges > 100, "only {edges} imports were found");
}

#[test]
fn files_are_short() {
    for path in sources().into_iter().map(|source| source.path) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines", path.display());
    }
}

#[test]
fn pure_rooms_do_no_io() {
    for source in sources().into_iter().filter(|source| PURE.contains(&source.room.as_str())) {
        for impure in IMPURE_WORDS {
            assert!(!source.text.contains(impure), "{} names {impure}", source.path.display());
        }
    }
}

#[test]
fn the_reader_of_imports_reads_them() {
    let of = |text: &str| named(&code(text)).into_iter().collect::<Vec<_>>();
    assert_eq!(of("use crate::job::Clock; // use crate::cli\nlet x = crate::disk::read();"), ["disk", "job"]);
    assert_eq!(
        of("use crate::{\n    job::{Clock, store},\n    relay::Relay, disk,\n};"),
        ["disk", "job", "relay"]
    );
    assert_eq!(of("pub(crate) use super::x;"), [] as [&str; 0]);
    assert_eq!(of("use authbaton::cli;"), ["cli"]);
}
