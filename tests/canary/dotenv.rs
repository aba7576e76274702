//! `--dotenv`: whoever sees a pipeline can download the report. It has what a verb came to, whether it succeeded or not, and
//! no secret. And the parts of GitLab's log around what is said.

use std::fs;

use crate::scene::Scene;

const GITLAB: [(&str, &str); 2] = [("GITLAB_CI", "true"), ("CI_COMMIT_REF_PROTECTED", "true")];
const START: &str = "\u{1b}[0Ksection_start:";
const END: &str = "\u{1b}[0Ksection_end:";

/// Runs a verb with a report, and returns that: names and values, but for those that time decides.
#[track_caller]
fn report(scene: &Scene, arguments: &[&str], input: &str, code: i32) -> Vec<(String, String)> {
    let path = scene.sandbox.path("work/report.env");
    let arguments = [arguments, &["--dotenv", path.to_str().unwrap()]].concat();
    scene.run_with(&scene.with_store(&arguments), input.as_bytes(), &GITLAB, code);
    let text = fs::read_to_string(path).unwrap();
    assert!(text.len() < 5 * 1024 && text.lines().count() < 20, "{text}");
    let pairs = text.lines().map(|line| line.split_once('=').unwrap());
    let pairs = pairs.filter(|(name, _)| !["AUTHBATON_EXPIRES_AT", "AUTHBATON_CODEX_HOME"].contains(name));
    pairs
        .map(|(name, value)| (name.strip_prefix("AUTHBATON_").unwrap().to_owned(), value.to_owned()))
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn every_end_of_a_verb_is_reported_to_later_jobs() {
    for voice in [&[][..], &["--json", "-v"]] {
        let scene = Scene::new(voice);
        let login = scene.issue();
        let ran = report(&scene, &["restore"], "", 3);
        assert_eq!(ran, pairs(&[("ERROR_ID", "slot-empty")]));
        let ran = report(&scene, &["restore", "--seed-stdin"], &login, 0);
        let account = ran.iter().find(|(name, _)| name == "ACCOUNT_ID").unwrap().1.clone();
        let placed = |generation, had_login, saved| {
            pairs(&[
                ("AUTH_MODE", "chatgptAuthTokens"),
                ("ACCOUNT_ID", &account),
                ("PLAN_TYPE", "pro"),
                ("GENERATION", generation),
                ("CACHE_HIT", had_login),
                ("SAVED", saved),
            ])
        };
        assert_eq!(ran, placed("1", "false", "true"));
        assert_eq!(report(&scene, &["restore"], "", 0), placed("1", "true", "false"));
        let refreshed = |exchanged, generation| {
            pairs(&[
                ("ACCOUNT_ID", &account),
                ("REFRESHED", exchanged),
                ("GENERATION", generation),
                ("SAVED", exchanged),
            ])
        };
        assert_eq!(report(&scene, &["refresh"], "", 0), refreshed("false", "1"));
        assert_eq!(report(&scene, &["refresh", "--force"], "", 0), refreshed("true", "2"));
        let wrong = report(&scene, &["refresh", "--timeout", "soon"], "", 2);
        assert_eq!(wrong, pairs(&[("ERROR_ID", "usage")]));
        let wrong = report(&scene, &["refresh", "--mask", "github"], "", 2);
        assert_eq!(wrong, pairs(&[("ERROR_ID", "mask-misplaced")]));
        // One that cannot be written changes nothing else.
        let missing = scene.sandbox.path("nowhere/report.env");
        let words = scene.with_store(&["restore", "--dotenv", missing.to_str().unwrap()]);
        scene.run_with(&words, b"", &GITLAB, 0).said("warning: the dotenv report could not be written: ");
    }
}

#[test]
fn what_is_said_on_gitlab_can_be_folded_and_an_error_cannot() {
    let scene = Scene::new(&[]);
    let login = scene.issue();
    let said = |arguments: &[&str], variables: &[(&str, &str)], code| {
        scene.run_with(&scene.with_store(arguments), login.as_bytes(), variables, code).stderr
    };
    let text = said(&["restore", "--seed-stdin"], &GITLAB, 0);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with(START) && lines[0].ends_with("\r\u{1b}[0Kauthbaton restore"), "{text:?}");
    assert!(lines[1].starts_with("the seed was taken"), "{text:?}");
    assert!(lines.last().unwrap().starts_with(END) && text.matches(END).count() == 1, "{text:?}");
    let text = said(&["restore", "--seed-stdin", "--min-ttl", "300d"], &GITLAB, 3);
    let (folded, error) = text.split_once(END).unwrap();
    assert!(folded.contains("the seed is ignored") && !folded.contains("error["), "{text:?}");
    assert!(error.contains("\nerror[token-too-short]: "), "{text:?}");
    for (arguments, variables, code) in [
        (&["restore", "--json"][..], &GITLAB[..], 0),
        (&["restore", "-q"], &GITLAB, 0),
        (&["restore", "--platform", "shell"], &GITLAB, 0),
        (&["restore"], &[], 0),
        // Nothing was said before the error: there is nothing to fold.
        (&["refresh", "--timeout", "soon"], &GITLAB, 2),
    ] {
        let text = said(arguments, variables, code);
        assert!(!text.contains("section_"), "{arguments:?}: {text:?}");
    }
    let command = ["run", "--store", &scene.sandbox.store(), "--seal-key-file"];
    let mut run = scene.sandbox.command(env!("CARGO_BIN_EXE_authbaton").as_ref());
    run.args(command).arg(scene.sandbox.path("seal.key")).args(["--broker", "always", "--authority-url"]);
    run.args([&scene.authority.url(), "-v", "--platform", "gitlab", "--", "sh", "-c", "echo theirs >&2"]);
    run.env("CI_COMMIT_REF_PROTECTED", "true");
    let text =
        crate::process::run(&mut run, b"", std::time::Duration::from_secs(60)).unwrap().exited(0).stderr;
    let begin = text.find("theirs").unwrap();
    assert!(text.find(START).is_none_or(|start| start < text.find(END).unwrap()), "{text:?}");
    assert!(text.find(END).is_none_or(|end| end < begin), "{text:?}");
}
