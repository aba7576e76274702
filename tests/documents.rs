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
    job::{Environment, Job, Platform, PlatformFacts, Sign},
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

/// What is looked at on a platform, as `docs/platforms.md` shows it.
fn row(facts: &PlatformFacts) -> String {
    let list = |names: &[&str]| {
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        if quoted.is_empty() { "–".to_owned() } else { quoted.join(", ") }
    };
    let sign = match facts.sign {
        Sign::True(name) => format!("`{name}` is `true`"),
        Sign::Set(name) => format!("`{name}` is set"),
        Sign::NotFalse(name) => format!("`{name}` is set, and not to `false` or `0`"),
        Sign::Nothing => "nothing of these".to_owned(),
    };
    let masks = facts.hiding.map_or("–".to_owned(), |_| format!("`--mask {}`", facts.name));
    let [identity, trust] = [list(facts.identity), list(facts.trust)];
    let [temporary, workspace] = [list(facts.temporary), list(facts.workspace)];
    let log = if facts.folds { "folded" } else { "–" };
    format!(
        "| `{}` | {sign} | {identity} | {trust} | {temporary} | {workspace} | {masks} | {log} |",
        facts.name
    )
}

#[test]
fn the_table_of_platforms_is_what_the_program_looks_at() {
    let page = fs::read_to_string("docs/platforms.md").unwrap();
    let expected: Vec<String> = Platform::ALL.into_iter().map(|platform| row(platform.facts())).collect();
    let shown: Vec<&str> = page
        .lines()
        .skip_while(|line| !line.starts_with("| platform | recognised by |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert_eq!(shown, expected, "docs/platforms.md should have:\n{}", expected.join("\n"));
    for platform in Platform::ALL {
        let name = format!("`{}`", platform.name());
        let whole = built();
        let help = options(&whole).find(|(_, option)| option.get_long() == Some("platform")).unwrap().1;
        assert!(
            help.get_help().unwrap().to_string().contains(&name),
            "{name} is not in the help of --platform"
        );
    }
}

/// Otherwise the tests would see a caller's CI.
#[test]
fn check_removes_every_variable_that_says_where_we_run() {
    let check = fs::read_to_string("check").unwrap();
    let (_, rest) = check.split_once("clear_environment() {").unwrap();
    let (body, _) = rest.split_once("\n}\n").unwrap();
    let script = format!("clear_environment() {{{body}\n}}\nclear_environment\ncompgen -e");
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap())
        .envs(Job::variables().chain(["AUTHBATON_MASK", "AUTHBATON_DOTENV"]).map(|name| (name, "x")))
        .output()
        .unwrap();
    let left: BTreeSet<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    let left: Vec<&str> =
        Job::variables().filter(|name| left.contains(*name)).collect::<BTreeSet<_>>().into_iter().collect();
    // Both are wanted: whoever may not skip tests is told by `CI`.
    assert_eq!(left, ["CI", "TMPDIR"]);
    assert!(Job::variables().count() > 50);
}
