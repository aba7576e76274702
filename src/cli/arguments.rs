//! What may be typed.

use std::ffi::OsString;
use std::path::PathBuf;

use chrono::TimeDelta;
use clap::{ArgGroup, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use serde::{Deserialize, Serialize};

use super::variables::{with_variable, with_variables};
use crate::commands::{
    EnforceOptions, LoginKind, LoginOptions, LogoutOptions, RestoreOptions, RunOptions, SecretSource, When,
};
use crate::job::Environment;

#[derive(Parser)]
#[command(
    name = "authbaton",
    version,
    about = "Carries one Codex or LLMX login from CI job to CI job",
    disable_help_subcommand = true,
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Args, Default, Deserialize, Serialize)]
#[command(next_help_heading = "Common options")]
pub(super) struct Common {
    /// The client whose login it is: `codex` or `llmx` [default: codex]
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) client: Option<String>,
    /// The client's home [default: `CODEX_HOME` or `~/.codex`]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) home: Option<PathBuf>,
    /// Where the sealed login rests: `file:DIR`, `actions-cache:`, `git:URL#REF`, `s3://…`, `gs://…`, `az://…`,
    /// `exec:PROGRAM`, or `home:` where the machine keeps its homes
    #[arg(long, global = true, value_name = "URL")]
    pub(super) store: Option<String>,
    /// The slot in the store [default: default]
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) slot: Option<String>,
    /// Who may open the baton: the same text everywhere for a shared login
    #[arg(long, global = true, value_name = "TEXT")]
    pub(super) audience: Option<String>,
    /// A file with the seal keys: 32 bytes each, base64 or hex, newest first [else: variable `AUTHBATON_SEAL_KEY`]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) seal_key_file: Option<PathBuf>,
    /// Renew when less is left [default: 24h, or half of the lifetime]
    #[arg(long, global = true, value_name = "DURATION")]
    pub(super) refresh_before_expiry: Option<String>,
    /// Wait for locks and leases at most this long [default: what the store's leases need]
    #[arg(long, global = true, value_name = "DURATION")]
    pub(super) lock_timeout: Option<String>,
    /// Go on asking an authority that cannot be reached for this long [default: 60s]
    #[arg(long, global = true, value_name = "DURATION")]
    pub(super) timeout: Option<String>,
    /// The platform, where it is not recognised: `github`, `gitlab`, `azure`, `buildkite`, `circleci`, `jenkins`, `ci` or
    /// `shell`
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) platform: Option<String>,
    /// Have the platform hide each token that a job is given: `auto`, `github`, `azure`, `buildkite` or `none`
    /// [default: none]
    #[arg(long, global = true, value_name = "HOW")]
    #[serde(skip)]
    pub(super) mask: Option<String>,
    /// Allow only this method: `chatgpt` or `api`
    #[arg(long, global = true, value_name = "METHOD")]
    pub(super) forced_login_method: Option<String>,
    /// Allow ChatGPT logins of this workspace only (repeatable; in the variable: one a line)
    #[arg(long, global = true, value_name = "ID", value_delimiter = '\n')]
    pub(super) forced_chatgpt_workspace_id: Vec<String>,
    /// Narrow the policy by the `forced_` keys of this file, which has the form of the client's config.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) managed_config: Option<PathBuf>,
    /// The profile that Codex will be started with: lays `NAME.config.toml` of the home over its config.toml
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// A setting that the client will be started with (repeatable; in the variable: one a line)
    #[arg(long, short, global = true, value_name = "KEY=VALUE", value_delimiter = '\n')]
    pub(super) config: Vec<String>,
    /// Read the system's configuration below this directory
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) config_root: Option<PathBuf>,
    /// Another authority; https, or http on loopback
    #[arg(long, global = true, value_name = "URL")]
    pub(super) authority_url: Option<String>,
    /// Trust these certificate authorities too (PEM)
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,
    /// Write what the verb came to into this file, as `NAME=value` lines for GitLab's `artifacts:reports:dotenv`
    #[arg(long, global = true, value_name = "FILE")]
    #[serde(skip)]
    pub(super) dotenv: Option<PathBuf>,
    /// Report as JSON on stdout
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Say nothing but warnings and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Say more
    #[arg(long, short, global = true)]
    pub(super) verbose: bool,
}

#[derive(Subcommand)]
pub(super) enum Verb {
    /// Take a credential from stdin or a file
    Login(Login),
    /// Show what is in the home (local files only)
    Status,
    /// Log out locally where the policy does not allow the login
    Enforce(Enforce),
    /// Place an access-only file from the slot
    Restore(Restore),
    /// Renew the login if that is due, and store it
    Refresh(Refresh),
    /// Move the home's login into the slot
    Save(Save),
    /// Delete the home's login
    Logout(Logout),
    /// Store what was renewed but not stored: journals, and a printed text on stdin
    Rescue(Rescue),
    /// Run a command with the login in a home of its own
    Run(Run),
    /// Renew for the clients of a home, as long as anybody uses it
    Broker(Broker),
    /// Look at everything, change nothing, and say what a person should do
    Doctor(Doctor),
    /// Show the whole relay against a built-in authority
    Rehearse,
    /// A stage of the GitHub Action, with its inputs as variables
    #[command(hide = true)]
    Action(Action),
}

#[derive(Args)]
pub(super) struct Account {
    /// Let a login of another account replace the slot's
    #[arg(long)]
    pub(super) allow_account_change: bool,
}

#[derive(Args)]
#[command(group = ArgGroup::new("kind").required(true).multiple(false))]
pub(super) struct Login {
    /// Read an OpenAI API key
    #[arg(long, group = "kind")]
    with_api_key: bool,
    /// Read a personal access token (`at-…`)
    #[arg(long, group = "kind")]
    with_access_token: bool,
    /// Read an auth.json, as it is or as base64
    #[arg(long, group = "kind")]
    with_auth_json: bool,
    /// Read from this file instead of stdin
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// Refuse where the home has another login that authbaton did not place
    #[arg(long)]
    no_replace: bool,
    #[command(flatten)]
    account: Account,
}

#[derive(Args)]
pub(super) struct Enforce {
    /// Report only
    #[arg(long)]
    dry_run: bool,
}

#[derive(Args)]
#[command(group = ArgGroup::new("seed").multiple(false))]
pub(super) struct Restore {
    /// Seed the slot from this file, if it wants one
    #[arg(long, group = "seed", value_name = "FILE")]
    seed_file: Option<PathBuf>,
    /// Seed the slot from stdin, if it wants one
    #[arg(long, group = "seed")]
    seed_stdin: bool,
    /// Seed the slot from this variable, if it wants one
    #[arg(long, group = "seed", value_name = "NAME")]
    seed_env: Option<String>,
    /// Refuse an access token that lasts less
    #[arg(long, value_name = "DURATION", value_parser = super::settings::duration)]
    min_ttl: Option<TimeDelta>,
    /// Replace a login that authbaton did not place
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    account: Account,
}

#[derive(Args)]
pub(super) struct Run {
    /// Seed the slot from this file, if it wants one
    #[arg(long, value_name = "FILE", conflicts_with = "seed_env")]
    seed_file: Option<PathBuf>,
    /// Seed the slot from this variable, if it wants one
    #[arg(long, value_name = "NAME")]
    seed_env: Option<String>,
    /// Refuse an access token that lasts less
    #[arg(long, value_name = "DURATION", value_parser = super::settings::duration)]
    min_ttl: Option<TimeDelta>,
    /// Renew for the command while it runs: `auto` (a token of less than 24 h), `always` or `never` [default: auto]
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    broker: Option<When>,
    /// Write what happened to this file, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Replace a login that authbaton did not place
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    account: Account,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

#[derive(Args)]
pub(super) struct Broker {
    /// Take the options and the secrets from stdin, as `run` hands them over
    #[arg(long, hide = true)]
    pub(super) handed_over: bool,
}

#[derive(Args)]
pub(super) struct Doctor {
    /// Fail if anything was found that is an error
    #[arg(long)]
    pub(super) strict: bool,
}

#[derive(Args)]
pub(super) struct Action {
    /// The stage
    pub(super) stage: Stage,
    /// The process of the runner
    pub(super) runner: Option<u32>,
}

/// A stage of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Stage {
    /// Before the steps that use it.
    Main,
    /// At the end of the job.
    Post,
}

#[derive(Args)]
pub(super) struct Refresh {
    /// Renew although nothing is due, and although the slot is dead
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Args)]
pub(super) struct Save {
    #[command(flatten)]
    pub(super) account: Account,
}

#[derive(Args)]
pub(super) struct Rescue {
    /// Read the text, or a journal, from this file instead of stdin
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct Logout {
    /// Revoke the login at the authority, for every copy of it
    #[arg(long)]
    revoke: bool,
    /// Empty the slot, too
    #[arg(long)]
    purge: bool,
}

impl Verb {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Login(_) => "login",
            Self::Status => "status",
            Self::Enforce(_) => "enforce",
            Self::Restore(_) => "restore",
            Self::Refresh(_) => "refresh",
            Self::Save(_) => "save",
            Self::Logout(_) => "logout",
            Self::Rescue(_) => "rescue",
            Self::Run(_) => "run",
            Self::Broker(_) => "broker",
            Self::Doctor(_) => "doctor",
            Self::Rehearse => "rehearse",
            Self::Action(_) => "action",
        }
    }

    /// Returns the variables that the verb takes a secret from, by name.
    pub(super) fn secret_variables(&self) -> Vec<String> {
        match self {
            Self::Restore(it) => it.seed_env.iter().cloned().collect(),
            Self::Run(it) => it.seed_env.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }
}

impl Login {
    pub(super) fn kind(&self) -> LoginKind {
        match (self.with_api_key, self.with_access_token) {
            (true, _) => LoginKind::ApiKey,
            (_, true) => LoginKind::AccessToken,
            _ => LoginKind::AuthJson,
        }
    }

    pub(super) fn source(&self) -> SecretSource {
        self.from_file.clone().map_or(SecretSource::Stdin, SecretSource::File)
    }

    pub(super) fn options(&self) -> LoginOptions {
        LoginOptions { allow_account_change: self.account.allow_account_change, no_replace: self.no_replace }
    }
}

impl Enforce {
    pub(super) fn options(&self) -> EnforceOptions {
        EnforceOptions { dry_run: self.dry_run }
    }
}

impl Restore {
    pub(super) fn options(&self) -> RestoreOptions {
        let seed = match (&self.seed_file, self.seed_stdin, &self.seed_env) {
            (Some(path), ..) => Some(SecretSource::File(path.clone())),
            (_, true, _) => Some(SecretSource::Stdin),
            (.., Some(name)) => Some(SecretSource::Variable(name.clone())),
            _ => None,
        };
        RestoreOptions {
            seed,
            min_ttl: self.min_ttl,
            replace: self.replace,
            allow_account_change: self.account.allow_account_change,
        }
    }
}

impl Run {
    pub(super) fn options(&self) -> RunOptions {
        let seed = match (&self.seed_file, &self.seed_env) {
            (Some(path), _) => Some(SecretSource::File(path.clone())),
            (_, Some(name)) => Some(SecretSource::Variable(name.clone())),
            _ => None,
        };
        RunOptions {
            restore: RestoreOptions {
                seed,
                min_ttl: self.min_ttl,
                replace: self.replace,
                allow_account_change: self.account.allow_account_change,
            },
            broker: self.broker.unwrap_or_default(),
            report: self.report.clone(),
            command: self.command.clone(),
        }
    }
}

impl Rescue {
    pub(super) fn source(&self) -> Option<SecretSource> {
        self.from_file.clone().map(SecretSource::File)
    }
}

impl Logout {
    pub(super) fn options(&self) -> LogoutOptions {
        LogoutOptions { revoke: self.revoke, purge: self.purge }
    }
}

/// Returns the command line as `clap` knows it, with the variables that are set to something.
#[must_use]
pub fn command(environment: &Environment) -> Command {
    with_variables(Arguments::command(), &|argument| with_variable(argument, environment, &[]))
}

/// The same for what was typed: a flag comes before the variables of its rivals, too.
pub(super) fn command_for(environment: &Environment, typed: &[OsString]) -> Command {
    let ours = typed.iter().map_while(|it| if it == "--" { None } else { Some(it.to_string_lossy()) });
    let typed: Vec<_> = ours.collect();
    with_variables(Arguments::command(), &|argument| with_variable(argument, environment, &typed))
}

pub(super) fn arguments(command: Command, typed: Vec<OsString>) -> Result<Arguments, clap::Error> {
    let matches = command.try_get_matches_from(typed)?;
    Arguments::from_arg_matches(&matches)
}
