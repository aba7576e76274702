//! Why a verb failed. The command line's error table gives each an id, an exit code and a hint.

use super::{LoginKind, Report};
use crate::baton::KeyError;
use crate::credential::{Client, InputError, NotFull, Unusable};
use crate::disk::DiskError;
use crate::home::HomeError;
use crate::job::{BrokerProcessError, ChildError, MaskError, github::FileCommandError};
use crate::policy::{GateError, Mismatch, PolicyError};
use crate::relay::RelayError;
use crate::store::StoreError;
use crate::transport::TransportError;

/// A verb failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The relay stopped.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The policy cannot be decided.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A secret was to come from stdin, and a person sits there.
    #[error("stdin is a terminal: {what} is read from a pipe or a file")]
    Terminal {
        /// What was expected.
        what: &'static str,
    },
    /// Stdin cannot be read.
    #[error("stdin cannot be read: {0}")]
    Stdin(std::io::Error),
    /// A secret was given where its file or variable should be named. It is not repeated.
    #[error("this looks like a secret, where {what} should be named")]
    SecretAsName {
        /// What should be named.
        what: &'static str,
    },
    /// A file with a secret is not there.
    #[error("there is no file `{}`", .0.display())]
    NoSecretFile(std::path::PathBuf),
    /// A file with a secret cannot be read.
    #[error(transparent)]
    SecretFile(DiskError),
    /// A variable with a secret is not set.
    #[error("the variable `{0}` is not set")]
    NoSecretVariable(String),
    /// A secret is not what it should be.
    #[error("{what}: {problem}")]
    Input {
        /// What was read.
        what: &'static str,
        /// What is wrong with it.
        problem: InputError,
    },
    /// A document without a credential that the client could use.
    #[error("the auth.json has no usable credential: {0}")]
    Unusable(Unusable),
    /// A credential of another kind, where a full login is needed.
    #[error("this is no full login: {0}")]
    NotFull(NotFull),
    /// The slot took a login, and the home did not get it.
    #[error("the slot has the login; the home could not be given it: {0}")]
    TakenNotPlaced(RelayError),
    /// LLMX has no personal access tokens.
    #[error("LLMX has no access tokens")]
    NotForLlmx,
    /// A login that was handed over is not allowed here. It was not placed.
    #[error("{}", refusal(*.arriving, .mismatch))]
    Forbidden {
        /// What was handed over.
        arriving: LoginKind,
        /// Why it is not allowed.
        mismatch: Mismatch,
    },
    /// The policy cannot be decided, or the client would not read what we place.
    #[error(transparent)]
    Gate(GateError),
    /// A credential in a variable is not allowed here. The home's login is.
    #[error("the credential in `{variable}` {}: {mismatch}", if mismatch.is_undecided() { "may or may not be allowed" } else { "is not allowed" })]
    ForbiddenAmbient {
        /// The variable.
        variable: &'static str,
        /// Why it is not allowed.
        mismatch: Mismatch,
    },
    /// The client could not read the credential in a variable.
    #[error("the credential in `{0}` is none that the client could read")]
    AmbientUnreadable(&'static str),
    /// Nobody here can tell whether the login in the home is allowed. It is still there.
    #[error("{0}")]
    Undecidable(Mismatch),
    /// A login in the home is not allowed here. It was deleted.
    #[error("{0} Logging out.")]
    LoggedOut(Mismatch),
    /// A login in the home is not allowed here, and this was only a look.
    #[error("{0}")]
    WouldLogOut(Mismatch),
    /// A login in the home is not allowed here, and it could not be deleted.
    #[error("{mismatch} Logging out.. Failed to remove {}", stored(*.client))]
    NotLoggedOut {
        /// Whose words these are.
        client: Client,
        /// Why it is not allowed.
        mismatch: Mismatch,
        /// Why it is still there.
        #[source]
        problem: HomeError,
    },
    /// A ChatGPT login on a CI, and no store.
    #[error("this is a CI, and no store is given: what is renewed here would be lost with the job")]
    StoreNotConfigured,
    /// The verb needs a store.
    #[error("`{0}` needs a store")]
    StoreNeeded(&'static str),
    /// The seal keys are missing or malformed.
    #[error(transparent)]
    SealKey(#[from] KeyError),
    /// The file of the seal keys cannot be read.
    #[error("the seal key file cannot be used")]
    SealKeyFile(#[source] DiskError),
    /// What was given has no sealed reply in it.
    #[error("there is no rescue text in what was given")]
    NoRescueText,
    /// The sealed reply belongs to somebody else.
    #[error("the reply in the rescue text was refused: it is somebody else's, or has an empty refresh token")]
    RescueRefused,
    /// The slot holds another login by now.
    #[error("the slot has moved on: it no longer holds the login that the rescue text renews")]
    RescueMovedOn,
    /// The event that started the run is not to be trusted with a login.
    #[error("{reason}: it gets no login; {fix}")]
    EventRefused {
        /// Why.
        reason: &'static str,
        /// What a person can do.
        fix: &'static str,
    },
    /// Masks were asked for where they would be a leak.
    #[error(transparent)]
    Mask(#[from] MaskError),
    /// A variable has a credential that the client would use instead.
    #[error("the client would use the credential in {0} instead of this login")]
    RivalCredential(String),
    /// The runner names no file for outputs, variables or state.
    #[error("the runner does not say where outputs, variables and state go: `{0}` is not set")]
    NoRunnerFile(&'static str),
    /// A file of the runner cannot be written.
    #[error("the runner cannot be told something")]
    RunnerFile(#[source] DiskError),
    /// Something that is to be told the runner cannot be written down.
    #[error(transparent)]
    FileCommand(#[from] FileCommandError),
    /// The broker of a job is gone, and what it renewed may not be in the store.
    #[error("what the broker renewed is not in the store, or may not be")]
    BrokerNotStored,
    /// A broker serves the home, or a run uses it.
    #[error("the home is that of a run, or has the handle of its broker: nothing in it is ever stored")]
    HomeBrokered,
    /// There is no directory for the home of a run.
    #[error("there is no temporary directory outside of the workspace")]
    NoTemporaryDirectory,
    /// A path in the options is not UTF-8.
    #[error("the options cannot be handed over to a broker: a path is not UTF-8")]
    NotHandedOver,
    /// The broker cannot listen, or whoever started it has gone.
    #[error("the broker cannot serve")]
    Broker(#[source] std::io::Error),
    /// The broker of a run does not answer.
    #[error(transparent)]
    BrokerProcess(#[from] BrokerProcessError),
    /// The command cannot be run.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The signals cannot be handled.
    #[error("signals cannot be handled")]
    Signals(#[source] std::io::Error),
    /// The login was deleted here, but not revoked.
    #[error("the login was deleted here, but not revoked: {0}")]
    NotRevoked(String),
    /// Doctor found an error that no other verb would stop at.
    #[error("{0}")]
    Unwell(String),
    /// A row of the rehearsal failed.
    #[error("{failed} of the rehearsal's points did not hold")]
    Rehearsal {
        /// How many.
        failed: usize,
    },
    /// The rehearsal could not be set up.
    #[error("the rehearsal could not be set up: {0}")]
    RehearsalSetup(std::io::Error),
    /// Any of these, with what there is to report all the same.
    #[error("{error}")]
    Reported {
        /// What went wrong.
        error: Box<CommandError>,
        /// What there is to report.
        report: Report,
    },
}

impl CommandError {
    /// Adds what there is to report although the verb failed.
    #[must_use]
    pub fn with(self, report: Report) -> Self {
        Self::Reported { error: Box::new(self), report }
    }

    /// Returns what went wrong, without the report.
    #[must_use]
    pub fn bare(&self) -> &Self {
        match self {
            Self::Reported { error, .. } => error.bare(),
            bare => bare,
        }
    }

    /// Returns what there is to report although the verb failed.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Reported { report, .. } => Some(report),
            _ => None,
        }
    }

    /// Says of something that was handed over why it was refused.
    pub(super) fn refused(arriving: LoginKind) -> impl FnOnce(GateError) -> Self {
        move |error| match error {
            GateError::Mismatch(mismatch) => Self::Forbidden { arriving, mismatch },
            error => Self::Gate(error),
        }
    }
}

/// What the client says it could not remove (LLMX, as Codex did before 0.169, names the file).
fn stored(client: Client) -> &'static str {
    match client {
        Client::Codex => "stored credentials",
        Client::Llmx => "auth.json",
    }
}

/// What the client says of a credential that is handed to its `login`.
fn refusal(arriving: LoginKind, mismatch: &Mismatch) -> String {
    let disabled = |what, instead| format!("{what} login is disabled. Use {instead} login instead.");
    match (mismatch, arriving) {
        (Mismatch::ChatgptRequired, _) => disabled("API key", "ChatGPT"),
        (Mismatch::ApiRequired, LoginKind::AccessToken) => disabled("Access token", "API key"),
        (Mismatch::ApiRequired, _) => disabled("ChatGPT", "API key"),
        (Mismatch::Workspace { client, allowed, .. } | Mismatch::NoWorkspace { client, allowed }, _) => {
            let noun = if *client == Client::Codex { "workspace id(s)" } else { "workspace id" };
            format!("Login is restricted to {noun} {}.", allowed.join(", "))
        }
        (Mismatch::NoTokens | Mismatch::Undecidable { .. }, _) => mismatch.to_string(),
    }
}

impl From<GateError> for CommandError {
    fn from(error: GateError) -> Self {
        Self::Gate(error)
    }
}

impl From<HomeError> for CommandError {
    fn from(error: HomeError) -> Self {
        Self::Relay(error.into())
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Relay(error.into())
    }
}

impl From<TransportError> for CommandError {
    fn from(error: TransportError) -> Self {
        Self::Relay(crate::relay::ExchangeError::from(error).into())
    }
}
