//! The one place that prints: data on stdout, everything else on stderr.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{ErrorKind, Write, stderr, stdout};
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::arguments::Common;
use super::section::Section;
use super::{ErrorId, Exit, dotenv};
use crate::commands::{CommandError, Report, may_be_secret};
use crate::job::{Level, Masks, Notices, Platform, explain};
use crate::relay::RelayError;

/// The version of the JSON form. Fields may be added; none is changed or removed under the same number.
const SCHEMA: u32 = 1;

/// Where a verb's words go.
pub(super) struct Output {
    json: bool,
    least: Level,
    verb: &'static str,
    warned: RefCell<BTreeSet<String>>,
    masks: Masks,
    section: Option<Section>,
    dotenv: Option<PathBuf>,
}

impl Output {
    pub(super) fn new(common: &Common, verb: &'static str) -> Self {
        let least = match (common.quiet, common.verbose) {
            (true, _) => Level::Warning,
            (_, true) => Level::Detail,
            _ => Level::Info,
        };
        Self {
            json: common.json,
            least,
            verb,
            warned: RefCell::default(),
            masks: Masks::none(),
            section: None,
            // Nothing is written there; that it is wrong is told with all other problems.
            dotenv: common.dotenv.clone().filter(|path| !may_be_secret(path)),
        }
    }

    /// Hides secrets from here on.
    pub(super) fn hiding_by(self, masks: Masks) -> Self {
        Self { masks, ..self }
    }

    /// Speaks as people of a platform are used to. What machines read, and what should be short, stays as it is.
    pub(super) fn on(self, here: Platform) -> Self {
        let is_for_people = !self.json && self.least < Level::Warning;
        let section = if is_for_people { Section::of(self.verb, here) } else { None };
        Self { section, ..self }
    }

    pub(super) fn success(&self, report: &Report) -> Exit {
        // The command of `run` ended as it did, and what was renewed for it is not in the store.
        let is_lost = report.fields().get("stored") == Some(&Value::Bool(false));
        self.conclude(report.fields(), is_lost.then_some(ErrorId::NotStored));
        if report.exit_code().is_some() {
            return Exit::Ok;
        }
        if self.json {
            return json_text(self.verb, None, report.fields());
        }
        let lines: String = report.lines().iter().map(|line| format!("{}\n", one_line(line))).collect();
        stdout_text(&lines)
    }

    pub(super) fn failure(&self, error: &CommandError) -> Exit {
        let report = error.report();
        let error = error.bare();
        let (id, text) = (ErrorId::of(error), explain(error));
        let fields = report.map(|report| report.fields().clone()).unwrap_or_default();
        self.conclude(&fields, Some(id));
        if let (Some(report), false) = (report, self.json) {
            let lines: String = report.lines().iter().map(|line| format!("{}\n", one_line(line))).collect();
            stdout_text(&lines);
        }
        if let CommandError::Relay(RelayError::NotStored { rescue, journal, .. }) = error {
            let mut text = match journal {
                Some(journal) => {
                    format!("the sealed reply is kept in `{}` and printed here:\n", journal.display())
                }
                None => "the sealed reply could not be kept on this machine; it is only here:\n".to_owned(),
            };
            text.push_str(rescue);
            stderr_text(&text);
        }
        say(self.json.then_some((self.verb, &fields)), id, &text)
    }

    pub(super) fn usage(&self, text: &str) -> Exit {
        self.conclude(&Map::new(), Some(ErrorId::Usage));
        say(self.json.then_some((self.verb, &Map::new())), ErrorId::Usage, text)
    }
}

impl Output {
    /// Ends what belongs together, and leaves word for later jobs.
    fn conclude(&self, fields: &Map<String, Value>, error: Option<ErrorId>) {
        self.others_speak();
        if let Some(path) = &self.dotenv {
            dotenv::write(path, fields, error).iter().for_each(|problem| self.tell(Level::Warning, problem));
        }
    }
}

impl Notices for Output {
    fn tell(&self, level: Level, text: &str) {
        if level < self.least {
            return;
        }
        // The same warning again says nothing new; a waiter would repeat it at every look.
        if level == Level::Warning && !self.warned.borrow_mut().insert(text.to_owned()) {
            return;
        }
        let prefix = if level == Level::Warning { "warning: " } else { "" };
        let begin = self.section.as_ref().map(Section::begin).unwrap_or_default();
        stderr_text(&format!("{begin}{prefix}{}\n", one_line(text)));
    }

    fn others_speak(&self) {
        self.section.iter().for_each(|section| stderr_text(&section.end()));
    }

    fn masks(&self) -> Masks {
        self.masks.clone()
    }

    fn line(&self) -> Box<dyn FnMut(&str) + Send> {
        // Whoever says it has weighed it by the same options.
        Box::new(|line| stderr_text(&format!("{line}\n")))
    }
}

/// Reports an error before a verb is known.
pub(super) fn plain(json: bool, id: ErrorId, text: &str) -> Exit {
    say(json.then_some(("", &Map::new())), id, text)
}

/// Text of files and tokens goes into messages, and a line break in it would begin a line of its own: to some CI systems
/// that is a command.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect()
}

fn say(json: Option<(&str, &Map<String, Value>)>, id: ErrorId, text: &str) -> Exit {
    let entry = id.entry();
    stderr_text(&format!("error[{}]: {}\nhint: {}\n", entry.id, one_line(text), entry.hint));
    if let Some((verb, fields)) = json {
        json_text(verb, Some((id, text)), fields);
    }
    entry.exit
}

fn json_text(verb: &str, error: Option<(ErrorId, &str)>, fields: &Map<String, Value>) -> Exit {
    let verb = if verb.is_empty() { Value::Null } else { verb.into() };
    let told = error.map(|(id, text)| json!({"id": id.entry().id, "message": text, "hint": id.entry().hint}));
    let mut object = Map::new();
    object.insert("schema".to_owned(), SCHEMA.into());
    object.insert("verb".to_owned(), verb);
    object.insert("ok".to_owned(), error.is_none().into());
    object.insert("error".to_owned(), told.unwrap_or_default());
    object.extend(fields.clone());
    stdout_text(&format!("{}\n", Value::Object(object)))
}

/// Prints to stdout. A reader that has gone away is no fault of ours; anything else is told by the exit code.
pub(super) fn stdout_text(text: &str) -> Exit {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Exit::Internal,
        _ => Exit::Ok,
    }
}

/// Prints to stderr. Whoever closed it does not want to hear.
pub(super) fn stderr_text(text: &str) {
    let _ = stderr().lock().write_all(text.as_bytes());
}
