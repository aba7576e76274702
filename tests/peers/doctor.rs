//! Doctor and the real Codex: its version is read, and it is asked in a way in which it makes nothing.

use std::{env, fs, path::Path, process::Command, time::Duration};

use serde_json::Value;

use crate::{
    scene::Scene,
    support::{
        codex,
        process::{Outcome, run},
    },
};

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn codex_says_its_version_and_makes_nothing() {
    let Some(scene) = Scene::open() else { return };
    // Below the system's temporary directory Codex makes nothing anyway.
    let users = [(); 2].map(|()| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
    let [ours, theirs] = users.each_ref().map(|user| user.path());
    let mut command = scene.sandbox.authbaton("doctor");
    let directory = scene.program().parent().unwrap().display();
    command.env("PATH", format!("{directory}:{}", env::var("PATH").unwrap())).env("HOME", ours);
    let outcome = finish(command.args(["--json", "--strict"])).exited(0);
    let json: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let findings = json["findings"].as_array().unwrap();
    let of_client: Vec<&Value> = findings.iter().filter(|it| it["topic"] == "client").collect();
    assert_eq!(of_client.len(), 1, "{of_client:#?}");
    let (id, version) = (&of_client[0]["id"], &of_client[0]["details"]["version"]);
    assert_eq!((id, version), (&"client".into(), &codex::VERSION.into()));
    assert_eq!(count(ours), 0, "Codex was given a home");
    scene.authority_was_left_alone();
    // What it is kept from.
    let mut alone = scene.sandbox.command(scene.program());
    finish(alone.arg("--version").env("HOME", theirs).env_remove("CODEX_HOME")).exited(0);
    assert_ne!(count(theirs), 0, "Codex makes no home any more to say its version");
}

fn finish(command: &mut Command) -> Outcome {
    run(command, b"", LIMIT).unwrap()
}

fn count(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}
