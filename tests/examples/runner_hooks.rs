//! Jobs of a self-hosted GitHub runner with our hooks: `bash -e FILE` as the runner starts them, with files of commands.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    process::Outcome,
    scene::{Scene, files},
};

/// What the runner gives to hooks and steps of a job.
struct Job<'a> {
    scene: &'a Scene,
    event: &'a str,
    temporary: PathBuf,
}

impl<'a> Job<'a> {
    /// The runner has emptied its temporary directory.
    fn begin(scene: &'a Scene, event: &'a str) -> Self {
        let temporary = scene.sandbox.path("runner/_temp");
        fs::remove_dir_all(&temporary).ok();
        fs::create_dir_all(&temporary).unwrap();
        fs::create_dir_all(scene.sandbox.path("runner/workspace")).unwrap();
        fs::write(scene.sandbox.path("runner/env"), "").unwrap();
        Self { scene, event, temporary }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.scene.command(words[0]);
        command.args(&words[1..]).current_dir(self.scene.sandbox.path("runner/workspace"));
        command.envs([
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", self.event),
            ("GITHUB_JOB", "codex"),
            ("GITHUB_REPOSITORY", "octo/codex"),
            ("GITHUB_RUN_ID", "7"),
        ]);
        command.env("GITHUB_ENV", self.scene.sandbox.path("runner/env"));
        command.env("GITHUB_WORKSPACE", self.scene.sandbox.path("runner/workspace"));
        command.env("RUNNER_TEMP", &self.temporary);
        command
    }

    fn hook(&self, name: &str) -> Outcome {
        let path = self.scene.sandbox.path("bin").join(name);
        self.scene.run(&mut self.command(&["bash", "-e", path.to_str().unwrap()]))
    }

    /// A step gets what the hook before it wrote into the file of variables.
    fn step(&self, words: &[&str]) -> Outcome {
        let mut command = self.command(words);
        let written = fs::read_to_string(self.scene.sandbox.path("runner/env")).unwrap();
        command.envs(written.lines().map(|line| line.split_once('=').unwrap()));
        self.scene.run(&mut command)
    }
}

pub(crate) fn two_jobs_of_a_runner(scene: &mut Scene) {
    for hook in ["job-started.sh", "job-completed.sh"] {
        scene.script(&format!("examples/shell/github-runner/{hook}"));
    }
    // Nobody has seeded: the job does not begin.
    let job = Job::begin(scene, "push");
    job.hook("job-started.sh").exited(3).said("error[slot-empty]");
    scene.seed(&scene.due());

    for event in ["push", "schedule"] {
        let job = Job::begin(scene, event);
        job.hook("job-started.sh").exited(0);
        job.step(&["codex", "exec", "say hello"]).exited(0);
        // Whatever the job says where the home is, only ours is deleted.
        let precious = scene.sandbox.write("precious", b"mine");
        let mut completed = job.command(&["bash", "-e"]);
        completed.arg(scene.sandbox.path("bin/job-completed.sh"));
        completed.env("CODEX_HOME", scene.sandbox.path(""));
        scene.run(&mut completed).exited(0);
        assert!(precious.exists());
        assert_eq!(files(&job.temporary), [] as [PathBuf; 0]);
        assert_eq!(files(&scene.sandbox.path("runner/workspace")), [] as [PathBuf; 0]);
        assert_eq!((scene.authority.posts(), scene.authority.exchanges()), (1, 1), "{event}");
        scene.nothing_lies_around(&[]);
    }

    for event in ["pull_request", "pull_request_target", "issue_comment", "workflow_run"] {
        let job = Job::begin(scene, event);
        job.hook("job-started.sh").exited(0);
        assert_eq!(fs::read_to_string(scene.sandbox.path("runner/env")).unwrap(), "", "{event}");
        assert_eq!(files(&job.temporary), [] as [PathBuf; 0], "{event}");
        job.hook("job-completed.sh").exited(0);
    }
}
