//! What the action says: lines and annotations in the log, outputs, and the page of the run. All of it goes to stdout, the
//! runner's commands too: in one stream a mask comes before what it hides.
//!
//! Where no runner of GitHub listens, nothing is said in its words: there a mask would be the leak.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value;

use super::output::{one_line, stdout_text};
use super::{ErrorId, Exit};
use crate::commands::{CommandError, Report, Settings};
use crate::disk::append;
use crate::job::github::{Commands, Failure, RunnerFile, Summary, entry};
use crate::job::{Environment, Hidden, Level, Masks, Notices, explain, random};
use crate::relay::RelayError;

const TITLE: &str = "authbaton";
/// The outputs of `action.yml` that come from a report, in the order of the page, and how the page calls them.
const OUTPUTS: [(&str, &str); 9] = [
    ("auth-mode", "login"),
    ("account-id", "account"),
    ("plan-type", "plan"),
    ("expires-at", "access token ends"),
    ("generation", "generation"),
    ("cache-hit", "login was in the store"),
    ("refreshed", "renewed in this run"),
    ("saved", "stored in this run"),
    ("codex-home", "home"),
];

/// Where the action's words go.
pub(super) struct ActionOutput {
    is_github: bool,
    least: Level,
    warned: RefCell<BTreeSet<String>>,
}

impl ActionOutput {
    pub(super) fn new(process: &Environment) -> Self {
        let is = |name: &str, value: &str| process.get(name).is_some_and(|it| it.eq_ignore_ascii_case(value));
        let least = if is("RUNNER_DEBUG", "1") { Level::Detail } else { Level::Info };
        Self { is_github: is("GITHUB_ACTIONS", "true"), least, warned: RefCell::default() }
    }

    /// `main` gave the job a login.
    pub(super) fn success(&self, environment: &Environment, settings: &Settings, report: &Report) -> Exit {
        let mut next = Vec::new();
        if report.fields().get("generation") == Some(&Value::Null) {
            next.push("a run that may write the store (on the default branch) takes the seed".to_owned());
        }
        let summary = Summary { rows: rows(settings, report), failure: None, next };
        self.conclude(environment, report, None, &summary)
    }

    /// `post` has cleaned up: nothing more is to be told.
    pub(super) fn ended(&self, _report: &Report) -> Exit {
        Exit::Ok
    }

    /// A stage failed.
    pub(super) fn failure(
        &self,
        environment: &Environment,
        settings: &Settings,
        error: &CommandError,
    ) -> Exit {
        let nothing = Report::default();
        let report = error.report().unwrap_or(&nothing);
        let error = error.bare();
        if let CommandError::Relay(RelayError::NotStored { rescue, .. }) = error {
            let lines: Vec<&str> = rescue.lines().collect();
            self.group("The sealed reply: keep this text, for `authbaton rescue`", &lines);
        }
        self.fail(environment, ErrorId::of(error), &explain(error), report, rows(settings, report))
    }

    /// The inputs are wrong: nothing was begun.
    pub(super) fn invalid(&self, environment: &Environment, problems: &str) -> Exit {
        self.fail(environment, ErrorId::InputInvalid, problems, &Report::default(), Vec::new())
    }

    fn fail(
        &self,
        environment: &Environment,
        id: ErrorId,
        text: &str,
        report: &Report,
        rows: Vec<(&'static str, String)>,
    ) -> Exit {
        let table = id.entry();
        let told = format!("{text}. Hint: {}", table.hint);
        self.say(&if self.is_github {
            Commands::error(&format!("{TITLE}: {}", table.id), &told)
        } else {
            format!("error[{}]: {}\n", table.id, one_line(&told))
        });
        let failure = Failure { id: table.id, text, hint: table.hint };
        let summary = Summary { rows, failure: Some(failure), next: Vec::new() };
        self.conclude(environment, report, Some(table.id), &summary);
        table.exit
    }

    /// Writes outputs and page. What cannot be written is told, and the run's own end counts.
    fn conclude(
        &self,
        environment: &Environment,
        report: &Report,
        error: Option<&str>,
        summary: &Summary<'_>,
    ) -> Exit {
        let outputs = OUTPUTS.iter().filter_map(|(name, _)| Some((*name, text(report, name)?)));
        let outputs = outputs.chain(error.map(|id| ("error-id", id.to_owned())));
        let entries: Result<String, String> = outputs
            .map(|(name, value)| {
                let random = random().map_err(|error| explain(&error))?;
                entry(name, &value, random).map_err(|error| explain(&error))
            })
            .collect();
        let told = entries
            .and_then(|entries| write(environment, RunnerFile::Output, &entries))
            .and_then(|()| write(environment, RunnerFile::Summary, &summary.page()));
        match told {
            Ok(()) => Exit::Ok,
            Err(problem) => {
                self.tell(Level::Warning, &format!("outputs and summary could not be written: {problem}"));
                Exit::Ok
            }
        }
    }

    fn say(&self, text: &str) {
        let _ = stdout_text(text);
    }
}

impl Notices for ActionOutput {
    fn tell(&self, level: Level, text: &str) {
        if level < self.least || level == Level::Warning && !self.warned.borrow_mut().insert(text.to_owned())
        {
            return;
        }
        self.say(&match (level, self.is_github) {
            (Level::Warning, true) => Commands::warning(TITLE, text),
            (Level::Warning, false) => format!("warning: {}\n", one_line(text)),
            (_, true) => Commands::line(text),
            (_, false) => format!("{}\n", one_line(text)),
        });
    }

    fn group(&self, title: &str, lines: &[&str]) {
        let lines: String = lines.iter().map(|line| Commands::line(line)).collect();
        self.say(&if self.is_github {
            format!("{}{lines}{}", Commands::group(title), Commands::END_GROUP)
        } else {
            format!("{}\n{lines}", one_line(title))
        });
    }

    fn masks(&self) -> Masks {
        let hide = |secrets: &[&str]| {
            for secret in secrets {
                let _ = stdout_text(&Commands::mask(secret));
            }
        };
        if self.is_github { Masks::new(Hidden::All, hide) } else { Masks::none() }
    }
}

fn write(environment: &Environment, file: RunnerFile, text: &str) -> Result<(), String> {
    let Some(path) = environment.path(file.variable()) else {
        return Err(format!("`{}` is not set", file.variable()));
    };
    append(&path, text.as_bytes()).map_err(|error| explain(&error))
}

/// A field as an output; none where there is nothing to say.
fn text(report: &Report, name: &str) -> Option<String> {
    match report.fields().get(name)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn rows(settings: &Settings, report: &Report) -> Vec<(&'static str, String)> {
    let known = OUTPUTS.iter().filter_map(|(name, title)| Some((*title, text(report, name)?)));
    let store = settings.store_text.iter().map(|store| {
        let kind = store.split(':').next().unwrap_or_default();
        ("slot", format!("{} in {kind}", settings.slot))
    });
    known.chain(store).collect()
}
