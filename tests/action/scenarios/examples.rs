//! The examples that users copy: each step with our action in `examples/github/`, with just the inputs that it gives there, in
//! runs that are started as the example's are. What else is in those jobs (the checkout, Codex) is not played.

use std::{collections::BTreeSet, fs, path::Path};

use chrono::TimeDelta;
use yaml_rust2::{Yaml, YamlLoader};

use crate::{
    trigger::Trigger,
    world::{FRESH, Inputs, Played, World},
};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/github");
const API_KEY: &str = "sk-example-8hVw2Kd6sXy9Tq4PbNc3";
const GITHUB_TOKEN: &str = "ghs_exampleR7fJ2mLk9Wq5Zt3";

/// The parts of a repository with which the examples are filled in.
struct Filled<'a> {
    world: &'a World,
    seed: &'a str,
    directory: &'a Path,
}

impl Filled<'_> {
    /// Returns an input as the runner would have it. What is not known here is no example of ours.
    fn value(&self, written: &Yaml) -> String {
        let written = match written {
            Yaml::Boolean(value) => value.to_string(),
            value => value.as_str().unwrap_or_else(|| panic!("{value:?}")).to_owned(),
        };
        let expression = written.strip_prefix("${{ ").and_then(|rest| rest.strip_suffix(" }}"));
        match expression {
            Some("secrets.CODEX_AUTH_JSON" | "secrets.auth-json") => self.seed.to_owned(),
            Some("secrets.AUTHBATON_SEAL_KEY" | "secrets.seal-key") => self.world.key.clone(),
            Some("secrets.OPENAI_API_KEY") => API_KEY.to_owned(),
            Some("github.token") => GITHUB_TOKEN.to_owned(),
            Some(other) => panic!("what is {other} here?"),
            // A machine of the user's own.
            None if written.starts_with("file:/") => format!("file:{}", self.directory.display()),
            None => written,
        }
    }

    /// Plays the step of a job.
    fn play(&self, step: &Yaml, trigger: &Trigger) -> Played {
        let given = step["with"].as_hash().unwrap().iter();
        let mut given: Vec<(&str, String)> =
            given.map(|(name, value)| (name.as_str().unwrap(), self.value(value))).collect();
        // The harness gives a key where none is given; the example may have forgotten it.
        if !given.iter().any(|(name, _)| *name == "seal-key") {
            given.push(("seal-key", String::new()));
        }
        let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let given: &Inputs<'_> = &given;
        self.world.play(trigger, given).well()
    }
}

/// Returns the step with our action of each job of an example.
fn steps(name: &str) -> Vec<(String, Yaml)> {
    let text = fs::read_to_string(Path::new(EXAMPLES).join(name)).unwrap();
    let workflow = YamlLoader::load_from_str(&text).unwrap().remove(0);
    let of_job = |(job, settings): (&Yaml, &Yaml)| {
        let mut steps = settings["steps"].as_vec().into_iter().flatten();
        let step =
            steps.find(|step| step["uses"].as_str().is_some_and(|it| it.starts_with("OWNER/authbaton@")))?;
        Some((job.as_str().unwrap().to_owned(), step.clone()))
    };
    workflow["jobs"].as_hash().unwrap().iter().filter_map(of_job).collect()
}

fn dispatch() -> Trigger {
    Trigger { event: "workflow_dispatch", ..Trigger::push() }
}

#[test]
fn every_example_gets_its_login() {
    let mut world = World::new();
    let seed = world.login(FRESH, TimeDelta::zero());
    world.add_secret(API_KEY);
    world.add_secret(GITHUB_TOKEN);
    let directory = tempfile::tempdir().unwrap();
    let filled = Filled { world: &world, seed: &seed, directory: directory.path() };

    let (new, found) =
        ([("cache-hit", "false"), ("saved", "true")], [("cache-hit", "true"), ("saved", "false")]);
    let none = [("cache-hit", "false"), ("saved", "false")];
    // In this order: the writer comes first, as docs/github.md says.
    let table: [(&str, &str, Trigger, _); 13] = [
        ("writer.yml", "renew", dispatch(), new),
        ("writer.yml", "renew", Trigger::schedule(), found),
        ("writer.yml", "renew", Trigger::push(), found),
        ("consumers.yml", "review", Trigger::pull_request(), found),
        ("consumers.yml", "answer", Trigger::comment("MEMBER"), found),
        ("matrix.yml", "codex", Trigger::schedule(), found),
        ("matrix.yml", "codex", dispatch(), found),
        ("reusable.yml", "codex", dispatch(), found),
        ("codex-action.yml", "codex", dispatch(), found),
        ("self-hosted.yml", "codex", Trigger::push(), new),
        ("self-hosted.yml", "codex", dispatch(), found),
        ("api-key.yml", "codex", dispatch(), none),
        ("api-key.yml", "codex", Trigger::push(), none),
    ];
    let mut played = BTreeSet::new();
    for (name, job, trigger, outputs) in table {
        let (_, step) = steps(name).into_iter().find(|(it, _)| it == job).unwrap();
        let run = filled.play(&step, &trigger).has(&outputs).has(&[("refreshed", "false")]);
        if name == "api-key.yml" || name == "self-hosted.yml" {
            assert_eq!(run.requests, [], "{name} has nothing to do with the cache");
        }
        played.insert((name.to_owned(), job.to_owned()));
    }
    assert_eq!(world.authority.posts(), 0, "nobody had to renew");

    let all = fs::read_dir(EXAMPLES).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let all: BTreeSet<_> =
        all.flat_map(|name| steps(&name).into_iter().map(move |(job, _)| (name.clone(), job))).collect();
    assert_eq!(played, all, "an example was not played");
}
