//! Takes the shell parts out of the files that users copy. What a file is, its name and first line say; one that is not
//! known here fails the test, so that nothing is overlooked.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::jenkinsfile::Jenkinsfile;

/// A piece of shell that a user would execute.
#[derive(Clone)]
pub(crate) struct Part {
    /// The file, and which part of it.
    pub(crate) name: String,
    /// What is executed.
    pub(crate) text: String,
}

/// Where users find them. `examples/github` has no shell of its own; another suite plays it.
const PLACES: [&str; 5] =
    ["examples/jenkins", "examples/shell", "docs/jenkins.md", "docs/shell.md", "docs/headless.md"];

/// Returns the path of a file of this repository.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Returns a file of this repository.
#[track_caller]
pub(crate) fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Returns every part of every place.
pub(crate) fn all() -> Vec<Part> {
    PLACES.iter().flat_map(|place| files(place)).flat_map(|file| of_file(&file)).collect()
}

/// Returns the part of this name.
#[track_caller]
pub(crate) fn named(name: &str) -> Part {
    let file = name.split(": ").next().unwrap();
    let part = of_file(file).into_iter().find(|part| part.name == name);
    part.unwrap_or_else(|| panic!("there is no part {name}"))
}

fn files(place: &str) -> Vec<String> {
    if path(place).is_file() {
        return vec![place.to_owned()];
    }
    let mut names: Vec<String> = fs::read_dir(path(place))
        .unwrap()
        .map(|entry| format!("{place}/{}", entry.unwrap().file_name().into_string().unwrap()))
        .collect();
    names.sort();
    names.iter().flat_map(|name| files(name)).collect()
}

fn of_file(file: &str) -> Vec<Part> {
    let text = text(file);
    let part = |which: String, text: &str| Part { name: format!("{file}: {which}"), text: text.to_owned() };
    let base = file.rsplit('/').next().unwrap();
    if text.starts_with("#!") {
        vec![Part { name: file.to_owned(), text }]
    } else if base.starts_with("Jenkinsfile") {
        let steps = Jenkinsfile::parse(file, &text).steps.into_iter();
        steps.map(|step| part(step.stage, &step.script)).collect()
    } else if base.ends_with(".service") {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        lines
            .filter(|(key, _)| key.starts_with("Exec"))
            .map(|(key, line)| part(key.to_owned(), line))
            .collect()
    } else if base.ends_with(".timer") {
        Vec::new()
    } else if base == "crontab" {
        let jobs = cron_jobs(&text).into_iter().enumerate();
        jobs.map(|(at, command)| part((at + 1).to_string(), &command)).collect()
    } else if base.ends_with(".md") {
        let blocks = blocks(&text).into_iter().enumerate();
        blocks.map(|(at, block)| part((at + 1).to_string(), &block)).collect()
    } else {
        panic!("what is {file}?")
    }
}

/// The commands of a crontab, without their five fields of time.
fn cron_jobs(text: &str) -> Vec<String> {
    let jobs = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#') && !is_setting(line));
    jobs.map(|line| line.splitn(6, ' ').nth(5).unwrap_or_else(|| panic!("no cron job: {line}")).to_owned())
        .collect()
}

/// The settings of a crontab. cron takes their values as they are.
pub(crate) fn cron_settings(text: &str) -> Vec<(String, String)> {
    let settings = text.lines().filter(|line| is_setting(line)).filter_map(|line| line.split_once('='));
    settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn is_setting(line: &str) -> bool {
    line.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|it| it.is_ascii_uppercase() || it == b'_')
    })
}

/// The blocks of a page that are marked as `sh`.
fn blocks(text: &str) -> Vec<String> {
    let mut pieces = text.split("```sh\n");
    pieces.next();
    pieces.map(|piece| piece.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn every_script_may_be_executed_and_nothing_else_may() {
    use std::os::unix::fs::PermissionsExt as _;
    for file in PLACES.iter().flat_map(|place| files(place)) {
        let mode = fs::metadata(path(&file)).unwrap().permissions().mode() & 0o111;
        assert_eq!(mode != 0, text(&file).starts_with("#!"), "{file}");
    }
}

#[test]
fn an_example_begins_by_saying_what_it_is_for() {
    for file in files("examples/jenkins").into_iter().chain(files("examples/shell")) {
        let text = text(&file);
        let mut lines = text.lines().filter(|line| !line.starts_with("#!"));
        let first = lines.next().unwrap();
        let said = first.trim_start_matches(['#', '/', ' ']);
        assert!(first.starts_with('#') || first.starts_with("//"), "{file} begins with {first:?}");
        assert!(said.len() > 30, "{file} says little: {first:?}");
    }
}
