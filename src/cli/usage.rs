//! Parsing, and what is said when it fails. What was typed is not repeated, but for the names of options: it may be a
//! secret in the wrong place.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::arguments::{Arguments, arguments, command_for};
use super::output::{plain, stdout_text};
use super::{ErrorId, Exit};
use crate::job::Environment;

/// Options that would carry a secret, and what to do instead.
const SECRETS: [(&str, &str); 4] = [
    ("--api-key", PIPE_KEY),
    ("--access-token", PIPE_TOKEN),
    ("--auth-json", PIPE_FILE),
    ("--seal-key", "Set the variable AUTHBATON_SEAL_KEY, or name a file with --seal-key-file."),
];
/// Switches of ours that say what comes on stdin. With a value they carry it on the command line.
const SWITCHES: [(&str, &str); 3] =
    [("--with-api-key", PIPE_KEY), ("--with-access-token", PIPE_TOKEN), ("--with-auth-json", PIPE_FILE)];

const PIPE_KEY: &str =
    "Pipe the key instead, e.g. `printenv OPENAI_API_KEY | authbaton login --with-api-key`.";
const PIPE_TOKEN: &str =
    "Pipe the token instead, e.g. `printenv CODEX_ACCESS_TOKEN | authbaton login --with-access-token`.";
const PIPE_FILE: &str = "Pipe the file instead, e.g. `authbaton login --with-auth-json < auth.json`.";

/// Why no verb is run.
pub(super) enum Stop {
    /// Help or the version was asked for.
    Show(String),
    /// A secret on the command line.
    Secret(String, &'static str),
    /// Something else is wrong.
    Wrong(String),
}

pub(super) fn parse(typed: &[OsString], environment: &Environment) -> Result<Arguments, Stop> {
    let ours = typed.iter().take_while(|argument| *argument != "--");
    for argument in ours.filter_map(|argument| argument.to_str()) {
        let (name, value) = argument.split_once('=').map_or((argument, None), |(name, it)| (name, Some(it)));
        let of = |list: &[(&str, &'static str)]| list.iter().find(|(it, _)| *it == name).map(|(_, it)| *it);
        if let Some(instead) = of(&SECRETS) {
            return Err(Stop::Secret(name.to_owned(), instead));
        }
        if let (Some(instead), Some(_)) = (of(&SWITCHES), value) {
            return Err(Stop::Secret(format!("{name} with a value"), instead));
        }
    }
    let with_name = std::iter::once(OsString::from("authbaton")).chain(typed.iter().cloned()).collect();
    arguments(command_for(environment, typed), with_name).map_err(|error| stop(&error))
}

fn stop(error: &clap::Error) -> Stop {
    let names = || option_names(error).join(", ");
    Stop::Wrong(match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => return Stop::Show(error.render().to_string()),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            "a verb is missing".to_owned()
        }
        ErrorKind::InvalidSubcommand => "there is no such verb".to_owned(),
        ErrorKind::UnknownArgument => match names().as_str() {
            "" => "there is an argument that nothing takes".to_owned(),
            name => format!("there is no option {name}"),
        },
        ErrorKind::ArgumentConflict => match option_names(error).as_slice() {
            [one, other] if one == other => format!("{one} was given twice"),
            names => format!("these do not go together: {}", names.join(", ")),
        },
        ErrorKind::MissingRequiredArgument => format!("missing: {}", names()),
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8".to_owned(),
        ErrorKind::InvalidValue if is_without_value(error) => format!("{} needs a value", names()),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map_or_else(String::new, |why| format!(": {why}"));
            format!("the value of {} is not what it takes{why}", names())
        }
        _ => format!("the arguments are wrong: {}", names()),
    })
}

fn is_yes(value: &str) -> bool {
    ["1", "on", "t", "true", "y", "yes"].iter().any(|yes| yes.eq_ignore_ascii_case(value))
}

fn is_without_value(error: &clap::Error) -> bool {
    matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if value.is_empty())
}

/// The names of the options that an error is about, as they are declared; never a value.
fn option_names(error: &clap::Error) -> Vec<String> {
    let of = |kind| match error.get(kind) {
        Some(ContextValue::String(name)) => vec![name.clone()],
        Some(ContextValue::Strings(names)) => names.clone(),
        _ => Vec::new(),
    };
    let mut names = of(ContextKind::InvalidArg);
    names.extend(of(ContextKind::PriorArg));
    let declared = |name: &String| name.starts_with('-') || name.starts_with('<');
    let bare = |name: String| name.split(['=', ' ']).next().unwrap_or_default().to_owned();
    names.into_iter().filter(declared).map(bare).collect()
}

impl Stop {
    /// Says why, and returns the exit code.
    pub(super) fn report(self, typed: &[OsString], environment: &Environment) -> Exit {
        // Not parsed, so this is a guess; but whoever asks for JSON always gets it.
        let asked =
            typed.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json");
        let json = asked || environment.get("AUTHBATON_JSON").is_some_and(|value| is_yes(&value));
        match self {
            Self::Show(text) => stdout_text(&text),
            Self::Wrong(text) => plain(json, ErrorId::Usage, &text),
            Self::Secret(name, instead) => {
                plain(json, ErrorId::SecretOnArgv, &format!("{name} is not supported. {instead}"))
            }
        }
    }
}
