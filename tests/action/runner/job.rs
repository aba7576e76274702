//! One job on a machine of its own: its steps, what they hand on to each other, its log as people see it, its end.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::{
    action::{Action, Condition},
    command_files::CommandFiles,
    console::{Console, Said},
    environment::{self, ForAction, Sources, Variables},
    orphans::{self, Orphan},
    process::{self, Cancellation, Line},
};

/// What the workflow, the event and the services make of a job.
#[derive(Clone, Default)]
pub(crate) struct Setup {
    /// `GITHUB_…` and `RUNNER_…` beyond those that every job has.
    pub(crate) contexts: Variables,
    /// The payload of the event.
    pub(crate) event: Value,
    /// `ACTIONS_…`, for actions alone.
    pub(crate) services: Variables,
    /// What the runner hides from the start: the workflow's secrets, and the token for the services.
    pub(crate) secrets: Vec<String>,
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Success,
    Failure,
    Cancelled,
}

/// One stage of a step, when it has ended.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) code: i32,
    pub(crate) succeeded: bool,
    /// As people see it.
    pub(crate) log: String,
    pub(crate) raw: Vec<Line>,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) summary: String,
    /// The signals that a cancellation sent, and how long the stage went on after the first.
    pub(crate) signals: Vec<Signal>,
    pub(crate) took: Duration,
    pub(crate) streams_were_held: bool,
}

/// A job that runs.
pub(crate) struct Job {
    machine: TempDir,
    setup: Setup,
    mark: String,
    runner: Variables,
    carried: Variables,
    path: Vec<String>,
    console: Console,
    posts: Vec<Pending>,
    status: Status,
    record: Record,
}

/// Everything that a job has let anybody see.
#[derive(Default)]
pub(crate) struct Record {
    /// The whole log, with debug lines, as people see it.
    pub(crate) log: String,
    /// What was printed, before anything was hidden.
    pub(crate) raw: Vec<Line>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) state: Vec<(String, String)>,
    pub(crate) outputs: Vec<(String, String)>,
    /// As they were written.
    pub(crate) summaries: Vec<String>,
}

/// A job that has ended. Its files are still there.
pub(crate) struct Ended {
    machine: TempDir,
    pub(crate) status: Status,
    pub(crate) record: Record,
    /// The stages `post`, in the order in which they ran.
    pub(crate) posts: Vec<Stage>,
    /// What still ran after the last of them, and was ended.
    pub(crate) orphans: Vec<Orphan>,
    /// What another job of the workflow would get.
    pub(crate) outputs: BTreeMap<String, String>,
}

/// A `post` that waits for the end of the job.
struct Pending {
    name: String,
    script: PathBuf,
    condition: Condition,
    inputs: Vec<(String, String)>,
    state: Variables,
}

/// What a stage is, and what it is given.
enum Work<'a> {
    Main { inputs: &'a [(String, String)] },
    Post { inputs: &'a [(String, String)], state: &'a Variables },
    Run,
}

impl Job {
    /// Sets a machine up.
    pub(crate) fn begin(setup: Setup) -> Self {
        let machine = TempDir::new().unwrap();
        for name in ["home", "work/_temp/_github_workflow", "work/_tool", "work/repository/repository"] {
            fs::create_dir_all(machine.path().join(name)).unwrap();
        }
        let mark = format!("github_{}", super::guid());
        let runner = [
            ("PATH", env::var("PATH").unwrap()),
            ("HOME", machine.path().join("home").display().to_string()),
            ("CI", "true".to_owned()),
            (orphans::MARK, mark.clone()),
        ];
        let mut job = Self {
            machine,
            mark,
            runner: runner.map(|(name, value)| (name.to_owned(), value)).into(),
            carried: Variables::new(),
            path: Vec::new(),
            console: Console::hiding(&setup.secrets),
            posts: Vec::new(),
            status: Status::Success,
            record: Record::default(),
            setup,
        };
        job.add_contexts();
        job
    }

    /// Returns `RUNNER_TEMP`.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.machine.path().join("work/_temp")
    }

    /// Returns where steps run.
    pub(crate) fn workspace(&self) -> PathBuf {
        self.machine.path().join("work/repository/repository")
    }

    pub(crate) fn root(&self) -> &Path {
        self.machine.path()
    }

    pub(crate) fn status(&self) -> Status {
        self.status
    }

    /// Returns whether the runner would hide this, if it were printed now.
    pub(crate) fn hides(&self, text: &str) -> bool {
        self.console.masks.apply(text) == "***"
    }

    /// Returns what runs with the mark of this job.
    pub(crate) fn processes(&self) -> Vec<Orphan> {
        orphans::find(&self.mark)
    }

    /// A step `uses:`. Returns none when an earlier step has failed: it is skipped then.
    pub(crate) fn uses(&mut self, action: &Action, inputs: &[(&str, &str)]) -> Option<Stage> {
        self.uses_until(action, inputs, None)
    }

    /// The same, in a job that is cancelled meanwhile.
    pub(crate) fn uses_until(
        &mut self,
        action: &Action,
        given: &[(&str, &str)],
        cancel: Option<Cancellation<'_>>,
    ) -> Option<Stage> {
        if self.status != Status::Success {
            return None;
        }
        let inputs = self.inputs(action, given);
        // Before `main`: whatever becomes of it, `post` runs.
        if let Some(post) = &action.post {
            let (script, condition) = (post.script.clone(), post.condition);
            let (name, inputs) = (action.name.clone(), inputs.clone());
            self.posts.push(Pending { name, script, condition, inputs, state: Variables::new() });
        }
        let work = Work::Main { inputs: &inputs };
        Some(self.stage(&format!("Run {}", action.name), node(&action.main), work, cancel))
    }

    /// A step `run:`, by Bash. Returns none when an earlier step has failed.
    pub(crate) fn run(&mut self, script: &str) -> Option<Stage> {
        (self.status == Status::Success).then(|| {
            let file = self.temporary().join(format!("{}.sh", super::guid()));
            fs::write(&file, script).unwrap();
            let mut command = Command::new("bash");
            command.arg("-e").arg(file);
            self.stage(
                &format!("Run {}", script.lines().next().unwrap_or_default()),
                command,
                Work::Run,
                None,
            )
        })
    }

    /// Ends the job: every `post`, the last one first, then whatever still runs.
    pub(crate) fn end(mut self) -> Ended {
        let mut posts = Vec::new();
        while let Some(post) = self.posts.pop() {
            if post.condition == Condition::Success && self.status != Status::Success {
                continue;
            }
            let work = Work::Post { inputs: &post.inputs, state: &post.state };
            posts.push(self.stage(&format!("Post {}", post.name), node(&post.script), work, None));
        }
        let outputs = self.job_outputs();
        let orphans = orphans::kill(&self.mark);
        for Orphan { pid, name } in &orphans {
            self.console.print(&format!("Terminate orphan process: pid ({pid}) ({name})"));
        }
        let machine = std::mem::replace(&mut self.machine, TempDir::new().unwrap());
        self.record.log = std::mem::take(&mut self.console.log);
        let record = std::mem::take(&mut self.record);
        Ended { machine, status: self.status, record, posts, orphans, outputs }
    }

    fn stage(
        &mut self,
        title: &str,
        mut command: Command,
        work: Work<'_>,
        cancel: Option<Cancellation<'_>>,
    ) -> Stage {
        let (begin, services, nothing) = (self.console.log.len(), &self.setup.services, Variables::new());
        let (is_main, for_action) = match work {
            Work::Main { inputs } => (true, Some(ForAction { inputs, services, state: &nothing })),
            Work::Post { inputs, state } => (false, Some(ForAction { inputs, services, state })),
            Work::Run => (false, None),
        };
        self.console.open_step(title, for_action.as_ref().map_or(&[], |it| it.inputs), &self.carried);
        let files = CommandFiles::create(&self.temporary());
        let paths = files.variables();
        let sources = Sources {
            runner: &self.runner,
            carried: &self.carried,
            path: &self.path,
            contexts: &self.setup.contexts,
            files: paths.iter().map(|(name, path)| (*name, path.as_path())).collect(),
        };
        let variables = environment::of_step(&sources, for_action.as_ref());
        command.env_clear().envs(variables).current_dir(self.workspace());
        let (mut raw, mut said) = (Vec::new(), Said::default());
        let is_cancelled = cancel.is_some();
        let end = process::run(&mut command, cancel, &mut |line| {
            self.console.obey(&line.text, &mut said);
            raw.push(line);
        });
        let Said { mut outputs, state, failed } = said;
        self.add_state(state, is_main);
        if end.code != 0 {
            self.console.print(&format!("##[error]Process completed with exit code {}.", end.code));
        }
        let (read, summary) = self.take_files(&files, &mut outputs, is_main);
        let succeeded = end.code == 0 && read && !failed && !is_cancelled;
        self.status = match self.status {
            Status::Success if is_cancelled => Status::Cancelled,
            Status::Success if !succeeded => Status::Failure,
            status => status,
        };
        self.record.raw.extend(raw.iter().cloned());
        self.record.outputs.extend(outputs.clone());
        let log = self.console.log[begin..].to_owned();
        let process::End { code, signals, took, streams_were_held } = end;
        Stage { code, succeeded, log, raw, outputs, summary, signals, took, streams_were_held }
    }

    /// Does what the five files say. Returns whether they were in order, and the summary.
    fn take_files(
        &mut self,
        files: &CommandFiles,
        outputs: &mut BTreeMap<String, String>,
        is_main: bool,
    ) -> (bool, String) {
        let asked = files.read();
        for error in &asked.errors {
            self.console.print(&format!("##[error]{error}"));
        }
        for path in asked.path {
            self.path.retain(|known| *known != path);
            self.path.push(path);
        }
        for (name, value) in asked.env {
            self.console.print(&format!("##[debug]{name}='{value}'"));
            self.record.env.push((name.clone(), value.clone()));
            self.carried.insert(name, value);
        }
        for (name, value) in &asked.state {
            self.console.print(&format!("##[debug]Save intra-action state {name} = {value}"));
        }
        self.add_state(asked.state, is_main);
        for (name, value) in asked.outputs.into_iter().filter(|(name, _)| !name.is_empty()) {
            self.console.print(&format!("##[debug]Set output {name} = {value}"));
            outputs.insert(name, value);
        }
        let summary: Vec<String> = asked.summary.lines().map(|line| self.console.masks.apply(line)).collect();
        self.record.summaries.push(asked.summary);
        (asked.errors.is_empty(), summary.join("\n"))
    }

    /// Keeps what `main` leaves for its `post`. Other steps have nobody to leave anything for.
    fn add_state(&mut self, state: Vec<(String, String)>, is_main: bool) {
        self.record.state.extend(state.iter().cloned());
        if let Some(post) = self.posts.last_mut().filter(|_| is_main) {
            post.state.extend(state);
        }
    }

    /// Returns each declared input with its value.
    fn inputs(&mut self, action: &Action, given: &[(&str, &str)]) -> Vec<(String, String)> {
        let is_declared =
            |name: &str| action.inputs.iter().any(|(declared, _)| declared.eq_ignore_ascii_case(name));
        let quoted =
            |names: Vec<&str>| names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
        let unexpected: Vec<&str> =
            given.iter().map(|(name, _)| *name).filter(|name| !is_declared(name)).collect();
        if !unexpected.is_empty() {
            let valid = quoted(action.inputs.iter().map(|(name, _)| name.as_str()).collect());
            self.console.print(&format!(
                "##[warning]Unexpected input(s) {}, valid inputs are [{valid}]",
                quoted(unexpected.clone())
            ));
        }
        let value =
            |name: &str| given.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
        let declared = action
            .inputs
            .iter()
            .map(|(name, default)| (name.clone(), value(name).unwrap_or(default).to_owned()));
        // The runner hands them on all the same.
        let others =
            unexpected.iter().map(|name| ((*name).to_owned(), value(name).unwrap_or_default().to_owned()));
        declared.chain(others).collect()
    }

    /// What the workflow hands to its next job, if its author hands on every output.
    fn job_outputs(&mut self) -> BTreeMap<String, String> {
        let mut handed = BTreeMap::new();
        for (name, value) in self.record.outputs.clone() {
            if value.is_empty() {
                self.console.print(&format!("##[debug]Skip output '{name}' since it's empty"));
            } else if self.console.masks.touch(&value) {
                self.console.print(&format!("##[warning]Skip output '{name}' since it may contain secret."));
            } else {
                handed.insert(name, value);
            }
        }
        handed
    }

    fn add_contexts(&mut self) {
        let event = self.temporary().join("_github_workflow/event.json");
        fs::write(&event, self.setup.event.to_string()).unwrap();
        let common = [
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_EVENT_PATH", event.display().to_string()),
            ("GITHUB_WORKSPACE", self.workspace().display().to_string()),
            ("RUNNER_TEMP", self.temporary().display().to_string()),
            ("RUNNER_TOOL_CACHE", self.machine.path().join("work/_tool").display().to_string()),
            ("RUNNER_OS", "Linux".to_owned()),
            ("RUNNER_ARCH", if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" }.to_owned()),
            ("RUNNER_NAME", "harness".to_owned()),
        ];
        for (name, value) in common {
            self.setup.contexts.entry(name.to_owned()).or_insert(value);
        }
    }
}

impl Drop for Job {
    /// A test that fails leaves no broker running.
    fn drop(&mut self) {
        orphans::kill(&self.mark);
    }
}

impl Ended {
    /// Returns everything that the job could write to.
    pub(crate) fn root(&self) -> &Path {
        self.machine.path()
    }

    /// Returns `RUNNER_TEMP`.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.machine.path().join("work/_temp")
    }
}

fn node(script: &Path) -> Command {
    let mut command = Command::new("node");
    command.arg(script);
    command
}
