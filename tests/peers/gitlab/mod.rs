//! The examples for GitLab as they are, run by gitlab-ci-local in shells: pipelines after each other, with the real Codex in
//! them. `cargo test --test peers -- gitlab --nocapture` prints what each pipeline cost.

mod lines;
mod project;
mod runner;
mod search;
mod support;
mod table;

use std::{collections::BTreeSet, fs, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use self::{
    project::{DUE, FRESH, Project, SOON, Whose},
    support::{bucket_server::BucketServer, git_host::git},
    table::{PIPELINES, Turn},
};

const RENEW: &str = "authbaton-renew";
const CODEX: &str = "codex";
const UNPROTECTED: &str = "CI_COMMIT_REF_PROTECTED=false";
/// The project's variable of a workspace that the login is not of.
const ANOTHER_WORKSPACE: &str = "AUTHBATON_FORCED_CHATGPT_WORKSPACE_ID=another-workspace";

/// Reads the ref of the slot in a repository of the git host.
fn in_repository(name: &'static str) -> impl Fn(&Project) -> Vec<u8> {
    move |project| git(&project.hosted(name), &["show", "refs/authbaton/default:baton"]).into_bytes()
}

/// What a host demands of whoever comes with this token.
fn basic(user: &str, token: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{token}")))
}

/// The component, fetched from the git host; a project of its own for the login; a token for that.
#[test]
fn the_git_store_carries_a_login_from_pipeline_to_pipeline() {
    let Some(mut project) = Project::with("git-store.yml", in_repository("codex-baton.git")) else { return };
    project.seed("authbaton", DUE);
    // Before the host demands a token: on GitLab the server fetches components.
    project.pipeline(&["--list"]);
    let token = "glpat-of-a-bot-1234567890";
    project.add_secret("AUTHBATON_GIT_TOKEN", "*", token.to_owned());
    project.host.rules().demand(&basic("x-access-token", token));

    let first = project.pipeline(&[]).came_to(&[(RENEW, 0), (CODEX, 0)]);
    let first = project.note(PIPELINES[0], first);
    assert_eq!((first.exchanges, first.codex), (1, Turn::Answered));
    let report = fs::read_to_string(project.path("repository/authbaton.env")).unwrap();
    assert!(report.contains("AUTHBATON_REFRESHED=true\nAUTHBATON_GENERATION=2\n"), "{report}");

    let second = project.pipeline(&[]).came_to(&[(RENEW, 0), (CODEX, 0)]);
    let second = project.note(PIPELINES[1], second);
    assert_eq!((second.exchanges, second.codex, second.generation), (0, Turn::Answered, first.generation));
    project.every_line_ran(&[Whose::Examples, Whose::Templates]);
}

/// The template, from the project itself; the job's own token; a job that fails; a policy.
#[test]
fn a_job_that_fails_loses_nothing_and_a_policy_keeps_the_store() {
    let Some(mut project) = Project::with("job-token.yml", in_repository("project.git")) else { return };
    project.seed("authbaton", FRESH);
    let token = "glcbt-of-this-job-1234567890";
    project.add_secret("CI_JOB_TOKEN", "*", token.to_owned());
    project.host.rules().demand(&basic("gitlab-ci-token", token));

    let first = project.pipeline(&[]).came_to(&[(RENEW, 0), (CODEX, 0)]);
    let first = project.note(PIPELINES[2], first);
    assert_eq!(first.exchanges, 0);

    project.refuse_turns();
    let failed = project.pipeline(&[CODEX, "--variable", SOON]).came_to(&[(CODEX, 1)]);
    let failed = project.note(PIPELINES[3], failed);
    assert_eq!(failed.exchanges, 1);
    assert!(failed.generation > first.generation);

    project.answer_turns();
    let next = project.pipeline(&[]).came_to(&[(RENEW, 0), (CODEX, 0)]);
    let next = project.note(PIPELINES[4], next);
    assert_eq!((next.exchanges, next.generation), (0, failed.generation));

    let stored = project.stored();
    let refused = project.pipeline(&["--variable", ANOTHER_WORKSPACE]).came_to(&[(RENEW, 4)]);
    let refused = project.note(PIPELINES[5], refused.printed("error[policy-forbidden]"));
    assert_eq!((refused.exchanges, refused.codex), (0, Turn::NotAsked));
    assert!(project.stored() == stored, "the store was changed");

    let allowed = project.pipeline(&[]).came_to(&[(RENEW, 0), (CODEX, 0)]);
    let allowed = project.note(PIPELINES[6], allowed);
    assert_eq!((allowed.exchanges, allowed.generation), (0, failed.generation));

    let unprotected = project.pipeline(&["--variable", UNPROTECTED]);
    project.note(PIPELINES[7], unprotected.came_to(&[]));
    // Who names a job gets it, whatever its rules say.
    let stored = project.stored();
    let by_name = project.pipeline(&[CODEX, "--variable", UNPROTECTED, "--variable", SOON]);
    let by_name = by_name.came_to(&[(CODEX, 0)]).printed("this ref is not protected");
    let by_name = project.note(PIPELINES[8], by_name);
    assert_eq!((by_name.exchanges, by_name.codex), (0, Turn::Answered));
    assert!(project.stored() == stored, "the store was changed");
    project.every_line_ran(&[Whose::Examples]);
}

/// The identity of the job opens the bucket; here a variable stands for it, since nobody gives these jobs one. The seed is
/// a file.
#[test]
fn an_object_store_carries_a_login_from_pipeline_to_pipeline() {
    let bucket = BucketServer::start();
    let store = format!("{}&sts={}", bucket.store("s3", "ci/authbaton"), bucket.origin());
    let read = move |_: &Project| bucket.content("ci/authbaton/default.baton").unwrap();
    let Some(mut project) = Project::with("object-store.yml", read) else { return };
    project.seed_by_file("authbaton", DUE);
    project.add_secret("AWS_ID_TOKEN", "*", "web-token-of-this-job-1234567890".to_owned());
    // A variable of the project comes before one of the file.
    let store = format!("AUTHBATON_STORE={store}");

    let first = project.pipeline(&["--variable", &store]).came_to(&[(RENEW, 0), (CODEX, 0)]);
    let first = project.note(PIPELINES[9], first);
    assert_eq!(first.exchanges, 1);
    let second = project.pipeline(&["--variable", &store]).came_to(&[(RENEW, 0), (CODEX, 0)]);
    let second = project.note(PIPELINES[10], second);
    assert_eq!((second.exchanges, second.generation), (0, first.generation));
    project.every_line_ran(&[Whose::Examples]);
}

/// Isolated, so that a job has of the last one what the cache brings and nothing else.
#[test]
fn the_cache_carries_a_login_also_from_a_job_that_fails() {
    const ISOLATED: &str = "--shell-isolation";
    const AT_JOB_END: &str = "this store is uploaded only after the job";
    let in_cache = |project: &Project| {
        fs::read(project.path("repository/.gitlab-ci-local/cache/authbaton/.authbaton/default.baton"))
            .unwrap()
    };
    let Some(mut project) = Project::with("cache.yml", in_cache) else { return };
    project.seed("*", DUE);

    let first = project.pipeline(&[ISOLATED]).came_to(&[(CODEX, 0)]).printed(AT_JOB_END);
    let first = project.note(PIPELINES[11], first);
    assert_eq!(first.exchanges, 1);

    project.refuse_turns();
    let failed = project.pipeline(&[ISOLATED, "--variable", SOON]).came_to(&[(CODEX, 1)]).printed(AT_JOB_END);
    let failed = project.note(PIPELINES[12], failed);
    assert_eq!(failed.exchanges, 1);
    assert!(failed.generation > first.generation);

    project.answer_turns();
    let with_broker = [ISOLATED, "--variable", "AUTHBATON_BROKER=always"];
    let next = project.pipeline(&with_broker).came_to(&[(CODEX, 0)]);
    let next = project.note(PIPELINES[13], next);
    assert_eq!((next.exchanges, next.generation), (0, failed.generation));

    let stored = project.stored();
    let refused = project.pipeline(&[ISOLATED, "--variable", ANOTHER_WORKSPACE]).came_to(&[(CODEX, 4)]);
    let refused = project.note(PIPELINES[14], refused.printed("error[policy-forbidden]"));
    assert_eq!((refused.exchanges, refused.codex), (0, Turn::NotAsked));
    assert!(project.stored() == stored, "the store was changed");
    project.every_line_ran(&[Whose::Examples]);
}

/// Whoever gives the component something else is told before a job starts.
#[test]
fn inputs_of_another_type_or_form_are_refused() {
    let Some(mut project) = Project::with("job-token.yml", |_| Vec::new()) else { return };
    for (input, said) in [
        ("image=", "does not match required regex"),
        ("renew=perhaps", "`renew` input: provided value is not a boolean"),
        ("client=claude", "is not in the list of allowed options"),
        ("broker=sometimes", "is not in the list of allowed options"),
        ("slot=../other", "does not match required regex"),
        ("name=Auth Baton", "does not match required regex"),
        ("min-ttl=soon", "does not match required regex"),
        ("store=https://gitlab.example.com/a", "does not match required regex"),
    ] {
        let pipeline = project.pipeline(&["--list", "--input", input]);
        assert_ne!(pipeline.outcome.code, Some(0), "{input}");
        pipeline.printed(said).printed(input.split('=').next().unwrap());
    }
    fs::write(project.path("repository/bare.yml"), "include: [{local: /templates/login.yml}]\n").unwrap();
    let without = project.pipeline(&["--list", "--file", "bare.yml"]);
    assert_ne!(without.outcome.code, Some(0));
    without.printed("input: required value has not been provided");
    project.pipeline(&["--list", "--input", "slot=other.1", "--input", "renew=false"]).came_to(&[]);
}

/// An example that no test runs is one that nobody has seen work.
#[test]
fn every_example_is_run() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/gitlab");
    let names = |directory: &Path| -> BTreeSet<String> {
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
        let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
        files.map(|entry| entry.file_name().into_string().unwrap()).collect()
    };
    let run = PIPELINES.iter().map(|name| name.split(':').next().unwrap().to_owned());
    assert_eq!(names(&examples), run.collect());
    assert_eq!(names(&examples.join("templates")), BTreeSet::from(["login.yml".to_owned()]));
}
