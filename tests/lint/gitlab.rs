//! The examples for GitLab, by rules of our own, and `docs/gitlab.md`. gitlab-ci-local holds them against GitLab's schema
//! when it runs them (`tests/peers/gitlab`).

use yaml_rust2::{Yaml, YamlLoader};

use super::{page, workflows};

const PAGE: &str = "docs/gitlab.md";
const EXAMPLES: &str = "examples/gitlab";
const TEMPLATES: &str = "examples/gitlab/templates";
const TEMPLATE: &str = "examples/gitlab/templates/login.yml";
/// What stands at the top of a file, and is no job.
const GLOBAL: [&str; 8] =
    ["default", "image", "include", "spec", "stages", "variables", "workflow", "services"];

fn all() -> Vec<String> {
    [workflows::in_directory(EXAMPLES), workflows::in_directory(TEMPLATES)].concat()
}

/// Returns the documents of a file: one with inputs has two.
fn documents(name: &str) -> Vec<Yaml> {
    YamlLoader::load_from_str(&workflows::text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Returns the jobs of a file, the hidden ones, too.
fn jobs(name: &str) -> Vec<(String, Yaml)> {
    let of_document = |document: &Yaml| -> Vec<(String, Yaml)> {
        let entries = document.as_hash().unwrap_or_else(|| panic!("{name} is no mapping")).iter();
        entries.map(|(key, value)| (key.as_str().unwrap().to_owned(), value.clone())).collect()
    };
    let entries = documents(name).iter().flat_map(of_document).collect::<Vec<_>>();
    let jobs: Vec<_> = entries.into_iter().filter(|(key, _)| !GLOBAL.contains(&key.as_str())).collect();
    assert!(!jobs.is_empty(), "{name} has no jobs");
    jobs
}

/// Returns the inputs that the template declares, in order, with their settings.
fn inputs() -> Vec<(String, Yaml)> {
    let documents = documents(TEMPLATE);
    let [header, _] = documents.as_slice() else { panic!("{TEMPLATE} has no header") };
    let inputs = header["spec"]["inputs"].as_hash().unwrap();
    inputs.iter().map(|(name, settings)| (name.as_str().unwrap().to_owned(), settings.clone())).collect()
}

/// As it is written in a file and on the page.
fn written(value: &Yaml) -> String {
    match value {
        Yaml::Boolean(value) => value.to_string(),
        other => other.as_str().unwrap_or_else(|| panic!("{other:?}")).to_owned(),
    }
}

#[test]
fn an_example_begins_by_saying_when_to_use_it() {
    for name in workflows::in_directory(EXAMPLES) {
        assert!(workflows::text(&name).starts_with("# Use this "), "{name} begins otherwise");
    }
}

/// An artifact can be read by everybody who can read the project. Only what `--dotenv` writes may be one.
#[test]
fn no_example_has_other_artifacts_than_the_report() {
    let mut reports = 0;
    for name in all() {
        for (job, settings) in jobs(&name) {
            let artifacts = &settings["artifacts"];
            if artifacts.is_badvalue() {
                continue;
            }
            reports += 1;
            let report = artifacts["reports"]["dotenv"].as_str().unwrap_or_else(|| panic!("{name}: {job}"));
            let written = settings["script"][0].as_str().unwrap();
            assert!(written.contains(&format!(" --dotenv {report} ")), "{name}: {job}");
            let known = ["access", "when", "expire_in", "reports"];
            let others =
                artifacts.as_hash().unwrap().keys().filter(|key| !known.contains(&key.as_str().unwrap()));
            assert_eq!(
                (others.count(), artifacts["reports"].as_hash().unwrap().len()),
                (0, 1),
                "{name}: {job}"
            );
        }
    }
    assert_eq!(reports, 1);
}

/// Whatever an input contains, no shell takes it for something to execute: it comes to a script by a variable.
#[test]
fn no_script_has_an_input_in_it() {
    for name in all() {
        for (job, settings) in jobs(&name) {
            for part in ["before_script", "script", "after_script"] {
                for line in settings[part].as_vec().into_iter().flatten() {
                    assert!(!written(line).contains("$[["), "{name}: {job}: {line:?}");
                }
            }
        }
    }
}

/// A job that others build on cannot be ended by a newer pipeline, and not before it has tried to store what it renewed.
#[test]
fn a_job_with_the_login_is_not_interrupted() {
    let (_, base) = jobs(TEMPLATE).remove(0);
    assert_eq!(base["interruptible"].as_bool(), Some(false));
    assert!(!base["timeout"].is_badvalue() && !base["variables"]["RUNNER_SCRIPT_TIMEOUT"].is_badvalue());
    for name in all() {
        for (job, settings) in jobs(&name) {
            let interruptible = settings["interruptible"].as_bool();
            assert_ne!(interruptible, Some(true), "{name}: {job}");
            let extends = settings["extends"].as_str().is_some_and(|it| it.starts_with('.'));
            assert!(extends || job.starts_with('.'), "{name}: {job} extends nothing");
        }
    }
}

/// Without these three a login in a cache is lost by the first job that fails, or by two at once.
#[test]
fn what_travels_in_a_cache_is_saved_always_and_held_by_one() {
    let mut seen = 0;
    for name in all() {
        let is_carried = workflows::text(&name).contains("carried=ci-cache");
        for (job, settings) in jobs(&name) {
            let Some(caches) = settings["cache"].as_vec() else { continue };
            seen += 1;
            assert!(is_carried, "{name}: {job} has a cache, and its store is another one");
            assert!(!settings["resource_group"].is_badvalue(), "{name}: {job}");
            assert_eq!(settings["retry"].as_i64(), Some(0), "{name}: {job}");
            for cache in caches {
                assert_eq!(cache["when"].as_str(), Some("always"), "{name}: {job}");
                assert_eq!(cache["policy"].as_str(), Some("pull-push"), "{name}: {job}");
            }
        }
    }
    assert_eq!(seen, 1);
}

/// Examples give inputs that there are, and every one that has no default.
#[test]
fn examples_give_the_inputs_that_there_are() {
    let inputs = inputs();
    for name in workflows::in_directory(EXAMPLES) {
        let includes = documents(&name).remove(0)["include"].clone();
        let [include] = includes.as_vec().unwrap().as_slice() else {
            panic!("{name} includes something else")
        };
        let given: Vec<String> = include["inputs"].as_hash().unwrap().keys().map(written).collect();
        for given in &given {
            assert!(inputs.iter().any(|(known, _)| known == given), "{name}: there is no input {given}");
        }
        for (needed, _) in inputs.iter().filter(|(_, settings)| settings["default"].is_badvalue()) {
            assert!(given.contains(needed), "{name} does not give {needed}");
        }
    }
}

#[test]
fn every_input_says_what_it_is_and_what_it_takes() {
    for (name, settings) in inputs() {
        assert!(settings["description"].as_str().is_some_and(|text| text.len() > 10), "{name}");
        let is_free = ["stage", "timeout"].contains(&name.as_str());
        let bounds = ["type", "options", "regex"].iter().filter(|bound| !settings[**bound].is_badvalue());
        assert_eq!(bounds.count(), usize::from(!is_free), "{name}");
    }
}

#[test]
fn the_table_of_inputs_is_that_of_the_template() {
    let expected: Vec<(String, String)> = inputs()
        .into_iter()
        .map(|(name, settings)| {
            let default = Some(&settings["default"]).filter(|it| !it.is_badvalue()).map(written);
            let default = default.filter(|text| !text.is_empty()).map(|text| format!("`{text}`"));
            (format!("`{name}`"), default.unwrap_or_default())
        })
        .collect();
    assert_eq!(page::inputs(&workflows::text(PAGE)), expected);
}

#[test]
fn the_page_names_errors_and_files_that_there_are() {
    let text = workflows::text(PAGE);
    page::check_errors(&text);
    page::check_links(&text);
    for name in all() {
        assert!(text.contains(&format!("(../{name})")), "{name} is not linked");
    }
}

/// Every variable that an example wants from a person is explained where they are made.
#[test]
fn the_variables_of_examples_are_explained() {
    let explained: Vec<String> = page::rows(&workflows::text(PAGE), "## The variables")
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    let mut wanted = 0;
    for name in workflows::in_directory(EXAMPLES) {
        for line in workflows::text(&name).lines() {
            let Some(variable) = line.strip_prefix("#   ").and_then(|rest| rest.split(' ').next()) else {
                continue;
            };
            wanted += 1;
            assert!(explained.contains(&format!("`{variable}`")), "{name}: {variable}");
        }
    }
    assert!(wanted > 8, "only {wanted} variables were seen");
}
