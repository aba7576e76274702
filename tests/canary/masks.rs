//! `--mask`: the one line with a secret in it, on the platform that takes it and nowhere else. What is hidden is what a job
//! is given; a refresh token is in no mask either.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::process::{Outcome, run};
use crate::program::write_program;
use crate::scene::{API_KEY, Scene};

/// A platform, the variable by which it is recognised, and what its masks begin with.
const LINES: [(&str, (&str, &str), &str); 2] = [
    ("github", ("GITHUB_ACTIONS", "true"), "::add-mask::"),
    ("azure", ("TF_BUILD", "True"), "##vso[task.setsecret]"),
];
const BUILDKITE: (&str, &str) = ("BUILDKITE", "true");

/// A verb's way through a slot, with what it ends with.
const VERBS: [(&[&str], i32); 6] = [
    (&["login", "--with-auth-json"], 0),
    (&["restore"], 0),
    (&["refresh"], 0),
    (&["refresh", "--force"], 0),
    (&["save"], 0),
    (&["restore", "--min-ttl", "300d"], 3),
];

fn command(scene: &Scene, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let words = scene.with_store(arguments);
    let mut command = scene.sandbox.authbaton(&words[0]);
    command.args(&words[1..]).args(["--authority-url", &scene.authority.url(), "--timeout", "1s"]);
    command.envs(variables.iter().copied());
    command
}

/// Runs it as a runner does: what it says goes into pipes.
fn piped(mut command: Command, input: &str) -> Outcome {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Whoever refuses at once reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Takes the masks out of what was said, and searches the rest.
#[track_caller]
fn without_masks(scene: &Scene, mut outcome: Outcome, prefix: &str) -> Vec<String> {
    let (masks, rest): (Vec<&str>, Vec<&str>) =
        outcome.stderr.lines().partition(|line| line.starts_with(prefix));
    let masks = masks.iter().map(|line| line[prefix.len()..].to_owned()).collect();
    outcome.stderr = rest.join("\n");
    scene.search(&outcome);
    masks
}

#[track_caller]
fn assert_hidden(scene: &Scene, masks: &[String]) {
    let home: Value = serde_json::from_slice(&scene.sandbox.auth_json().unwrap()).unwrap();
    for name in ["id_token", "access_token"] {
        let secret = home["tokens"][name].as_str().unwrap();
        assert!(masks.iter().any(|mask| mask == secret), "{name} is not hidden");
        let signature = secret.rsplit('.').next().unwrap();
        assert!(
            signature.len() < 16 || masks.iter().any(|mask| mask == signature),
            "a part of {name} is not"
        );
    }
    assert_no_refresh_token(scene, &masks.join("\n"));
}

#[track_caller]
fn assert_no_refresh_token(scene: &Scene, text: &str) {
    let secrets = scene.authority.secrets();
    assert!(secrets.iter().any(|secret| secret.starts_with("rt_")));
    for secret in secrets.iter().filter(|secret| secret.starts_with("rt_")) {
        assert!(!text.contains(secret.as_str()), "a refresh token is in a mask");
    }
}

#[test]
fn what_a_job_is_given_is_hidden_by_lines() {
    for (platform, sign, prefix) in LINES {
        for how in [platform, "auto"] {
            let scene = Scene::new(&[]);
            let login = scene.issue();
            for (verb, code) in VERBS {
                let arguments = [verb, &["--mask", how, "--json"]].concat();
                let outcome = piped(command(&scene, &arguments, &[sign]), &login).exited(code);
                assert!(outcome.stdout.starts_with("{\"schema\":1,"), "{verb:?}: {}", outcome.stdout);
                let masks = without_masks(&scene, outcome, prefix);
                // An access-only file has nothing to save, so nothing to hide.
                if verb[0] == "save" {
                    assert_eq!(masks, [""; 0]);
                } else {
                    assert_hidden(&scene, &masks);
                }
            }
            let arguments = ["login", "--with-api-key", "--mask", how, "-q"];
            let outcome = piped(command(&scene, &arguments, &[sign]), API_KEY).exited(0);
            assert_eq!(without_masks(&scene, outcome, prefix)[0], API_KEY);
            let mut command = scene.sandbox.command(env!("CARGO_BIN_EXE_authbaton").as_ref());
            command.args(["run", "--mask", how, "--broker", "always", "--store", &scene.sandbox.store()]);
            command.arg("--seal-key-file").arg(scene.sandbox.path("seal.key")).env(sign.0, sign.1);
            command.args(["--authority-url", &scene.authority.url(), "--", "sh", "-c", "echo begun >&2"]);
            let outcome = piped(command, "").exited(0);
            let begun = outcome.stderr.find("begun").unwrap();
            assert!(outcome.stderr.rfind(prefix).unwrap() < begun, "a mask came too late: {outcome:?}");
            let masks = without_masks(&scene, outcome, prefix);
            assert_no_refresh_token(&scene, &masks.join("\n"));
            assert!(!masks.is_empty());
        }
    }
}

/// Without an order, with another's, and into a file nothing is printed: there the mask would be the leak.
#[test]
fn no_mask_is_printed_anywhere_else() {
    let scene = Scene::new(&[]);
    let login = scene.issue();
    let login_by = ["login", "--with-auth-json"];
    let signs = [
        ("", ""),
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("GITLAB_CI", "true"),
        ("TF_BUILD", "True"),
        BUILDKITE,
        ("CIRCLECI", "true"),
        ("JENKINS_URL", "http://jenkins.example"),
    ];
    for sign in signs {
        let variables: Vec<_> = [sign, ("CI_COMMIT_REF_PROTECTED", "true")]
            .into_iter()
            .filter(|(name, _)| !name.is_empty())
            .collect();
        for asked in [&[][..], &["--mask", "none"]] {
            let arguments = [&login_by[..], asked].concat();
            let outcome = piped(command(&scene, &arguments, &variables), &login).exited(0);
            scene.search(&outcome);
            assert!(!outcome.stderr.contains("add-mask") && !outcome.stderr.contains("##vso"), "{outcome:?}");
        }
        for (platform, own, _) in LINES.into_iter().chain([("buildkite", BUILDKITE, "")]) {
            if own == sign {
                continue;
            }
            for voice in [&[][..], &["--json", "-v"]] {
                let arguments = [&login_by[..], &["--mask", platform], voice].concat();
                let outcome = piped(command(&scene, &arguments, &variables), &login).exited(2);
                scene.search(&outcome.said("error[mask-misplaced]: masks of "));
            }
            // A workflow may set it for all its steps.
            let variables = [variables.as_slice(), &[("AUTHBATON_MASK", platform)]].concat();
            let outcome = piped(command(&scene, &["status"], &variables), "").exited(2);
            scene.search(&outcome.said("error[mask-misplaced]: "));
        }
    }
    for (platform, sign, _) in LINES {
        for how in [platform, "auto"] {
            let mut command = command(&scene, &[&login_by[..], &["--mask", how]].concat(), &[sign]);
            // Its standard error is a file.
            let outcome = run(&mut command, login.as_bytes(), Duration::from_secs(60)).unwrap().exited(2);
            scene.search(
                &outcome.said("error[mask-misplaced]: masks go to standard error, and that is a file"),
            );
        }
    }
}

#[test]
fn a_platform_without_masks_is_told_nothing() {
    for (sign, value) in [("GITLAB_CI", "true"), ("CIRCLECI", "true"), ("JENKINS_URL", "x"), ("CI", "1")] {
        let scene = Scene::new(&[]);
        let variables = [(sign, value), ("CI_COMMIT_REF_PROTECTED", "true")];
        let arguments = ["login", "--with-auth-json", "--mask", "auto", "-v"];
        let outcome = piped(command(&scene, &arguments, &variables), &scene.issue()).exited(0);
        scene.search(&outcome.said("hides nothing that it is told"));
    }
}

/// Stands in for `buildkite-agent`, which no registry has: reads the file that it is given, if it is given one, else its
/// standard input, notes how it was called, and ends as it is told.
fn agent(scene: &Scene, end: &str) -> String {
    let directory = scene.sandbox.path("agent");
    fs::create_dir_all(&directory).unwrap();
    let text = format!(
        "#!/bin/sh\n[ -z \"$5\" ] || exec <\"$5\" || exit 1\nprintf '%s\\n' \"$*\" >> '{0}/called'\nenv > '{0}/environment'\ncat > '{0}/input'\n{end}\n",
        directory.display()
    );
    write_program(&directory.join("buildkite-agent"), &text);
    for name in ["input", "called", "environment"] {
        scene.give(&format!("agent/{name}"), b"");
    }
    format!("{}:{}", directory.display(), std::env::var("PATH").unwrap())
}

#[test]
fn buildkites_agent_is_told_through_a_pipe() {
    let scene = Scene::new(&[]);
    let (login, path) = (scene.issue(), agent(&scene, "exit 0"));
    let read = |name: &str| fs::read_to_string(scene.sandbox.path("agent").join(name)).unwrap();
    for (verb, code) in VERBS.into_iter().filter(|(verb, _)| verb[0] != "save") {
        let arguments = [verb, &["--mask", "buildkite"]].concat();
        let variables = [BUILDKITE, ("PATH", &path), ("AUTHBATON_SLOT", "default")];
        let outcome = piped(command(&scene, &arguments, &variables), &login).exited(code);
        scene.search(&outcome);
        let told: Value = serde_json::from_str(&read("input")).unwrap();
        let told: Vec<String> =
            told.as_object().unwrap().values().map(|it| it.as_str().unwrap().to_owned()).collect();
        assert_hidden(&scene, &told);
        assert!(
            read("called").lines().all(|line| line == "redactor add --format json"),
            "{}",
            read("called")
        );
        assert!(!read("environment").contains("AUTHBATON_"), "it was given variables of ours");
    }
}

/// Whoever wants to hide something that nothing can be done about goes on, and is told: nothing is printed all the same.
#[test]
fn an_agent_that_does_not_answer_is_told_of_once_and_not_believed() {
    let blab = "cat '{}/input'; cat '{}/input' >&2; exit 3";
    for end in ["exit 1", "kill -9 $$", blab] {
        let scene = Scene::new(&[]);
        let directory = scene.sandbox.path("agent");
        let path = agent(&scene, &end.replace("{}", directory.to_str().unwrap()));
        assert_failing(&scene, &path, "`buildkite-agent redactor` ended with ");
    }
    let scene = Scene::new(&[]);
    assert_failing(
        &scene,
        scene.sandbox.path("work").to_str().unwrap(),
        "`buildkite-agent`: it was not found",
    );
}

#[track_caller]
fn assert_failing(scene: &Scene, path: &str, why: &str) {
    let variables = [BUILDKITE, ("PATH", path)];
    let login = scene.issue();
    // It hides the seed, and then what it places.
    for verb in [&["restore", "--seed-stdin"][..], &["refresh", "--force"]] {
        let arguments = [verb, &["--mask", "auto"]].concat();
        let outcome = piped(command(scene, &arguments, &variables), &login).exited(0);
        let warning = "warning: the tokens of this job are not hidden in the log: ";
        assert_eq!(outcome.stderr.matches(warning).count(), 1, "{outcome:?}");
        scene.search(&outcome.said(&format!("{warning}{why}")));
    }
}
