//! What is written down twice is the same: the pages made from tables, and the help with the options that it is of.
//!
//! After a wanted change: `AUTHBATON_UPDATE=1 cargo test --test documents`, and read the diff.
#![expect(clippy::disallowed_methods, reason = "a test reads the pages of its own repository")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::PathBuf,
};

use authbaton::{
    cli::{ErrorId, command, doctor_table, errors_page},
    job::Environment,
};
use clap::{Arg, ArgAction, Command};

/// An environment must not say where a token is sent.
const WITHOUT_VARIABLE: [&str; 6] =
    ["authority-url", "ca-file", "config-root", "from-file", "seed-file", "seed-env"];
/// Switches that say how to report, and do nothing.
const SWITCHES_WITH_VARIABLE: [&str; 3] = ["json", "quiet", "verbose"];

#[test]
fn the_page_of_errors_is_made_from_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md");
    if env::var_os("AUTHBATON_UPDATE").is_some() {
        fs::write(path, errors_page()).unwrap();
    }
    let page = fs::read_to_string(path).unwrap_or_default();
    assert!(page == errors_page(), "docs/errors.md is old: `AUTHBATON_UPDATE=1 cargo test --test documents`");
}

/// The prose before it is written by hand.
#[test]
fn the_page_of_doctor_ends_with_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/doctor.md");
    let page = fs::read_to_string(path).unwrap();
    let (prose, _) = page.split_once("| id | severity |").expect("the page has a table");
    let expected = prose.to_owned() + &doctor_table();
    if env::var_os("AUTHBATON_UPDATE").is_some() {
        fs::write(path, &expected).unwrap();
    }
    let page = fs::read_to_string(path).unwrap();
    assert!(page == expected, "docs/doctor.md is old: `AUTHBATON_UPDATE=1 cargo test --test documents`");
    for row in page.lines().filter(|line| line.starts_with("| <a id=")) {
        assert_eq!(row.matches('|').count(), 5, "{row}");
        let id = row.split('"').nth(1).unwrap();
        let is_error = ErrorId::ALL.iter().any(|error| error.entry().id == id);
        assert!(!is_error, "`{id}` is an error of the other table, and would mean two things");
    }
}

/// A `|` inside of a cell would make it two.
#[test]
fn every_row_of_the_page_of_errors_has_four_cells() {
    let page = errors_page();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| <a id=")).collect();
    assert_eq!(rows.len(), ErrorId::ALL.len());
    for row in rows {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
    }
}

#[test]
fn verbs_and_options_are_unique() {
    let whole = built();
    let mut verbs = BTreeSet::new();
    for verb in whole.get_subcommands() {
        assert!(verbs.insert(verb.get_name().to_owned()), "two verbs `{}`", verb.get_name());
        let mut names = BTreeSet::new();
        for argument in verb.get_arguments() {
            let long = argument.get_long().map(|name| format!("--{name}"));
            let short = argument.get_short().map(|name| format!("-{name}"));
            for name in long.into_iter().chain(short) {
                assert!(names.insert(name.clone()), "two options {name} of `{}`", verb.get_name());
            }
        }
    }
    assert!(verbs.len() >= 8, "{verbs:?}");
}

/// An option of several verbs means the same in each, or the variable that they share would mean two things.
#[test]
fn an_option_of_several_verbs_is_one_option() {
    let whole = built();
    let mut known = BTreeMap::new();
    for (verb, option) in options(&whole) {
        let long = option.get_long().expect("options are named").to_owned();
        if WITHOUT_VARIABLE.contains(&long.as_str()) {
            continue;
        }
        let help = option.get_help().map(ToString::to_string);
        let first = known.entry(long.clone()).or_insert_with(|| help.clone());
        assert_eq!(*first, help, "--{long} of `{}`", verb.get_name());
    }
}

#[test]
fn every_option_with_a_value_names_its_variable() {
    let whole = built();
    for (verb, option) in options(&whole) {
        let long = option.get_long().expect("options are named");
        let takes_value = matches!(option.get_action(), ArgAction::Set | ArgAction::Append);
        let expected =
            (takes_value || SWITCHES_WITH_VARIABLE.contains(&long)) && !WITHOUT_VARIABLE.contains(&long);
        let variable = format!("[env: AUTHBATON_{}]", long.to_uppercase().replace('-', "_"));
        let help = option.get_help().map(ToString::to_string).unwrap_or_default();
        assert_eq!(help.contains(&variable), expected, "--{long} of `{}`: {help}", verb.get_name());
        assert_eq!(help.matches("[env:").count(), usize::from(expected), "--{long}: {help}");
    }
}

#[test]
fn every_verb_and_option_says_what_it_is_for() {
    let whole = built();
    for verb in whole.get_subcommands() {
        assert!(verb.get_about().is_some(), "`{}`", verb.get_name());
    }
    for (verb, option) in options(&whole) {
        let help = option.get_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.len() > 5, "{:?} of `{}`", option.get_long(), verb.get_name());
    }
}

fn built() -> Command {
    let mut command = command(&Environment::Fixed(BTreeMap::new()));
    command.build();
    command
}

/// The options of every verb, but those that `clap` brings.
fn options(whole: &Command) -> impl Iterator<Item = (&Command, &Arg)> {
    let of = |verb| Command::get_arguments(verb).map(move |argument| (verb, argument));
    let all = whole.get_subcommands().flat_map(of);
    all.filter(|(_, option)| !matches!(option.get_long(), None | Some("help" | "version")))
}

/// Who opens the tree for the first time finds each file in the list of `docs/architecture.md`, by what it is for.
#[test]
fn every_file_is_in_the_list() {
    let page = fs::read_to_string("docs/architecture.md").unwrap();
    let mut listed = BTreeSet::new();
    let mut room = String::new();
    for quoted in
        page.lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('`').skip(1).step_by(2))
    {
        let Some(stem) = quoted.strip_suffix(".rs") else { continue };
        let (directory, names) = match stem.rsplit_once('/') {
            Some((directory, names)) => (directory.to_owned(), names),
            // A second file of a line is in the room of the first.
            None => (room.clone(), stem),
        };
        for name in names.trim_matches(|brace| brace == '{' || brace == '}').split(',') {
            listed.insert(format!("{directory}/{name}.rs"));
        }
        room = directory;
    }
    let mut directories = vec![PathBuf::from("src")];
    let mut files = 0;
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix("src").unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                // Unit tests stand beside what they test.
                if !name.ends_with("/tests") {
                    directories.push(path);
                }
            } else if name.contains('/') && !name.ends_with("/mod.rs") && !name.ends_with("/tests.rs") {
                files += 1;
                assert!(listed.contains(&name), "{name} is not in docs/architecture.md");
            }
        }
    }
    assert!(files > 60, "only {files} files were found");
}
