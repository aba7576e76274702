//! Builds of the Jenkinsfiles, step by step in the environment that Jenkins gives: a workspace and its `@tmp`, secret files
//! that only the owner may read, `sh -xe`. Jenkins itself is not here.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    thread,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::{
    git_host::GitHost,
    jenkinsfile::{Binding, Jenkinsfile, Step},
    parts,
    process::Outcome,
    scene::{Scene, files},
};

const API_KEY: &str = "sk-canary-2mR8vQx7Lw4Zt9";
const GIT_TOKEN: &str = "glpat-canary-7Yq3nB5k";

/// A job on an agent. Builds that run at once have workspaces of their own, as in Jenkins.
struct Job<'a> {
    scene: &'a Scene,
    file: Jenkinsfile,
    /// The content of each credential.
    credentials: Vec<(&'a str, String)>,
}

/// How a build ended.
struct Built {
    succeeded: bool,
    said: String,
}

impl<'a> Job<'a> {
    fn new(scene: &'a mut Scene, name: &str, login: &str) -> Self {
        let file = Jenkinsfile::parse(name, &parts::text(name));
        for step in &file.steps {
            scene.part(&format!("{name}: {}", step.stage));
        }
        let key = fs::read_to_string(scene.sandbox.path("seal.key")).unwrap();
        let credentials = vec![
            ("codex-auth-json", login.to_owned()),
            ("authbaton-seal-key", key),
            ("authbaton-git-token", GIT_TOKEN.to_owned()),
            ("openai-api-key", API_KEY.to_owned()),
        ];
        Self { scene, file, credentials }
    }

    /// Executes the steps up to the first that fails, and then what follows every build.
    #[track_caller]
    fn build(&self, number: usize, workspace: &str) -> Built {
        let workspace = self.scene.sandbox.path("work").join(workspace);
        let temporary = PathBuf::from(format!("{}@tmp", workspace.display()));
        fs::create_dir_all(&workspace).unwrap();
        fs::create_dir_all(&temporary).unwrap();
        let mut said = String::new();
        let mut execute = |step: &Step| {
            let outcome = self.execute(step, number, &workspace, &temporary);
            said.push_str(&outcome.stdout);
            said.push_str(&outcome.stderr);
            outcome.code == Some(0)
        };
        let succeeded = self.file.steps.iter().filter(|step| !step.is_post).all(&mut execute);
        for step in self.file.steps.iter().filter(|step| step.is_post) {
            assert_eq!(step.stage, "always");
            assert!(execute(step), "what follows the build failed: {said}");
        }
        assert_eq!(files(&workspace), [] as [PathBuf; 0], "the workspace has something");
        assert_eq!(files(&temporary), [] as [PathBuf; 0], "the build left something");
        assert!(!said.contains(API_KEY) && !said.contains(GIT_TOKEN), "{said}");
        Built { succeeded, said }
    }

    fn execute(&self, step: &Step, number: usize, workspace: &Path, temporary: &Path) -> Outcome {
        let text = self.scene.filled(&step.script);
        let script = temporary.join("durable-5b9d/script.sh");
        fs::create_dir(script.parent().unwrap()).unwrap();
        fs::write(&script, text).unwrap();
        let mut command = self.scene.command("/bin/sh");
        command.arg("-xe").arg(&script).current_dir(workspace);
        command.envs([
            ("BUILD_ID", number.to_string()),
            ("BUILD_NUMBER", number.to_string()),
            ("BUILD_TAG", format!("jenkins-codex-{number}")),
            ("BUILD_URL", format!("https://jenkins.example.com/job/codex/{number}/")),
            ("CI", "true".to_owned()),
            ("EXECUTOR_NUMBER", "0".to_owned()),
            ("JENKINS_URL", "https://jenkins.example.com/".to_owned()),
            ("JOB_NAME", "codex".to_owned()),
            ("NODE_NAME", "agent-1".to_owned()),
            ("WORKSPACE", workspace.display().to_string()),
            ("WORKSPACE_TMP", temporary.display().to_string()),
        ]);
        command.envs(self.file.environment.iter().map(|(name, value)| (name, self.scene.filled(value))));
        let secrets = temporary.join("secretFiles");
        for Binding { kind, id, variable } in &step.bindings {
            let (_, content) = self.credentials.iter().find(|(known, _)| known == id).unwrap();
            match kind.as_str() {
                "string" => command.env(variable, content),
                "file" => command.env(variable, secret_file(&secrets.join(variable), content)),
                other => panic!("what is {other}?"),
            };
        }
        let outcome = self.scene.run(&mut command);
        // Jenkins takes back what it gave.
        fs::remove_dir_all(secrets).ok();
        fs::remove_dir_all(script.parent().unwrap()).unwrap();
        outcome
    }
}

impl Built {
    #[track_caller]
    fn well(self) -> Self {
        assert!(self.succeeded, "{}", self.said);
        self
    }

    #[track_caller]
    fn badly(self, said: &str) -> Self {
        assert!(!self.succeeded && self.said.contains(said), "{}", self.said);
        self
    }
}

/// A file that its owner may read, and nobody may write.
fn secret_file(directory: &Path, content: &str) -> PathBuf {
    use std::io::Write as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).unwrap();
    let path = directory.join("secret");
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o400).open(&path).unwrap();
    file.write_all(content.as_bytes()).unwrap();
    path
}

pub(crate) fn two_builds_on_an_agent(scene: &mut Scene) {
    let login = scene.due();
    let job = Job::new(scene, "examples/jenkins/Jenkinsfile.agent", &login);
    let scene = job.scene;
    // The first two at once, without any lock of Jenkins: the lease lets one of them renew.
    thread::scope(|scope| {
        for (number, workspace) in [(1, "codex"), (2, "codex@2")] {
            let job = &job;
            scope.spawn(move || job.build(number, workspace).well());
        }
    });
    assert_eq!((scene.authority.posts(), scene.authority.exchanges()), (1, 1));
    job.build(3, "codex").well();
    fs::write(scene.sandbox.path("stage-fails"), "").unwrap();
    job.build(4, "codex").badly("the stage fails");
    fs::remove_file(scene.sandbox.path("stage-fails")).unwrap();
    job.build(5, "codex").well();
    assert_eq!((scene.authority.posts(), scene.authority.exchanges()), (1, 1));
    scene.holds_a_living_login();
    scene.nothing_lies_around(&[]);
    let environment = fs::read_to_string(scene.sandbox.path("seen/environment")).unwrap();
    assert!(!environment.contains("SEAL_KEY") && !environment.contains("SEED"), "{environment}");
}

pub(crate) fn two_builds_with_a_shared_store(scene: &mut Scene) {
    let host = GitHost::start();
    let header = format!("Basic {}", BASE64_STANDARD.encode(format!("x-access-token:{GIT_TOKEN}")));
    host.rules().demand(&header);
    scene.take_for("https://git.example.com/ci/codex-baton.git", &host.url());
    let login = scene.due();
    let job = Job::new(scene, "examples/jenkins/Jenkinsfile.shared", &login);
    let scene = job.scene;
    job.build(1, "codex").well();
    assert_eq!((scene.authority.posts(), scene.authority.exchanges()), (1, 1));
    // Another agent: nothing of the first is there.
    fs::remove_dir_all(scene.sandbox.path("state")).unwrap();
    fs::write(scene.sandbox.path("stage-fails"), "").unwrap();
    job.build(2, "elsewhere").badly("the stage fails");
    fs::remove_file(scene.sandbox.path("stage-fails")).unwrap();
    job.build(3, "elsewhere").well();
    assert_eq!((scene.authority.posts(), scene.authority.exchanges()), (1, 1));
    assert!(host.rules().requests.load(Ordering::SeqCst) > 0);
    scene.nothing_lies_around(&[]);
    let environment = fs::read_to_string(scene.sandbox.path("seen/environment")).unwrap();
    assert!(!environment.contains("AUTHBATON_") && !environment.contains(GIT_TOKEN), "{environment}");
}

pub(crate) fn a_build_with_an_api_key(scene: &mut Scene) {
    let job = Job::new(scene, "examples/jenkins/Jenkinsfile.api-key", "");
    job.build(1, "codex").well();
    let seen = fs::read(job.scene.sandbox.path("seen/auth.json")).unwrap();
    let seen: Value = serde_json::from_slice(&seen).unwrap();
    assert_eq!(seen["OPENAI_API_KEY"], API_KEY);
    assert_eq!(job.scene.authority.posts(), 0);
}
