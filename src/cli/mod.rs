//! The command line: arguments become settings, a verb runs, its report or its error becomes text and an exit code.

mod action;
mod action_output;
mod arguments;
mod dotenv;
mod errors;
mod examination;
mod exit;
mod handover;
mod masking;
mod output;
mod section;
mod settings;
mod usage;
mod variables;

pub use arguments::command;
pub use errors::{ErrorId, errors_page};
pub use examination::doctor_table;
pub use exit::Exit;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::commands::{self, Bench, CommandError, Report, Severity, Stay};
use crate::job::{Environment, Job, Level, Notices, SystemClock, Wish};
use arguments::{Arguments, Verb};
use handover::Call;
use output::Output;

/// Runs the program: `arguments` without the program's name.
#[must_use]
pub fn run(arguments: &[OsString]) -> ExitCode {
    let environment = Environment::Process;
    if let Some(exit) = action::run(arguments, &environment) {
        return exit.into();
    }
    let parsed = match usage::parse(arguments, &environment) {
        Ok(parsed) => parsed,
        Err(stop) => return stop.report(arguments, &environment).into(),
    };
    let call = match handover::take_up(parsed, environment) {
        Ok(taken_up) => taken_up,
        Err(problem) => return output::plain(false, ErrorId::Usage, problem).into(),
    };
    let Call { arguments, environment, read_only, stay } = call;
    let output = Output::new(&arguments.common, arguments.verb.name());
    let settings = match settings::settings(&arguments.common, arguments.verb.secret_variables()) {
        Ok(settings) => settings,
        Err(problems) => return output.usage(&problems.to_string()).into(),
    };
    let here = Job::detect(&environment, settings.platform).platform;
    let output = output.on(here);
    let masks = masking::masks(settings.mask, here, &environment, &settings.secret_variables);
    let output = match masks {
        Ok(Some(masks)) => output.hiding_by(masks),
        Ok(None) => {
            if settings.mask != Wish::Nothing {
                output.tell(Level::Detail, &format!("`{}` hides nothing that it is told", here.name()));
            }
            output
        }
        Err(error) => return output.failure(&error.into()).into(),
    };
    let bench = Bench {
        settings: &settings,
        environment: &environment,
        clock: &SystemClock,
        notices: &output,
        read_only,
    };
    match dispatch(&bench, arguments, stay.as_ref()) {
        Ok(report) => match (output.success(&report), report.exit_code()) {
            (Exit::Ok, Some(of_command)) => of_command.into(),
            (exit, _) => exit.into(),
        },
        Err(error) => output.failure(&error).into(),
    }
}

fn dispatch(bench: &Bench<'_>, arguments: Arguments, stay: Option<&Stay>) -> Result<Report, CommandError> {
    match arguments.verb {
        Verb::Login(it) => commands::login(bench, it.kind(), &it.source(), it.options()),
        Verb::Status => commands::status(bench),
        Verb::Enforce(it) => commands::enforce(bench, it.options()),
        Verb::Restore(it) => commands::restore(bench, &it.options()),
        Verb::Refresh(it) => commands::refresh(bench, it.force),
        Verb::Save(it) => commands::save(bench, it.account.allow_account_change),
        Verb::Rescue(it) => commands::rescue(bench, it.source().as_ref()),
        Verb::Logout(it) => commands::logout(bench, it.options()),
        Verb::Run(it) => commands::run(bench, &it.options()),
        Verb::Broker(it) => commands::broker(bench, it.handed_over, stay),
        Verb::Doctor(it) => {
            let least = if arguments.common.quiet { Severity::Warning } else { Severity::Ok };
            examination::report(commands::doctor(bench), least, it.strict)
        }
        Verb::Rehearse => commands::rehearse(bench),
        // Never: `action::run` comes first.
        Verb::Action(_) => Err(CommandError::NoRunnerFile("GITHUB_STATE")),
    }
}
