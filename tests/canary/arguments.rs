//! A secret in the wrong place of the command line or in the wrong variable is not repeated. (That it is on the command
//! line at all, where other processes can read it, is the caller's doing.)

use std::fs;

use authbaton::{cli::command, job::Environment};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::ArgAction;

use crate::scene::{ANOTHER_KEY, API_KEY, EXTREMES, PERSONAL, Scene};

/// Whose value is a path or a name that is told to people, as the sidecar does: what it looks like cannot be judged.
const TOLD: [&str; 5] = ["home", "slot", "audience", "ca-file", "forced-chatgpt-workspace-id"];
const VERBS: [&str; 8] = ["login", "status", "enforce", "restore", "refresh", "save", "logout", "rehearse"];

#[test]
fn a_secret_in_the_place_of_a_verb_or_an_option_is_not_repeated() {
    for voice in EXTREMES {
        let scene = Scene::new(voice);
        for secret in [API_KEY, PERSONAL] {
            scene.run(&[secret], b"", 2);
            for verb in VERBS {
                scene.run(&[verb, secret], b"", 2);
                scene.run(&[verb, "--", secret], b"", 2);
                scene.run(&[verb, &format!("--json={secret}")], b"", 2);
                scene.run(&[verb, &format!("--sekrit={secret}")], b"", 2);
                for option in ["--api-key", "--access-token", "--auth-json", "--seal-key"] {
                    scene.run(&[verb, option, secret], b"", 2);
                    scene.run(&[verb, &format!("{option}={secret}")], b"", 2);
                }
            }
            scene.run(&["login", &format!("--with-api-key={secret}")], b"", 2);
        }
    }
}

/// Every option with a value, of every verb, as an option and as a variable.
#[test]
fn a_secret_in_the_place_of_a_value_is_not_repeated() {
    let whole = command(&Environment::Fixed(Default::default()));
    let mut options = 0;
    for voice in EXTREMES {
        let scene = Scene::new(voice);
        let mut all = vec![("status", whole.get_arguments())];
        all.extend(whole.get_subcommands().map(|verb| (verb.get_name(), verb.get_arguments())));
        for (verb, arguments) in all {
            for argument in arguments {
                let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
                let Some(long) = argument.get_long().filter(|long| takes_value && !TOLD.contains(long))
                else {
                    continue;
                };
                let wanted = scene.with_store(&[verb]);
                let needs = wanted.iter().map(String::as_str).take(if verb == "restore" { 3 } else { 1 });
                let needs: Vec<&str> =
                    if verb == "login" { vec![verb, "--with-api-key"] } else { needs.collect() };
                options += 1;
                for secret in [API_KEY, PERSONAL] {
                    let mut typed = needs.clone();
                    let option = format!("--{long}={secret}");
                    typed.push(&option);
                    scene.attempt(&typed, b"", &[]);
                    let variable = format!("AUTHBATON_{}", long.to_uppercase().replace('-', "_"));
                    scene.attempt(&needs, b"", &[(&variable, secret)]);
                }
            }
        }
    }
    assert!(options > 20, "only {options} options were found");
}

#[test]
fn a_seal_key_is_not_repeated() {
    for voice in EXTREMES {
        let scene = Scene::new(voice);
        let key = BASE64_STANDARD.encode(ANOTHER_KEY);
        let short = key.trim_end_matches('=');
        let store = scene.sandbox.store();
        let restore = ["restore", "--store", &store];
        for bad in
            [format!("\"{key}\""), format!("{key}{key}"), format!("{key} nonsense"), format!("k={short}")]
        {
            scene.run_with(&restore, b"", &[("AUTHBATON_SEAL_KEY", &bad)], 2);
            let file = scene.give("bad.key", bad.as_bytes());
            scene.run(&[restore.as_slice(), &["--seal-key-file", &file]].concat(), b"", 2);
        }
        scene.run(&[restore.as_slice(), &["--seal-key-file", &key]].concat(), b"", 2);
        scene.run_with(&restore, b"", &[("AUTHBATON_SEAL_KEY", &key)], 3);
    }
}

/// Quoted wrongly, the content of a secret lands where the name of its file should stand.
#[test]
fn a_secret_in_the_place_of_a_files_name_is_not_repeated() {
    let scene = Scene::new(&[]);
    let login = scene.issue();
    for before in ["{", "{ ", "{\r\n", "{\n", " {", "\n{"] {
        let text = BASE64_STANDARD.encode(login.replacen('{', before, 1));
        scene.run(&["login", "--with-auth-json", "--from-file", &text], b"", 2);
        scene.run(&scene.with_store(&["restore", "--seed-file", &text]), b"", 2);
    }
    let key = fs::read_to_string(scene.sandbox.path("seal.key")).unwrap();
    let keys = [key.trim(); 6].join(",");
    let store = scene.sandbox.store();
    scene.run(&["restore", "--store", &store, "--seal-key-file", &keys], b"", 2);
}
