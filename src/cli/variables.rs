//! Which variable stands for which option. Every option with a value has a variable `AUTHBATON_…`, but for those that say
//! where a token is sent; so have the switches that say how to report. Those that do something have none, so that an
//! environment cannot make a step destructive.

use std::borrow::Cow;

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Command};

use crate::job::Environment;

/// Options that an environment must not set: a poisoned one would receive a refresh token, or look away from what the
/// administrator has forbidden; and where one call reads its secret from is said in that call.
const WITHOUT_VARIABLE: [&str; 6] =
    ["authority-url", "ca-file", "config-root", "from-file", "seed-file", "seed-env"];

/// Options that exclude each other.
const RIVALS: [&[&str]; 1] = [&["quiet", "verbose"]];

/// Changes every argument of a command and of its verbs.
pub(super) fn with_variables(command: Command, change: &dyn Fn(Arg) -> Arg) -> Command {
    command.mut_args(change).mut_subcommands(|verb| with_variables(verb, change))
}

/// Gives an argument its variable, if it has one that is set to something, and names it in its help.
pub(super) fn with_variable(argument: Arg, environment: &Environment, typed: &[Cow<'_, str>]) -> Arg {
    let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    let Some(long) = argument.get_long().map(str::to_owned) else { return argument };
    let says_how = ["json", "quiet", "verbose"].contains(&long.as_str());
    let has_variable = takes_value || says_how;
    if !has_variable || WITHOUT_VARIABLE.contains(&long.as_str()) {
        return argument;
    }
    let name = format!("AUTHBATON_{}", long.to_uppercase().replace('-', "_"));
    let help = argument.get_help().map(|help| format!("{help} [env: {name}]"));
    let argument = match help {
        Some(help) => argument.help(help),
        None => argument,
    };
    // `clap` knows `true` and `false` only, and CI systems write `1`, too.
    let argument = if says_how { argument.value_parser(BoolishValueParser::new()) } else { argument };
    // Set to nothing is unset: `clap` would take the empty text as the value.
    let counts = environment.has(&name) && !has_rival(&long, typed);
    if counts { argument.env(name).hide_env(true) } else { argument }
}

/// Returns whether an option was typed that excludes this one.
fn has_rival(long: &str, typed: &[Cow<'_, str>]) -> bool {
    let rivals = RIVALS.iter().filter(|rivals| rivals.contains(&long)).flat_map(|rivals| rivals.iter());
    rivals.filter(|rival| **rival != long).any(|rival| typed.iter().any(|it| is_option(it, rival)))
}

fn is_option(typed: &str, long: &str) -> bool {
    match typed.strip_prefix("--") {
        Some(name) => name.split('=').next() == Some(long),
        // Only switches have a short form; several may stand behind one dash.
        None => {
            let short = match long {
                "quiet" => 'q',
                "verbose" => 'v',
                _ => return false,
            };
            typed.strip_prefix('-').is_some_and(|shorts| shorts.contains(short))
        }
    }
}
