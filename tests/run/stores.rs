//! Stores that start programs: the broker, which has next to no environment of its own, reaches them as `run` does, and
//! neither their programs nor the job get what is not for them.

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::arena::{Arena, fresh};
use crate::job::{End, bare, ran};
use crate::program::write_program;
use crate::support::git_host::GitHost;

const TOKEN: &str = "token-canary-9f8e7d";

/// Keeps slots in files below `KEEPER`, and notes what it was given. One process at a time uses it here.
const HELPER: &str = r#"#!/usr/bin/env python3
import json, os, sys
directory = os.environ["KEEPER"]
with open(directory + "/environments", "a") as notes:
    notes.write(json.dumps([dict(os.environ), sys.argv]) + "\n")
request = json.load(sys.stdin)
path = directory + "/" + request.get("slot", "")
there = json.load(open(path)) if os.path.isfile(path) else None
if request["operation"] == "facts":
    answer = {"result": "facts", "exclusive": True, "access": "write", "durability": "now", "worst_swap_seconds": 15}
elif request["operation"] == "load":
    answer = {"result": "found", **there} if there else {"result": "absent"}
elif request["expected"] != (there or {}).get("version"):
    answer = {"result": "conflict"}
else:
    version = str(int(request["expected"] or "0") + 1)
    json.dump({"content": request["content"], "version": version}, open(path, "w"))
    answer = {"result": "done", "version": version}
print(json.dumps({"protocol": 1, **answer}))
"#;

/// Seeds a store from a variable and runs `env` with a broker.
fn run_env(arena: &Arena, store: &str, variables: &[(&str, &str)]) -> End {
    let mut run = bare(arena, &["--broker", "always", "--seed-env", "MY_LOGIN", "--store", store]);
    run.arg("--seal-key-file").arg(arena.sandbox.path("seal.key")).args(["--", "env"]);
    run.env("MY_LOGIN", arena.issue(&fresh())).envs(variables.iter().copied());
    let end = ran(arena, run);
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(end.stdout.contains("CODEX_REFRESH_TOKEN_URL_OVERRIDE="), "{end:?}");
    end
}

#[test]
fn a_git_host_is_reached_with_the_token_that_run_was_given() {
    let (arena, host) = (Arena::new(), GitHost::start());
    let header = format!("Basic {}", BASE64_STANDARD.encode(format!("x-access-token:{TOKEN}")));
    host.rules().demand(&header);
    let store = format!("git:{}", host.url());
    let end = run_env(&arena, &store, &[("AUTHBATON_GIT_TOKEN", TOKEN)]);
    assert!(!end.stdout.contains(TOKEN) && !end.stderr.contains(TOKEN), "{end:?}");
    assert!(host.rules().seen().iter().all(|seen| seen.as_ref() == Some(&header)));
}

#[test]
fn a_helper_is_given_the_environment_and_none_of_our_secrets() {
    let arena = Arena::new();
    let helper = arena.sandbox.path("helper");
    write_program(&helper, HELPER);
    let keeper = arena.sandbox.path("keeper");
    fs::create_dir(&keeper).unwrap();
    let key = fs::read_to_string(arena.sandbox.path("seal.key")).unwrap();
    let variables = [
        ("KEEPER", keeper.to_str().unwrap()),
        ("AUTHBATON_SEAL_KEY", key.trim()),
        ("INPUT_AUTH-JSON", "input-canary"),
        ("VAULT_ADDR", "https://vault.example"),
    ];
    run_env(&arena, &format!("exec:{}", helper.display()), &variables);
    let notes = fs::read_to_string(keeper.join("environments")).unwrap();
    // Those of `run` itself, which asks twice, and those of its broker.
    assert!(notes.lines().count() >= 4, "{notes}");
    for note in notes.lines() {
        assert!(note.contains(r#""VAULT_ADDR": "https://vault.example""#), "{note}");
        for secret in [key.trim(), "input-canary", "MY_LOGIN", "rt_CANARY_", "AUTHBATON_"] {
            assert!(!note.contains(secret), "{secret} in {note}");
        }
    }
    arena.nothing_lies_around();
}
