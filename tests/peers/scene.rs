//! One home, one mock, and the two programs that meet in it.

use std::{io, path::Path, process::Command, time::Duration};

use serde_json::Value;

use crate::support::{
    codex, fixtures,
    model::{Model, REPLY},
    process::{self, Outcome},
    sandbox::Sandbox,
};

/// Nothing here takes a second; a busy machine gets many.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Scene {
    pub(crate) sandbox: Sandbox,
    pub(crate) model: Model,
    codex: &'static Path,
}

impl Scene {
    /// Opens an empty home. Returns none only when the peer tests are turned off, which has been said loudly.
    pub(crate) fn open() -> Option<Self> {
        Self::with_settings("")
    }

    /// Opens a home whose `config.toml` has these top-level settings.
    pub(crate) fn with_settings(settings: &str) -> Option<Self> {
        let codex = codex::program()?;
        let scene = Self { sandbox: Sandbox::new(), model: Model::start(), codex };
        let configuration = codex::configuration(scene.model.origin(), settings);
        scene.sandbox.write("home/config.toml", configuration.as_bytes());
        Some(scene)
    }

    /// Opens a home that holds this login, made by hand.
    pub(crate) fn holding(login: &Value) -> Option<Self> {
        let scene = Self::open()?;
        scene.sandbox.place(&fixtures::bytes(login));
        Some(scene)
    }

    /// Returns where Codex is.
    pub(crate) fn program(&self) -> &'static Path {
        self.codex
    }

    pub(crate) fn codex(&self, arguments: &[&str], input: &str) -> Outcome {
        self.codex_within(LIMIT, arguments, input).unwrap()
    }

    /// Runs Codex with another limit than the usual one.
    pub(crate) fn codex_within(
        &self,
        limit: Duration,
        arguments: &[&str],
        input: &str,
    ) -> io::Result<Outcome> {
        let mut command = self.sandbox.command(self.codex);
        command.args(arguments).envs(codex::environment(self.model.origin()));
        process::run(&mut command, input.as_bytes(), limit)
    }

    /// Asks Codex for one turn with what is in the home.
    pub(crate) fn turn(&self) -> Outcome {
        let arguments = codex::turn(self.model.origin());
        self.codex(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), "")
    }

    /// Demands that a turn succeeds, and that every request for it carried exactly this authorization.
    #[track_caller]
    pub(crate) fn turn_carries(&self, authorization: &str) {
        let outcome = self.turn().exited(0);
        assert!(outcome.stdout.contains(REPLY), "no reply of the model: {outcome:#?}");
        self.every_turn_carried(authorization);
    }

    #[track_caller]
    pub(crate) fn every_turn_carried(&self, authorization: &str) {
        let turns = self.model.turns();
        assert!(!turns.is_empty(), "no turn reached the model");
        for turn in turns {
            assert_eq!(turn.authorization.as_deref(), Some(authorization));
        }
    }

    /// Demands that nobody asked the authority for anything.
    #[track_caller]
    pub(crate) fn authority_was_left_alone(&self) {
        let asked = [self.model.refreshes(), self.model.revocations()].concat();
        assert!(asked.is_empty(), "the authority was asked: {asked:#?}");
    }

    /// Runs our program in this home.
    pub(crate) fn authbaton(&self, verb: &str, arguments: &[&str], input: &str) -> Outcome {
        let mut command = self.sandbox.authbaton(verb);
        run(command.args(arguments), input)
    }

    /// Runs our program in this home with the sandbox's store, and with the mock as its authority.
    pub(crate) fn authbaton_with_store(&self, verb: &str, arguments: &[&str]) -> Outcome {
        let mut command = self.sandbox.authbaton(verb);
        command
            .args(["--store", &self.sandbox.store(), "--slot", "peers", "--authority-url"])
            .arg(self.model.origin())
            .arg("--seal-key-file")
            .arg(self.sandbox.path("seal.key"));
        run(command.args(arguments), "")
    }

    /// Returns the login in the home.
    #[track_caller]
    pub(crate) fn login(&self) -> Value {
        let bytes = self.sandbox.auth_json().unwrap_or_else(|| panic!("the home has no auth.json"));
        serde_json::from_slice(&bytes).unwrap()
    }
}

fn run(command: &mut Command, input: &str) -> Outcome {
    process::run(command, input.as_bytes(), LIMIT).unwrap()
}
