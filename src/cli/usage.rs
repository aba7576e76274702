//! Parsing, and what is said when it fails. What was typed is not repeated, but for the names of options: it may be a
//! secret in the wrong place.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::arguments::{Arguments, arguments, command};
use super::output::{plain, stdout_text};
use super::{ErrorId, Exit};
use crate::job::Environment;

/// Options that would carry a secret, and what to do instead.
const SECRETS: [(&str, &str); 4] = [
    ("--api-key", "Pipe the key instead, e.g. `printenv OPENAI_API_KEY | authbaton login --with-api-key`."),
    (
        "--access-token",
        "Pipe the token instead, e.g. `printenv CODEX_ACCESS_TOKEN | authbaton login --with-access-token`.",
    ),
    ("--auth-json", "Pipe the file instead, e.g. `authbaton login --with-auth-json < auth.json`."),
    ("--seal-key", "Set the variable AUTHBATON_SEAL_KEY, or name a file with --seal-key-file."),
];

/// Why no verb is run.
pub(super) enum Stop {
    /// Help or the version was asked for.
    Show(String),
    /// A secret on the command line.
    Secret(&'static str, &'static str),
    /// Something else is wrong.
    Wrong(String),
}

pub(super) fn parse(typed: &[OsString], environment: &Environment) -> Result<Arguments, Stop> {
    let ours = typed.iter().take_while(|argument| *argument != "--");
    for argument in ours.filter_map(|argument| argument.to_str()) {
        let name = argument.split_once('=').map_or(argument, |(name, _)| name);
        if let Some((name, instead)) = SECRETS.iter().find(|(secret, _)| *secret == name) {
            return Err(Stop::Secret(name, instead));
        }
    }
    let with_name = std::iter::once(OsString::from("authbaton")).chain(typed.iter().cloned()).collect();
    arguments(command(environment), with_name).map_err(|error| stop(&error))
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
        ErrorKind::ArgumentConflict => format!("these do not go together: {}", names()),
        ErrorKind::MissingRequiredArgument => format!("missing: {}", names()),
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8".to_owned(),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map_or_else(String::new, |why| format!(": {why}"));
            format!("the value of {} is not what it takes{why}", names())
        }
        _ => format!("the arguments are wrong: {}", names()),
    })
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
    pub(super) fn report(self, typed: &[OsString]) -> Exit {
        // Not parsed, so this is a guess; but whoever asks for JSON always gets it.
        let json = typed.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json");
        match self {
            Self::Show(text) => stdout_text(&text),
            Self::Wrong(text) => plain(json, ErrorId::Usage, &text),
            Self::Secret(name, instead) => {
                plain(json, ErrorId::SecretOnArgv, &format!("{name} is not supported. {instead}"))
            }
        }
    }
}
