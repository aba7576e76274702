//! The action: its secrets come as inputs, and the runner prints, keeps or shows everything that a step says and writes.
//!
//! A mask is the one line that has a secret in it, and it comes before anything else could.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use authbaton::rehearsal::{Account, IssueOptions};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::process::{Outcome, run};
use crate::scene::{API_KEY, PERSONAL, Scene};

const MASK: &str = "::add-mask::";
const FILES: [&str; 4] = ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"];

/// What a stage said and wrote.
struct Told {
    outcome: Outcome,
    masks: Vec<String>,
    files: BTreeMap<&'static str, String>,
}

impl Told {
    fn has(&self, file: &str, name: &str) -> Option<String> {
        let (_, rest) = self.files.get(file)?.split_once(&format!("{name}<<"))?;
        let (delimiter, rest) = rest.split_once('\n')?;
        rest.split_once(&format!("\n{delimiter}\n")).map(|(value, _)| value.to_owned())
    }

    fn output(&self, name: &str) -> Option<String> {
        self.has("GITHUB_OUTPUT", name)
    }

    fn summary(&self) -> &str {
        self.files.get("GITHUB_STEP_SUMMARY").map_or("", String::as_str)
    }
}

/// A job on the default branch, in a repository with the id 1.
struct Job<'a> {
    scene: &'a Scene,
    event: (&'static str, &'static str, &'static str),
    stages: usize,
    state: Vec<(String, String)>,
}

const PUSH: (&str, &str, &str) =
    ("push", "refs/heads/main", r#"{"repository":{"id":1,"default_branch":"main"}}"#);
const COMMENT: (&str, &str, &str) = (
    "issue_comment",
    "refs/heads/main",
    r#"{"repository":{"id":1,"default_branch":"main"},"comment":{"author_association":"NONE","body":"::error::x"}}"#,
);

impl<'a> Job<'a> {
    fn new(scene: &'a Scene, event: (&'static str, &'static str, &'static str)) -> Self {
        Self { scene, event, stages: 0, state: Vec::new() }
    }

    /// Runs a stage, and searches everything for every secret.
    #[track_caller]
    fn stage(&mut self, stage: &str, inputs: &[(&str, &str)], code: i32) -> Told {
        let sandbox = &self.scene.sandbox;
        self.stages += 1;
        let path = |name: &str| sandbox.path(&format!("work/{name}"));
        let mut command = sandbox.command(std::path::Path::new(env!("CARGO_BIN_EXE_authbaton")));
        command.args(["action", stage]);
        for name in FILES {
            command.env(name, sandbox.write(&format!("work/{name}"), b""));
        }
        let (event, reference, payload) = self.event;
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", event)
            .env("GITHUB_REF", reference)
            .env("GITHUB_EVENT_PATH", sandbox.write("work/event.json", payload.as_bytes()))
            .env("GITHUB_REPOSITORY_ID", "1")
            .env("RUNNER_DEBUG", "1")
            .env("RUNNER_TEMP", sandbox.path("temporary"))
            .env("GITHUB_WORKSPACE", sandbox.path("work"))
            .env("AUTHBATON_STORE", "file:/poisoned")
            .env("CODEX_REFRESH_TOKEN_URL_OVERRIDE", "http://127.0.0.1:9/poisoned");
        let url = self.scene.authority.url();
        let timeout = [("authority-url", url.as_str()), ("timeout", "1s")];
        for (name, value) in timeout.iter().chain(inputs) {
            command.env(format!("INPUT_{}", name.to_uppercase()), value);
        }
        for (name, value) in &self.state {
            command.env(format!("STATE_{name}"), value);
        }
        let mut outcome = run(&mut command, b"", Duration::from_secs(150)).unwrap().exited(code);
        let (masks, rest): (Vec<&str>, Vec<&str>) =
            outcome.stdout.lines().partition(|line| line.starts_with(MASK));
        let masks = masks.iter().filter_map(|line| line.strip_prefix(MASK)).map(str::to_owned).collect();
        outcome.stdout = rest.join("\n");
        let files = FILES.map(|name| (name, fs::read_to_string(path(name)).unwrap())).into();
        self.scene.search(&outcome);
        let told = Told { outcome, masks, files };
        for name in ["directory", "home", "placed", "broker"] {
            self.state.extend(told.has("GITHUB_STATE", name).map(|value| (name.to_owned(), value)));
        }
        told
    }

    /// What a job has left in the temporary directory.
    fn left(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.scene.sandbox.path("temporary")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

/// Every secret of a home is hidden.
#[track_caller]
fn assert_hidden(told: &Told) {
    let home = told.output("codex-home").unwrap();
    let text = fs::read_to_string(PathBuf::from(home).join("auth.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let tokens = document.get("tokens").and_then(|it| it.as_object());
    let mut secrets: Vec<&str> = ["id_token", "access_token", "refresh_token"]
        .into_iter()
        .filter_map(|name| tokens?.get(name)?.as_str())
        .collect();
    secrets.extend(
        ["OPENAI_API_KEY", "personal_access_token"].iter().filter_map(|it| document.get(it)?.as_str()),
    );
    assert!(!secrets.is_empty());
    for secret in secrets.into_iter().filter(|secret| !secret.is_empty()) {
        assert!(told.masks.iter().any(|mask| mask == secret), "{secret} of {text} is not hidden");
        for part in secret.split('.').skip(1).filter(|part| part.len() >= 16) {
            assert!(told.masks.iter().any(|mask| mask == part), "a part of {secret} is not hidden");
        }
    }
}

#[test]
fn a_login_from_its_seed_to_the_end_of_its_jobs() {
    let scene = Scene::new(&[]);
    let (login, key) = (scene.issue(), fs::read_to_string(scene.sandbox.path("seal.key")).unwrap());
    let encoded = BASE64_STANDARD.encode(&login);
    let store = scene.sandbox.store();
    let slot = [("store", store.as_str()), ("seal-key", key.as_str())];
    // Nothing yet, and no seed.
    let mut job = Job::new(&scene, PUSH);
    assert_eq!(job.stage("main", &slot, 3).output("error-id").as_deref(), Some("slot-empty"));
    job.stage("post", &slot, 0);
    // Read-only: the seed's own access token, and nothing is stored.
    let mut job = Job::new(&scene, PUSH);
    let seeded = [&slot[..], &[("auth-json", login.as_str())]].concat();
    let told = job.stage("main", &[&seeded[..], &[("read-only", "true")]].concat(), 0);
    assert_hidden(&told);
    assert_eq!(told.output("saved").as_deref(), Some("false"));
    assert_eq!(told.output("generation"), None);
    job.stage("post", &seeded, 0);
    assert_eq!(fs::read_dir(scene.sandbox.path("store")).unwrap().count(), 0, "something was stored");
    // The seed is stored; as base64 it is known.
    for (seed, saved, refresh) in
        [(&login, "true", "auto"), (&encoded, "false", "never"), (&encoded, "true", "always")]
    {
        let mut job = Job::new(&scene, PUSH);
        let inputs = [&slot[..], &[("auth-json", seed.as_str()), ("refresh", refresh)]].concat();
        let told = job.stage("main", &inputs, 0);
        assert_hidden(&told);
        assert_eq!(told.output("saved").as_deref(), Some(saved), "{refresh}");
        assert_eq!(told.output("refreshed"), Some((refresh == "always").to_string()));
        assert_eq!(told.output("auth-mode").as_deref(), Some("chatgptAuthTokens"));
        assert_eq!(told.output("error-id"), None);
        assert_eq!(told.has("GITHUB_ENV", "CODEX_HOME"), told.output("codex-home"));
        assert_eq!(told.has("GITHUB_ENV", "CODEX_REFRESH_TOKEN_URL_OVERRIDE"), None);
        assert!(told.summary().contains("| access token ends |"), "{}", told.summary());
        job.stage("post", &inputs, 0);
        assert!(job.left().is_empty(), "{:?}", job.left());
    }
    // A broker stays until `post`.
    let mut job = Job::new(&scene, PUSH);
    let inputs = [&slot[..], &[("broker", "always")]].concat();
    let told = job.stage("main", &inputs, 0);
    assert_hidden(&told);
    let url = told.has("GITHUB_ENV", "CODEX_REFRESH_TOKEN_URL_OVERRIDE").unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    assert_eq!(told.has("GITHUB_ENV", "NO_PROXY").as_deref(), Some("127.0.0.1"));
    let address = url.strip_prefix("http://").and_then(|url| url.split('/').next()).unwrap().to_owned();
    assert!(std::net::TcpStream::connect(&address).is_ok(), "the broker does not outlive `main`");
    job.stage("post", &inputs, 0);
    assert!(std::net::TcpStream::connect(&address).is_err(), "the broker outlives `post`");
    assert!(job.left().is_empty(), "{:?}", job.left());
    // Somebody has the wrong key, or none.
    for (wrong, id) in
        [(BASE64_STANDARD.encode([9; 32]), "baton-unknown-key"), (String::new(), "seal-key-missing")]
    {
        let code = if wrong.is_empty() { 2 } else { 8 };
        let mut job = Job::new(&scene, PUSH);
        let told = job.stage("main", &[("store", store.as_str()), ("seal-key", wrong.as_str())], code);
        assert_eq!(told.output("error-id").as_deref(), Some(id));
        job.stage("post", &slot, 0);
        assert!(job.left().is_empty(), "{:?}", job.left());
    }
}

#[test]
fn what_lasts_as_it_is() {
    let scene = Scene::new(&[]);
    for (input, secret, mode) in
        [("openai-api-key", API_KEY, "apikey"), ("access-token", PERSONAL, "personalAccessToken")]
    {
        let home = scene.sandbox.path("home");
        for inputs in [vec![(input, secret)], vec![(input, secret), ("codex-home", home.to_str().unwrap())]] {
            let mut job = Job::new(&scene, PUSH);
            let told = job.stage("main", &inputs, 0);
            assert_hidden(&told);
            assert_eq!(told.output("auth-mode").as_deref(), Some(mode));
            assert_eq!(told.output("saved").as_deref(), Some("false"));
            job.stage("post", &inputs, 0);
            assert!(job.left().is_empty(), "{:?}", job.left());
            assert_eq!(scene.sandbox.auth_json(), None, "the login is still in the home");
        }
    }
    // What somebody else put there is not ours to replace, nor to delete.
    let other = br#"{"OPENAI_API_KEY":"sk-of-somebody-else"}"#;
    scene.sandbox.place(other);
    let home = scene.sandbox.path("home");
    let inputs = [("openai-api-key", API_KEY), ("codex-home", home.to_str().unwrap())];
    let mut job = Job::new(&scene, PUSH);
    assert_eq!(job.stage("main", &inputs, 9).output("error-id").as_deref(), Some("home-occupied"));
    job.stage("post", &inputs, 0);
    assert_eq!(scene.sandbox.auth_json().as_deref(), Some(&other[..]));
}

#[test]
fn what_is_refused_shows_nothing_either() {
    let scene = Scene::new(&[]);
    let login = scene.issue();
    let store = scene.sandbox.store();
    let key = fs::read_to_string(scene.sandbox.path("seal.key")).unwrap();
    let torn = login.get(..login.len() / 2).unwrap();
    let with = |change: &[(&'static str, &'static str)]| {
        let mut inputs =
            BTreeMap::from([("store", store.as_str()), ("seal-key", &key), ("auth-json", &login)]);
        inputs.extend(change.iter().copied());
        inputs
    };
    let mut with_torn = with(&[]);
    with_torn.insert("auth-json", torn);
    let rows = [
        ("event-refused", COMMENT, with(&[]), 2),
        ("event-refused", COMMENT, BTreeMap::from([("openai-api-key", API_KEY)]), 2),
        ("input-invalid", PUSH, with(&[("access-token", PERSONAL)]), 2),
        ("input-invalid", PUSH, with(&[("timeout", "x"), ("cleanup", "x"), ("client", "x")]), 2),
        ("policy-forbidden", PUSH, with(&[("forced-login-method", "api")]), 4),
        ("token-too-short", PUSH, with(&[("min-ttl", "300d")]), 3),
        ("seal-key-malformed", PUSH, with(&[("seal-key", "a passphrase")]), 2),
        ("auth-json-not-json", PUSH, with_torn, 3),
    ];
    for (id, event, inputs, code) in rows {
        let inputs: Vec<(&str, &str)> = inputs.into_iter().collect();
        let mut job = Job::new(&scene, event);
        let told = job.stage("main", &inputs, code);
        assert_eq!(told.output("error-id").as_deref(), Some(id), "{:#?}", told.outcome);
        assert!(
            told.outcome.stdout.contains(&format!("::error title=authbaton%3A {id}::")),
            "{:#?}",
            told.outcome
        );
        assert!(told.summary().contains(&format!("**`{id}`**")), "{}", told.summary());
        job.stage("post", &inputs, 0);
        assert!(job.left().is_empty(), "{id}: {:?}", job.left());
    }
    // By hand such a run is let in, and stores nothing.
    let mut job = Job::new(&scene, COMMENT);
    let later = IssueOptions::default();
    let login = scene.authority.issue(&Account::named("other"), &later).unwrap();
    let inputs = [
        ("store", store.as_str()),
        ("seal-key", key.as_str()),
        ("auth-json", login.as_str()),
        ("slot", "fresh"),
        ("allow-untrusted-events", "true"),
    ];
    let told = job.stage("main", &inputs, 0);
    assert_hidden(&told);
    assert_eq!(told.output("saved").as_deref(), Some("false"));
    job.stage("post", &inputs, 0);
    assert!(!scene.sandbox.path("store/fresh.baton").exists());
}
