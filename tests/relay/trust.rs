//! A job that its platform does not trust uses the login, and writes no store: whatever verb it calls, nothing is seeded,
//! leased, renewed or emptied.

use std::fs;

use chrono::TimeDelta;
use serde_json::json;

use crate::arena::{Arena, Ran, Runner, fresh, issued};
use crate::launch;
use crate::unstored::refresh_without_storing;

const PLATFORMS: [(&str, &[(&str, &str)]); 8] = [
    ("gitlab", &[("GITLAB_CI", "true"), ("CI_COMMIT_REF_PROTECTED", "false")]),
    ("gitlab", &[("GITLAB_CI", "true")]),
    (
        "gitlab",
        &[
            ("GITLAB_CI", "true"),
            ("CI_COMMIT_REF_PROTECTED", "true"),
            ("CI_PROJECT_ID", "1"),
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "2"),
        ],
    ),
    (
        "gitlab",
        &[("GITLAB_CI", "true"), ("CI_COMMIT_REF_PROTECTED", "true"), ("CI_EXTERNAL_PULL_REQUEST_IID", "3")],
    ),
    ("azure", &[("TF_BUILD", "True"), ("SYSTEM_PULLREQUEST_ISFORK", "True")]),
    ("buildkite", &[("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST_REPO", "https://host.example/fork/x")]),
    ("circleci", &[("CIRCLECI", "true"), ("CIRCLE_PR_REPONAME", "x")]),
    ("jenkins", &[("JENKINS_URL", "http://x"), ("CHANGE_FORK", "x")]),
];

/// Runs in an environment with something more.
fn run_in(
    arena: &Arena,
    variables: &[(&str, &str)],
    runner: &Runner,
    arguments: &[&str],
    input: &str,
) -> Ran {
    let mut command = arena.command(runner, arguments);
    command.envs(variables.iter().copied());
    arena.ended(launch::start(&mut command, input))
}

/// What the store has, byte for byte.
fn stored(arena: &Arena) -> Vec<u8> {
    let mut files: Vec<_> =
        fs::read_dir(arena.sandbox.path("store")).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn every_verb_leaves_the_store_as_it_is() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let newer = arena.issue(&issued(TimeDelta::hours(-1), TimeDelta::days(9)));
    let before = stored(&arena);
    let (unprotected, holder) = (PLATFORMS[0].1, arena.runner(3, 3));
    let run = |arguments: &[&str], input: &str| run_in(&arena, unprotected, &arena.first(), arguments, input);

    // What only uses it works, and says why nothing more is done.
    let restored = run(&["restore", "--seed-stdin"], &newer);
    restored.fine();
    assert!(restored.stderr.contains("this ref is not protected; protect the branch"), "{}", restored.stderr);
    assert_eq!(restored.json["generation"], json!(null));
    run(&["restore"], "").fine();
    assert_eq!(arena.first().access_token(), arena.held_access_token());
    run(&["refresh"], "").refreshed(false);

    // What would write is refused, by every verb.
    let refused = |arguments: &[&str], input: &str| {
        let ran = run(arguments, input);
        ran.failed(8, "store-read-only");
        assert!(ran.stderr.contains("protect the branch"), "{arguments:?}: {}", ran.stderr);
    };
    refused(&["refresh", "--force"], "");
    refused(&["login", "--with-auth-json"], &newer);
    refused(&["logout", "--purge"], "");
    refused(&["rehearse"], "");
    fs::create_dir(&holder.home).unwrap();
    fs::write(holder.auth_json(), &newer).unwrap();
    run_in(&arena, unprotected, &holder, &["save"], "").failed(8, "store-read-only");
    assert_eq!(fs::read_to_string(holder.auth_json()).unwrap(), newer);
    assert!(stored(&arena) == before, "the store was written");
    assert_eq!(arena.authority.posts(), 0);
}

#[test]
fn an_empty_slot_takes_no_seed_and_a_rescue_text_waits() {
    let arena = Arena::new();
    let login = arena.issue(&fresh());
    let unprotected = PLATFORMS[0].1;
    run_in(&arena, unprotected, &arena.first(), &["restore", "--seed-stdin"], &login).fine();
    assert!(stored(&arena).is_empty());
    arena.nothing_lies_around();

    let arena = Arena::due();
    let text = refresh_without_storing(&arena, &arena.first()).text;
    let before = stored(&arena);
    run_in(&arena, unprotected, &arena.runner(2, 2), &["rescue"], &text).failed(8, "store-read-only");
    assert!(stored(&arena) == before, "the store was written");
    // Somebody else can still store it.
    assert_eq!(arena.run_with(&arena.runner(2, 2), &["rescue"], &text).fine().json["rescued"], true);
    arena.holds_a_living_token();
}

#[test]
fn a_due_login_is_renewed_only_where_the_platform_trusts_the_job() {
    let arena = Arena::due();
    for (platform, variables) in PLATFORMS {
        let ran = run_in(&arena, variables, &arena.first(), &["refresh"], "");
        ran.failed(8, "store-read-only");
        assert!(ran.stderr.contains("renew the login"), "{platform}: {}", ran.stderr);
        // Whoever says that it is another platform is believed: variables are no proof either.
        assert_eq!(arena.authority.posts(), 0, "{platform}");
    }
    let protected = [("GITLAB_CI", "true"), ("CI_COMMIT_REF_PROTECTED", "true")];
    run_in(&arena, &protected, &arena.first(), &["refresh"], "").refreshed(true);
    arena.holds_a_living_token();
    let by_name =
        run_in(&arena, PLATFORMS[0].1, &arena.first(), &["refresh", "--force", "--platform", "shell"], "");
    by_name.refreshed(true);
}
