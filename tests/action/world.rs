//! One repository with its cache, its secrets and its login, and jobs of it on runners. What must hold after every job,
//! whatever it was, is demanded here.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use authbaton::{
    baton::{Audience, Baton, SealKeys, SealedBytes, SlotId, SlotName},
    rehearsal::{Account, Authority, Endpoint, IssueOptions, Settings},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use serde_json::Value;

use crate::{
    cache::Cache,
    runner::{Action, Cancellation, Ended, Job, Line, Setup, Stage, Status},
    search::{Secrets, files_below},
    support::cache_server::Route,
    table::{self, Row},
    trigger::{REPOSITORY, Trigger},
};

/// How long a test waits for what must come; only a failing one waits so long.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Nobody renews a login with this much left.
pub(crate) const FRESH: TimeDelta = TimeDelta::days(10);
/// It still works, and is due; it lasts too long for a broker to be started.
pub(crate) const DUE: TimeDelta = TimeDelta::hours(10);
/// It is due, and may end before the job does.
pub(crate) const SHORT: TimeDelta = TimeDelta::hours(1);
pub(crate) const EXPIRED: TimeDelta = TimeDelta::hours(-1);

/// What belongs into a line of the workflow's `with:`.
pub(crate) type Inputs<'a> = [(&'a str, &'a str)];

/// The repository.
pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) cache: Cache,
    pub(crate) action: Action,
    pub(crate) key: String,
    /// What the workflow has beside the key.
    more_secrets: Vec<String>,
    runs: AtomicU64,
}

/// A job with our action that has ended.
pub(crate) struct Played {
    pub(crate) main: Stage,
    pub(crate) ended: Ended,
    /// What its `main` asked the cache for, and what its `post` did.
    pub(crate) requests: Vec<Route>,
    secrets_found: usize,
}

impl World {
    pub(crate) fn new() -> Self {
        let authority = Authority::start(Settings::default()).unwrap();
        let action = Action::read(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let mut random = [0; 32];
        getrandom::fill(&mut random).unwrap();
        let key = BASE64_STANDARD.encode(random);
        Self {
            authority,
            cache: Cache::start(),
            action,
            key,
            more_secrets: Vec::new(),
            runs: AtomicU64::new(1),
        }
    }

    /// Makes something a secret of the workflow.
    pub(crate) fn add_secret(&mut self, secret: &str) {
        self.more_secrets.push(secret.to_owned());
    }

    /// A person logs in: the `auth.json` of a login with this much left, issued this long ago.
    pub(crate) fn login(&mut self, left: TimeDelta, age: TimeDelta) -> String {
        let options = IssueOptions { lifetime: Some(left), issued: Some(-age), refresh_token: None };
        let seed = self.authority.issue(&Account::named("robot"), &options).unwrap();
        // As people store it: one line, which the runner hides as one.
        let seed = BASE64_STANDARD.encode(seed);
        self.add_secret(&seed);
        seed
    }

    /// A runner takes a job of a run that was started in this way.
    pub(crate) fn job(&self, trigger: &Trigger) -> Job {
        Job::begin(self.setup(trigger))
    }

    /// Returns what a run that was started in this way is told.
    pub(crate) fn setup(&self, trigger: &Trigger) -> Setup {
        let run = self.runs.fetch_add(1, Ordering::SeqCst);
        let token = Cache::token(&trigger.scopes);
        let mut secrets = vec![token.clone()];
        if trigger.has_secrets {
            secrets.push(self.key.clone());
            secrets.extend(self.more_secrets.iter().cloned());
        }
        let contexts = [
            ("GITHUB_ACTOR", "somebody".to_owned()),
            ("GITHUB_API_URL", self.cache.url().to_owned()),
            ("GITHUB_BASE_REF", trigger.base.to_owned()),
            ("GITHUB_EVENT_NAME", trigger.event.to_owned()),
            ("GITHUB_JOB", "job".to_owned()),
            ("GITHUB_REF", trigger.reference.clone()),
            ("GITHUB_REPOSITORY", "octo/relay".to_owned()),
            ("GITHUB_REPOSITORY_ID", REPOSITORY.to_string()),
            ("GITHUB_REPOSITORY_OWNER", "octo".to_owned()),
            ("GITHUB_RUN_ATTEMPT", "1".to_owned()),
            ("GITHUB_RUN_ID", run.to_string()),
            ("GITHUB_SERVER_URL", "https://github.com".to_owned()),
            ("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567".to_owned()),
            ("GITHUB_WORKFLOW", "workflow".to_owned()),
            ("RUNNER_ENVIRONMENT", "github-hosted".to_owned()),
        ];
        let services = [
            ("ACTIONS_RUNTIME_TOKEN", token),
            ("ACTIONS_RUNTIME_URL", format!("{}/", self.cache.url())),
            ("ACTIONS_RESULTS_URL", format!("{}/", self.cache.url())),
            ("ACTIONS_CACHE_URL", format!("{}/", self.cache.url())),
            ("ACTIONS_CACHE_SERVICE_V2", "True".to_owned()),
        ];
        let mode = trigger.mode.map(|mode| ("ACTIONS_CACHE_MODE".to_owned(), mode.to_owned()));
        let own = |(name, value): (&str, String)| (name.to_owned(), value);
        Setup {
            contexts: contexts.map(own).into(),
            event: trigger.payload.clone(),
            services: services.map(own).into_iter().chain(mode).collect(),
            secrets,
        }
    }

    /// Returns what every workflow gives, and these inputs instead or besides.
    pub(crate) fn with<'a>(&'a self, more: &Inputs<'a>) -> Vec<(&'a str, String)> {
        let usual = [
            ("seal-key", self.key.clone()),
            ("authority-url", self.authority.url()),
            ("binary-path", env!("CARGO_BIN_EXE_authbaton").to_owned()),
        ];
        let is_given = |name: &str| more.iter().any(|(it, _)| *it == name);
        let given = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        usual.into_iter().filter(|(name, _)| !is_given(name)).chain(given).collect()
    }

    /// A job of one step with our action.
    pub(crate) fn play(&self, trigger: &Trigger, more: &Inputs<'_>) -> Played {
        self.play_with(trigger, more, None, |_| ())
    }

    /// The same, with more steps after ours.
    pub(crate) fn play_with(
        &self,
        trigger: &Trigger,
        more: &Inputs<'_>,
        cancel: Option<Cancellation<'_>>,
        steps: impl FnOnce(&mut Job),
    ) -> Played {
        self.play_on(self.job(trigger), more, cancel, steps)
    }

    /// The same, in a job that has had steps already.
    pub(crate) fn play_on(
        &self,
        mut job: Job,
        more: &Inputs<'_>,
        cancel: Option<Cancellation<'_>>,
        steps: impl FnOnce(&mut Job),
    ) -> Played {
        let before = self.cache.requests().len();
        let given = self.with(more);
        let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let main = job.uses_until(&self.action, &given, cancel).unwrap();
        let mut hits = self.check_main(&job, &main);
        steps(&mut job);
        let ended = job.end();
        hits.extend(self.check_end(&ended));
        assert!(hits.is_empty(), "secrets were found: {hits:#?}\n{}", ended.record.log);
        let requests = self.cache.requests().split_off(before);
        Played { main, ended, requests, secrets_found: hits.len() }
    }

    /// While the job runs: its home may have what a client works with, and nothing else has a secret.
    fn check_main(&self, job: &Job, main: &Stage) -> Vec<String> {
        let logins: Vec<PathBuf> =
            files_below(&job.temporary()).into_iter().filter(|path| path.ends_with("auth.json")).collect();
        assert!(logins.len() <= 1, "{logins:?}");
        if let Some(home) = main.outputs.get("codex-home").filter(|_| main.succeeded) {
            assert_eq!(logins, [PathBuf::from(home).join("auth.json")]);
        }
        let mut hits = self.secrets().in_files(job.root(), &logins);
        hits.extend(self.secrets().in_text("the summary of main", &main.summary));
        let undeclared: Vec<_> =
            main.outputs.keys().filter(|name| !self.action.outputs.contains(name)).collect();
        assert!(undeclared.is_empty(), "{undeclared:?} are not in action.yml");
        let tells = |line: &Line| line.text.starts_with("placed") || line.text.starts_with("renewed");
        let placed = main.raw.iter().position(tells).unwrap_or(main.raw.len());
        for bytes in logins.iter().filter_map(|path| fs::read(path).ok()) {
            let login: Value = serde_json::from_slice(&bytes).unwrap();
            let tokens = ["access_token", "id_token"].map(|name| &login["tokens"][name]);
            for token in tokens.into_iter().chain([&login["OPENAI_API_KEY"]]).filter_map(Value::as_str) {
                let is_mask = |line: &Line| line.text == format!("::add-mask::{token}");
                assert!(
                    main.raw.iter().take(placed).any(is_mask) && job.hides(token),
                    "a token was placed before the runner was told to hide it"
                );
            }
            let refresh = login["tokens"]["refresh_token"].as_str().unwrap_or_default();
            if !refresh.is_empty() && !refresh.starts_with("abh1_") {
                hits.push("a refresh token in auth.json".to_owned());
            }
        }
        hits
    }

    /// After `post`: nothing of ours is there any more, and nothing of ours runs.
    fn check_end(&self, ended: &Ended) -> Vec<String> {
        for post in &ended.posts {
            assert!(post.succeeded && !post.streams_were_held, "post went wrong: {}", ended.record.log);
        }
        assert!(ended.orphans.is_empty(), "{:?} were left running\n{}", ended.orphans, ended.record.log);
        let of_runner = |path: &PathBuf| {
            let text = path.strip_prefix(ended.temporary()).unwrap().to_string_lossy().into_owned();
            text.starts_with("_runner_file_commands/")
                || text == "_github_workflow/event.json"
                || (text.ends_with(".sh") && !text.contains('/'))
        };
        let left: Vec<PathBuf> =
            everything_below(&ended.temporary()).into_iter().filter(|it| !of_runner(it)).collect();
        assert!(left.is_empty(), "{left:?} were left");
        let mut hits = self.secrets().find(ended);
        for (key, blob) in self.cache.records() {
            hits.extend(
                self.secrets().in_text(&format!("the cache, under {key}"), &String::from_utf8_lossy(&blob)),
            );
        }
        hits
    }

    /// Everything that is secret by now.
    fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::default();
        secrets.add("seal key", &self.key);
        for secret in &self.more_secrets {
            secrets.add("secret of the workflow", secret);
        }
        for token in self.authority.secrets() {
            let kind = if token.starts_with("rt_") { "refresh token" } else { "token" };
            secrets.add(kind, &token);
        }
        for secret in self.cache.secrets() {
            secrets.add("secret of the cache", &secret);
        }
        secrets
    }

    /// Opens the newest record in the cache, without a request.
    pub(crate) fn baton(&self) -> Option<Baton> {
        let (_, blob) = self.cache.records().pop()?;
        let keys = SealKeys::parse(&self.key).unwrap();
        let id = SlotId {
            slot: SlotName::new("default").unwrap(),
            audience: Audience::new(&REPOSITORY.to_string()).unwrap(),
        };
        Some(Baton::open(&keys, &id, &SealedBytes::from_store(blob)).unwrap().baton)
    }

    /// Returns the generation of the login in the slot.
    pub(crate) fn generation(&self) -> Option<u64> {
        self.baton().map(|baton| baton.state().generation)
    }

    /// Demands that the login of the slot could be renewed now.
    pub(crate) fn login_is_alive(&self) {
        let baton = self.baton().unwrap();
        let login = baton.login().unwrap();
        assert!(self.authority.is_alive(login.refresh_token().expose()), "the login was ended");
    }

    /// Notes a scenario, whose last job this was.
    pub(crate) fn note(&self, scenario: &'static str, last: &Played) {
        let names: Vec<String> = last.requests.iter().map(|it| format!("{it:?}")).collect();
        let requests = match names.len() {
            0 => "0".to_owned(),
            count => format!("{count}: {}", names.join(" ")),
        };
        self.note_as(scenario, last, last.secrets_found, requests);
    }

    /// Notes a scenario of several jobs at once, all of which ended in the same way.
    pub(crate) fn note_together(&self, scenario: &'static str, jobs: &[Played], requests: &[Route]) {
        let secrets = jobs.iter().map(|job| job.secrets_found).sum();
        let requests = format!("{} by all", requests.len());
        self.note_as(scenario, jobs.first().unwrap(), secrets, requests);
    }

    fn note_as(&self, scenario: &'static str, job: &Played, secrets: usize, requests: String) {
        let all = self.authority.received();
        assert!(all.iter().all(|it| it.endpoint == Endpoint::Token), "something else was asked");
        let result = match job.output("error-id") {
            "" if job.ended.status == Status::Cancelled => "cancelled".to_owned(),
            "" => "ok".to_owned(),
            id => format!("exit {}, `{id}`", job.main.code),
        };
        let (exchanges, generation) = (self.authority.exchanges(), self.generation());
        table::note(scenario, &Row { result, exchanges, generation, requests, secrets });
    }
}

impl Played {
    /// Demands that everything went well.
    #[track_caller]
    pub(crate) fn well(self) -> Self {
        assert!(self.main.succeeded, "main failed: {}", self.ended.record.log);
        assert_eq!(self.ended.status, Status::Success, "{}", self.ended.record.log);
        assert_eq!(self.output("error-id"), "", "{}", self.ended.record.log);
        self
    }

    /// Demands that `main` failed with this error.
    #[track_caller]
    pub(crate) fn failed(self, code: i32, id: &str) -> Self {
        assert_eq!((self.main.code, self.output("error-id")), (code, id), "{}", self.ended.record.log);
        self
    }

    /// Demands that the log says this.
    #[track_caller]
    pub(crate) fn said(self, text: &str) -> Self {
        assert!(self.ended.record.log.contains(text), "{text:?} is missing: {}", self.ended.record.log);
        self
    }

    /// Demands these outputs.
    #[track_caller]
    pub(crate) fn has(self, outputs: &[(&str, &str)]) -> Self {
        for (name, value) in outputs {
            assert_eq!(self.output(name), *value, "{name}: {}", self.ended.record.log);
        }
        self
    }

    /// Demands exactly these requests to the cache.
    #[track_caller]
    pub(crate) fn asked(self, requests: &[Route]) -> Self {
        assert_eq!(self.requests, requests, "{}", self.ended.record.log);
        self
    }

    pub(crate) fn output(&self, name: &str) -> &str {
        self.main.outputs.get(name).map_or("", String::as_str)
    }
}

/// Returns everything that is not a directory, and directories with nothing in them.
fn everything_below(directory: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        let below = if entry.file_type().unwrap().is_dir() { everything_below(&path) } else { Vec::new() };
        if below.is_empty() {
            all.push(path);
        } else {
            all.extend(below);
        }
    }
    all
}
