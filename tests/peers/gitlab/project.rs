//! One project on a GitLab of one machine: an example as its `.gitlab-ci.yml`, its variables, a git host for the component
//! and for the login, an authority, a model. What must hold after every pipeline is demanded here.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use authbaton::{
    baton::{Audience, Baton, SealKeys, SealedBytes, SlotId, SlotName},
    rehearsal::{Account, Authority, Endpoint, IssueOptions, Settings},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    lines,
    runner::{Pipeline, Runner},
    search::Secrets,
    support::{
        codex,
        git_host::{GitHost, bare, git},
        model::{Model, REPLY},
        program::write_program,
    },
    table::{self, Row, Turn},
};

/// It still works, and is due.
pub(crate) const DUE: TimeDelta = TimeDelta::hours(10);
/// Nobody renews a login with this much left, unless `SOON` is said.
pub(crate) const FRESH: TimeDelta = TimeDelta::days(10);
/// A project's variable that makes any login due.
pub(crate) const SOON: &str = "AUTHBATON_REFRESH_BEFORE_EXPIRY=300h";

const EXAMPLES: &str = "examples/gitlab";
const TEMPLATE: &str = "templates/login.yml";
/// What the examples call the group, and the commit of the component.
const GROUP: &str = "GROUP";
const COMMIT: &str = "COMMIT";

/// Reads the sealed login from where a project keeps it.
type ReadBaton = dyn Fn(&Project) -> Vec<u8>;

pub(crate) struct Project {
    root: TempDir,
    runner: Runner,
    pub(crate) host: GitHost,
    pub(crate) authority: Authority,
    model: Model,
    key: String,
    /// Variables of the project, as gitlab-ci-local wants them.
    variables: BTreeMap<&'static str, Value>,
    secrets: Vec<(&'static str, String)>,
    example: String,
    template: String,
    logs: String,
    turns: usize,
    exchanges: usize,
    /// Where a pipeline leaves the sealed login.
    baton: Box<ReadBaton>,
}

impl Project {
    /// Opens a project with an example, and a store that `baton` reads. Returns none only when the peer tests are turned
    /// off.
    pub(crate) fn with(example: &str, baton: impl Fn(&Self) -> Vec<u8> + 'static) -> Option<Self> {
        let root = TempDir::new().unwrap();
        for name in ["bin", "user/.codex", "temporary", "settings/.gitlab-ci-local", "repository/templates"] {
            fs::create_dir_all(root.path().join(name)).unwrap();
        }
        let runner = Runner::installed(&root.path().join("bin"))?;
        let codex = codex::program()?;
        let settings = Settings::default();
        let mut key = [0; 32];
        getrandom::fill(&mut key).unwrap();
        let read = |name: &str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLES).join(name);
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let mut project = Self {
            root,
            runner,
            host: GitHost::start(),
            authority: Authority::start(settings).unwrap(),
            model: Model::start(),
            key: BASE64_STANDARD.encode(key),
            variables: BTreeMap::new(),
            secrets: Vec::new(),
            example: read(example),
            template: read(TEMPLATE),
            logs: String::new(),
            turns: 0,
            exchanges: 0,
            baton: Box::new(baton),
        };
        project.add_secret("AUTHBATON_SEAL_KEY", "*", project.key.clone());
        project.make_image(codex);
        project.answer_turns();
        project.make_repositories();
        Some(project)
    }

    /// A person sets a variable of the project: masked, hidden and protected.
    pub(crate) fn add_secret(&mut self, name: &'static str, scope: &'static str, value: String) {
        self.add_variable(name, "variable", scope, value);
    }

    fn add_variable(&mut self, name: &'static str, kind: &str, scope: &'static str, value: String) {
        self.variables.insert(name, json!({ "type": kind, "values": { scope: value } }));
        self.secrets.push((name, value));
        let variables = &self.variables;
        // What is JSON is YAML, too.
        let text = json!({ "global": variables }).to_string();
        fs::write(self.path("settings/.gitlab-ci-local/variables.yml"), text).unwrap();
    }

    /// A person logs in, and makes the login with this much left a variable.
    pub(crate) fn seed(&mut self, scope: &'static str, left: TimeDelta) {
        let seed = BASE64_STANDARD.encode(self.log_in(left));
        self.add_secret("CODEX_AUTH_JSON", scope, seed);
    }

    /// The same, as a file.
    pub(crate) fn seed_by_file(&mut self, scope: &'static str, left: TimeDelta) {
        let seed = self.log_in(left);
        self.add_variable("CODEX_AUTH_FILE", "file", scope, seed);
    }

    fn log_in(&self, left: TimeDelta) -> String {
        let options =
            IssueOptions { lifetime: Some(left), issued: Some(TimeDelta::days(-1)), refresh_token: None };
        self.authority.issue(&Account::named("robot"), &options).unwrap()
    }

    /// From now on the model refuses every turn, so that Codex fails.
    pub(crate) fn refuse_turns(&mut self) {
        self.model.refuse();
    }

    /// From now on the model answers.
    pub(crate) fn answer_turns(&mut self) {
        self.model = Model::start();
        self.turns = 0;
        let origin = self.model.origin();
        let settings = format!(
            "model = \"gpt-5.2-codex\"\nmodel_provider = \"mock\"\n{}",
            codex::configuration(origin, "")
        );
        let provider = format!(
            "\n[features]\napps = false\nplugins = false\n\n[model_providers.mock]\nname = \"mock\"\n\
             base_url = \"{origin}/v1\"\nwire_api = \"responses\"\nrequires_openai_auth = true\n\
             supports_websockets = false\nrequest_max_retries = 1\nstream_max_retries = 1\n"
        );
        fs::write(self.path("user/.codex/config.toml"), settings + &provider).unwrap();
    }

    /// Runs a pipeline, and demands what holds after every one.
    pub(crate) fn pipeline(&mut self, arguments: &[&str]) -> Pipeline {
        let mut arguments = arguments.to_vec();
        if !self.logs.is_empty() {
            // Once is enough, and half of the time that a pipeline takes.
            arguments.push("--json-schema-validation=false");
        }
        let pipeline = self.runner.run(self.root.path(), &arguments);
        let log = pipeline.log();
        self.logs.push_str(&log);
        let secrets = self.secrets();
        let seen = self.path("seen-by-codex");
        // What a person has set, and what is looked at by itself.
        let found = secrets.find(&log, self.root.path(), &[self.path("settings"), seen.clone()]);
        assert!(found.is_empty(), "secrets were found: {found:#?}\n{log}");
        if let Ok(variables) = fs::read_to_string(&seen) {
            secrets.were_not_given(&variables);
            fs::remove_file(seen).unwrap();
        }
        let received = self.authority.received();
        assert!(received.iter().all(|it| it.endpoint == Endpoint::Token), "something was revoked");
        assert_eq!(self.authority.posts(), self.authority.exchanges(), "an exchange was in vain");
        pipeline
    }

    /// Notes a pipeline that came to what it should, and returns its row.
    pub(crate) fn note(&mut self, name: &'static str, pipeline: Pipeline) -> Row {
        let (exchanges, turns) = (self.authority.exchanges(), self.model.turns().len());
        let codex = match (turns > self.turns, pipeline.outcome.stdout.contains(REPLY)) {
            (false, _) => Turn::NotAsked,
            (true, false) => Turn::Refused,
            (true, true) => Turn::Answered,
        };
        let row = Row {
            jobs: pipeline.jobs,
            exchanges: exchanges - self.exchanges,
            generation: self.login_is_alive(),
            codex,
        };
        (self.exchanges, self.turns) = (exchanges, turns);
        table::note(name, &row);
        row
    }

    /// Demands that the pipelines until now have run every line of the example, and of the template if its own jobs ran.
    #[track_caller]
    pub(crate) fn every_line_ran(&self, with: &[Whose]) {
        let text = |whose: &Whose| match whose {
            Whose::Examples => self.example.as_str(),
            Whose::Templates => self.template.as_str(),
        };
        let lines = lines::of(&with.iter().map(text).collect::<Vec<_>>());
        assert!(!lines.is_empty());
        // As the runner prints what it executes.
        let ran = |line: &str| self.logs.lines().any(|printed| printed.ends_with(&format!(" $ {line}")));
        let idle: Vec<_> = lines.iter().filter(|line| !ran(line)).collect();
        assert!(idle.is_empty(), "no pipeline ran {idle:#?}");
    }

    /// What the store has, byte for byte.
    pub(crate) fn stored(&self) -> Vec<u8> {
        (self.baton)(self)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Returns a repository of the git host.
    pub(crate) fn hosted(&self, name: &str) -> PathBuf {
        self.host.repository().parent().unwrap().join(GROUP).join(name)
    }

    /// Demands that the login in the store could be renewed now, and returns its generation.
    fn login_is_alive(&self) -> u64 {
        let keys = SealKeys::parse(&self.key).unwrap();
        let id = SlotId { slot: SlotName::new("default").unwrap(), audience: Audience::default() };
        let baton = Baton::open(&keys, &id, &SealedBytes::from_store(self.stored())).unwrap().baton;
        let token = baton.login().unwrap().refresh_token().expose();
        assert!(self.authority.is_alive(token), "the login was ended");
        baton.state().generation
    }

    /// Everything that is secret by now.
    fn secrets(&self) -> Secrets {
        let given = self.secrets.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Secrets::new(given.chain(self.authority.secrets().into_iter().map(|it| ("a token".to_owned(), it))))
    }

    /// The programs that an image has: the real Codex, which first writes down what it was given, and our program, which
    /// knows no other authority than the one it is told.
    fn make_image(&self, codex: &Path) {
        let seen = self.path("seen-by-codex");
        let text = format!("#!/bin/sh\nenv >>{}\nexec {} \"$@\"\n", seen.display(), codex.display());
        write_program(&self.path("bin/codex"), &text);
        let text = format!(
            "#!/bin/sh\nexec {} --authority-url {} --config-root {} \"$@\"\n",
            env!("CARGO_BIN_EXE_authbaton"),
            self.authority.url(),
            self.path("system").display()
        );
        write_program(&self.path("bin/authbaton"), &text);
    }

    /// The project's own, that of the component, and one for the login.
    fn make_repositories(&self) {
        fs::create_dir(self.hosted("")).unwrap();
        for name in ["authbaton.git", "codex-baton.git", "project.git"] {
            bare(&self.hosted(name));
        }
        // What gitlab-ci-local fetches of a component, it asks for by filters.
        git(&self.hosted("authbaton.git"), &["config", "uploadpack.allowFilter", "true"]);
        let component = self.path("component");
        fs::create_dir_all(component.join("templates")).unwrap();
        fs::write(component.join(TEMPLATE), &self.template).unwrap();
        commit(&component, COMMIT);
        git(&component, &["push", "--quiet", self.hosted("authbaton.git").to_str().unwrap(), COMMIT]);

        let repository = self.path("repository");
        fs::write(repository.join(".gitlab-ci.yml"), &self.example).unwrap();
        fs::write(repository.join(TEMPLATE), &self.template).unwrap();
        fs::write(repository.join(".gitignore"), ".gitlab-ci-local/\n").unwrap();
        commit(&repository, "main");
        let origin = format!("http://127.0.0.1:{}/{GROUP}/project.git", self.host.port());
        git(&repository, &["remote", "add", "origin", &origin]);
    }
}

/// Which lines must have run.
pub(crate) enum Whose {
    Examples,
    Templates,
}

fn commit(directory: &Path, branch: &str) {
    git(directory, &["init", "--quiet", "--initial-branch", branch]);
    git(directory, &["add", "--all"]);
    let who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.com"];
    git(directory, &[&who[..], &["commit", "--quiet", "--message", "all"]].concat());
}
