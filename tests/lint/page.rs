//! `docs/github.md` and what it describes: `action.yml`, the table of errors, and the examples.

use authbaton::cli::errors_page;
use yaml_rust2::Yaml;

use super::workflows;

const PAGE: &str = "docs/github.md";

/// Returns the rows of the table under a heading, each with its cells.
pub(crate) fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let mut lines = page.lines().skip_while(|line| *line != heading).skip(1);
    let section = lines.by_ref().take_while(|line| !line.starts_with("## "));
    let table = section.filter(|line| line.starts_with('|'));
    // The head, and the line under it.
    table.skip(2).map(cells).collect()
}

fn cells(row: &str) -> Vec<String> {
    let row = row.trim_start_matches('|').trim_end_matches('|');
    row.split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// Returns the names of a part of `action.yml`, in order, with what follows them.
fn described(part: &str) -> Vec<(String, Yaml)> {
    let action = workflows::parse(workflows::ACTION, &workflows::text(workflows::ACTION));
    let part = action[part].as_hash().unwrap();
    part.iter().map(|(name, settings)| (name.as_str().unwrap().to_owned(), settings.clone())).collect()
}

#[test]
fn the_table_of_inputs_is_that_of_the_action() {
    let expected: Vec<(String, String)> = described("inputs")
        .into_iter()
        .map(|(name, settings)| {
            let default = settings["default"].as_str().map(|text| format!("`{text}`"));
            assert!(settings["default"].is_badvalue() == default.is_none(), "{name}: a default is a text");
            (format!("`{name}`"), default.unwrap_or_default())
        })
        .collect();
    assert_eq!(inputs(&workflows::text(PAGE)), expected);
}

/// Returns the inputs that a page describes, each with its default.
pub(crate) fn inputs(page: &str) -> Vec<(String, String)> {
    let described = rows(page, "## Inputs").into_iter().map(|row| {
        let [name, default, meaning] = row.try_into().unwrap_or_else(|row| panic!("{row:?}"));
        assert!(meaning.len() > 5, "{name} says nothing");
        (name, default)
    });
    described.collect()
}

#[test]
fn the_table_of_outputs_is_that_of_the_action() {
    let expected: Vec<String> =
        described("outputs").into_iter().map(|(name, _)| format!("`{name}`")).collect();
    let written: Vec<String> = rows(&workflows::text(PAGE), "## Outputs")
        .into_iter()
        .map(|row| {
            let [name, meaning] = row.try_into().unwrap_or_else(|row| panic!("{row:?}"));
            assert!(meaning.len() > 5, "{name} says nothing");
            name
        })
        .collect();
    assert_eq!(written, expected);
}

/// What an example or a workflow of ours gives to this action is an input of it, and what it asks for an output.
#[test]
fn examples_use_inputs_and_outputs_that_there_are() {
    let inputs: Vec<String> = described("inputs").into_iter().map(|(name, _)| name).collect();
    let outputs: Vec<String> = described("outputs").into_iter().map(|(name, _)| name).collect();
    let mut steps = 0;
    for name in workflows::all() {
        let text = workflows::text(&name);
        let workflow = workflows::parse(&name, &text);
        for (_, job) in workflow["jobs"].as_hash().unwrap() {
            for step in job["steps"].as_vec().into_iter().flatten() {
                let action = step["uses"].as_str().unwrap_or_default();
                if action != "./" && !action.starts_with("OWNER/authbaton@") {
                    continue;
                }
                steps += 1;
                for (input, _) in step["with"].as_hash().unwrap() {
                    assert!(
                        inputs.iter().any(|known| Some(known.as_str()) == input.as_str()),
                        "{name}: {input:?}"
                    );
                }
                let Some(id) = step["id"].as_str() else { continue };
                for asked in text.split(&format!("steps.{id}.outputs.")).skip(1) {
                    let end = asked.find(|it: char| !it.is_ascii_lowercase() && it != '-').unwrap();
                    let (asked, _) = asked.split_at(end);
                    assert!(outputs.iter().any(|known| known == asked), "{name}: {asked}");
                }
            }
        }
    }
    assert!(steps > 10, "only {steps} steps were seen");
}

/// Every error that the page names is one, under the name that it has.
#[test]
fn the_errors_that_are_explained_exist() {
    check_errors(&workflows::text(PAGE));
}

/// Demands that each row of a page's troubleshooting is about errors that there are.
#[track_caller]
pub(crate) fn check_errors(page: &str) {
    let known = errors_page();
    let mut rows = rows(page, "## Troubleshooting");
    assert!(rows.len() > 15, "only {} rows", rows.len());
    for row in &mut rows {
        assert_eq!(row.len(), 2, "{row:?}");
        let links = row.remove(0);
        assert!(links.starts_with("[`"), "{links}");
        for link in links.split(", ") {
            let id = link.strip_prefix("[`").and_then(|rest| rest.split_once("`]")).unwrap().0;
            assert_eq!(link, format!("[`{id}`](errors.md#{id})"));
            assert!(known.contains(&format!("<a id=\"{id}\">")), "there is no error `{id}`");
        }
    }
}

#[test]
fn every_example_is_linked_and_every_link_leads_somewhere() {
    let page = workflows::text(PAGE);
    for name in workflows::in_directory(workflows::EXAMPLES) {
        let called = name.ends_with("/reusable.yml") || name.ends_with("/reusable-caller.yml");
        assert!(called || page.contains(&format!("(../{name})")), "{name} is not linked");
    }
    check_links(&page);
}

/// Demands that every link of a page of `docs` leads to a file of this repository.
#[track_caller]
pub(crate) fn check_links(page: &str) {
    for link in page.split("](").skip(1) {
        let (target, _) = link.split_once(')').unwrap();
        let (file, _) = target.split_once('#').unwrap_or((target, ""));
        assert!(workflows::path("docs").join(file).exists(), "{target} leads nowhere");
    }
}
