//! Doctor and the real Codex: its version is read, and it is asked in a way in which it makes nothing.

use std::{env, fs, path::Path};

use serde_json::Value;

use crate::{
    scene::Scene,
    support::{codex, process},
};

#[test]
fn codex_says_its_version_and_makes_nothing() {
    let Some(scene) = Scene::open() else { return };
    let before = names(&scene.sandbox.path(""));
    let mut command = scene.sandbox.authbaton("doctor");
    let directory = scene.program().parent().unwrap().display();
    let path = format!("{directory}:{}", env::var("PATH").unwrap());
    command.args(["--json", "--strict"]).env("PATH", path);
    let outcome = process::run(&mut command, b"", std::time::Duration::from_secs(60)).unwrap().exited(0);
    let json: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let findings = json["findings"].as_array().unwrap();
    let of_client: Vec<&Value> = findings.iter().filter(|it| it["topic"] == "client").collect();
    assert_eq!(of_client.len(), 1, "{of_client:#?}");
    assert_eq!(
        (&of_client[0]["id"], &of_client[0]["details"]["version"]),
        (&"client".into(), &codex::VERSION.into())
    );
    // By itself it would have made its home, or directories in it.
    assert_eq!(names(&scene.sandbox.path("")), before);
    scene.authority_was_left_alone();
}

fn names(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(self::names(&path));
        }
        names.push(path.display().to_string());
    }
    names.sort();
    names
}
