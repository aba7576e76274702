//! What a run ends with, and what it does not start.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use chrono::TimeDelta;
use serde_json::Value;

use authbaton::rehearsal::{Behaviour, Fault, Refusal};

use crate::arena::{Arena, due, fresh, issued};
use crate::job::{End, Job, bare, ran, run};

fn arena() -> Arena {
    let arena = Arena::new();
    arena.seed(&fresh());
    arena
}

#[test]
fn the_exit_code_is_that_of_the_command() {
    let arena = arena();
    let directory = arena.sandbox.path("work");
    let script = arena.sandbox.write("work/not-executable", b"#!/bin/sh\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o600)).unwrap();
    let table: [(&[&str], i32, &str); 10] = [
        (&["/bin/sh", "-c", "exit 0"], 0, ""),
        (&["/bin/sh", "-c", "exit 7"], 7, ""),
        (&["/bin/sh", "-c", "exit 255"], 255, ""),
        (&["/bin/sh", "-c", "kill -9 $$"], 137, ""),
        (&["/bin/sh", "-c", "kill -15 $$"], 143, ""),
        // Not SIGINT or SIGHUP: who starts us in the background has them ignored.
        (&["/bin/sh", "-c", "kill -10 $$"], 138, ""),
        (&["no-such-program"], 127, "error[command-not-found]"),
        (&["./no-such-program"], 127, "error[command-not-found]"),
        (&["./not-executable"], 126, "error[command-not-executable]"),
        (&[directory.to_str().unwrap()], 126, "error[command-not-executable]"),
    ];
    for broker in ["never", "always"] {
        for (command, code, text) in &table {
            let mut run = run(&arena, &["--broker", broker, "--json"], command);
            // A directory that this user may not search would make a program that is nowhere one that is locked away.
            run.env("PATH", "/usr/bin:/bin");
            let end = ran(&arena, run);
            assert_eq!((end.code, end.signal), (Some(*code), None), "{command:?}: {end:?}");
            assert!(end.stderr.contains(text), "{command:?}: {end:?}");
            // Where no command ran, nobody else's words are on stdout, and the error is told.
            let told: Value = serde_json::from_str(&end.stdout).unwrap_or_default();
            assert_eq!(told["ok"] == false, !text.is_empty(), "{command:?}: {end:?}");
            assert_eq!(fs::read_dir(arena.sandbox.path("temporary")).unwrap().count(), 0, "{command:?}");
        }
    }
    arena.nothing_lies_around();
}

/// Runs a command that leaves a trace, and demands that it was not started.
#[track_caller]
fn not_started(arena: &Arena, number: usize, make: impl FnOnce(&[&str]) -> Command) -> End {
    let trace = arena.sandbox.path(&format!("work/trace-{number}"));
    let end = ran(arena, make(&["/usr/bin/touch", trace.to_str().unwrap()]));
    assert!(!trace.exists(), "the command was started: {end:?}");
    assert_eq!(fs::read_dir(arena.sandbox.path("temporary")).unwrap().count(), 0, "a home is left: {end:?}");
    arena.nothing_lies_around();
    end
}

#[test]
fn a_command_that_is_started_leaves_its_trace() {
    let arena = arena();
    let trace = arena.sandbox.path("work/trace");
    let end = ran(&arena, run(&arena, &[], &["/usr/bin/touch", trace.to_str().unwrap()]));
    assert!(end.code == Some(0) && trace.exists(), "{end:?}");
}

#[test]
fn nothing_is_started_without_a_login_that_lasts() {
    for (number, broker) in ["never", "auto", "always"].into_iter().enumerate() {
        let refused = |arena: &Arena, options: &[&str], code, id| {
            let options: Vec<_> = options.iter().chain(&["--broker", broker]).copied().collect();
            not_started(arena, number, |command| run(arena, &options, command)).refused(code, id);
        };
        refused(&Arena::new(), &[], 3, "slot-empty");
        let seeded = arena();
        refused(&seeded, &["--slot", "another"], 3, "slot-empty");
        refused(&seeded, &["--forced-login-method", "api"], 4, "policy-forbidden");
        refused(&seeded, &["--forced-chatgpt-workspace-id", "another"], 4, "policy-forbidden");
        refused(&seeded, &["--min-ttl", "30d"], 3, "token-too-short");
        assert_eq!(seeded.authority.posts(), 0);

        let dead = Arena::due();
        dead.authority.script(Behaviour::Failing(Fault::Refusal(Refusal::new(400, "invalid_grant"))));
        refused(&dead, &[], 5, "login-refused");
        refused(&dead, &[], 5, "login-refused");
        assert_eq!(dead.authority.posts(), 1);
    }
}

#[test]
fn a_policy_of_the_users_own_settings_counts_in_the_fresh_home() {
    let arena = arena();
    arena.sandbox.write("home/config.toml", b"forced_login_method = \"api\"\n");
    not_started(&arena, 0, |command| run(&arena, &[], command)).refused(4, "policy-forbidden");
    arena.sandbox.write("home/config.toml", b"cli_auth_credentials_store = \"keyring\"\n");
    not_started(&arena, 0, |command| run(&arena, &[], command)).refused(2, "credentials-store-unsupported");
}

#[test]
fn nothing_is_started_without_a_seal_key_or_with_another() {
    let arena = arena();
    let with = |key: Option<&str>| {
        not_started(&arena, 0, |command| {
            let mut run = bare(&arena, &["--store", &arena.sandbox.store(), "--"]);
            run.args(command);
            if let Some(key) = key {
                run.env("AUTHBATON_SEAL_KEY", key);
            }
            run
        })
    };
    with(None).refused(2, "seal-key-missing");
    with(Some("short")).refused(2, "seal-key-malformed");
    with(Some(&"00".repeat(32))).refused(8, "baton-unknown-key");
}

/// The authority cannot be asked: what there is serves while it lasts, and not longer.
#[test]
fn a_token_that_cannot_be_renewed_serves_as_long_as_it_lasts() {
    let arena = Arena::new();
    arena.seed(&issued(TimeDelta::hours(-9), TimeDelta::hours(1)));
    arena.authority.always(Behaviour::Failing(Fault::Refusal(Refusal::new(503, "busy"))));
    let options = ["--timeout", "1s", "--broker", "never"];
    let started = ran(&arena, run_without_timeout(&arena, &options, &["/bin/true"]));
    assert_eq!(started.code, Some(0), "{started:?}");
    assert!(started.stderr.contains("warning: the login could not be renewed before the run"), "{started:?}");
    let ended = Arena::due();
    ended.authority.always(Behaviour::Failing(Fault::Refusal(Refusal::new(503, "busy"))));
    let make = |command: &[&str]| run_without_timeout(&ended, &options, command);
    not_started(&ended, 0, make).refused(6, "authority-unreachable");
    // Nothing that could be renewed: a copy of the access token that has ended.
    let make = |command: &[&str]| {
        let mut run = bare(&ended, &["--store", "home:", "--"]);
        run.args(command);
        run
    };
    not_started(&ended, 0, make).refused(3, "token-too-short");
}

fn run_without_timeout(arena: &Arena, options: &[&str], command: &[&str]) -> Command {
    let mut run = arena.sandbox.command(&PathBuf::from(env!("CARGO_BIN_EXE_authbaton")));
    run.args(["run", "--authority-url", &arena.authority.url(), "--store", &arena.sandbox.store()]);
    run.arg("--seal-key-file").arg(arena.sandbox.path("seal.key")).args(options).arg("--").args(command);
    run
}

/// Nobody's stdin, stdout or stderr but the command's, whatever `run` has to say.
#[test]
fn the_standard_streams_are_those_of_the_command() {
    let arena = arena();
    for options in [&["--json", "-q"][..], &["-q", "--broker", "always"]] {
        let mut command = run(&arena, options, &["/bin/sh", "-c", "cat; echo to stderr >&2"]);
        let input = arena.sandbox.write("work/input", b"to stdout\n");
        command.stdin(fs::File::open(input).unwrap());
        let end = ran(&arena, command);
        assert_eq!((end.stdout.as_str(), end.stderr.as_str()), ("to stdout\n", "to stderr\n"), "{options:?}");
    }
}

#[test]
fn the_report_says_what_happened() {
    for (login, broker) in [(due(), "always"), (fresh(), "never")] {
        let arena = Arena::new();
        arena.seed(&login);
        let path = arena.sandbox.path("work/report.json");
        let job = Job::start(&arena, &["--broker", broker, "--report", path.to_str().unwrap(), "--json"]);
        assert!(!path.exists());
        let end = job.end(&arena);
        assert_eq!(end.stdout, "", "--json said something beside the command");
        let report: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let expected = [
            ("schema", 1.into()),
            ("verb", "run".into()),
            ("ok", true.into()),
            ("error", Value::Null),
            ("client", "codex".into()),
            ("slot", "default".into()),
            ("account_id", "account-one".into()),
            ("refreshed", (broker == "always").into()),
            ("broker", (broker == "always").into()),
            ("exit_code", 7.into()),
            ("foreign_login", false.into()),
            ("generation", arena.state().generation.into()),
        ];
        for (name, value) in expected {
            assert_eq!(report[name], value, "{name}: {report}");
        }
        assert!(report["expires_at"].is_string(), "{report}");
        arena.nothing_lies_around();
    }
}
