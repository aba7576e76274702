//! Reads the layers of a client's configuration in their order, as the client does.
//!
//! Codex, the weakest first: the system's `config.toml`, the user's, the profile's, those of a trusted project, `-c`,
//! `managed_config.toml`, the managed preferences of macOS; and by itself `requirements.toml`, which nothing overrides.
//! LLMX: the user's file, `-c`, `managed_config.toml`, managed preferences. A cloud bundle is out of reach here: see
//! [`super::Cloud`].

use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::document::Document;
use super::flags::Flags;
use super::places::{Machine, Places, System};
use super::preferences::{self, Preference};
use super::project::ProjectFile;
use super::settings::Stack;
use super::values::{FORCED_METHOD, FORCED_WORKSPACES, method, workspaces};
use super::{Constraint, Layer, Policy, PolicyError, Profile, Source, project, unknown};
use crate::credential::Client;
use crate::disk::DiskError;
use crate::job::Environment;

const CONFIG: &str = "config.toml";

/// What the command line says about the policy.
#[derive(Clone, Debug, Default)]
pub struct PolicyOptions {
    /// `--forced-login-method` and `--forced-chatgpt-workspace-id`.
    pub constraints: Vec<Constraint>,
    /// `--managed-config`: a file in the form of `config.toml` that narrows as those options do.
    pub managed_config: Option<PathBuf>,
    /// `--profile`.
    pub profile: Option<Profile>,
    /// `-c`.
    pub flags: Flags,
    /// `--config-root`: stands in front of the system's paths.
    pub root: Option<PathBuf>,
}

/// Where the policy of one home is read from.
#[derive(Clone, Debug)]
pub struct Layers {
    client: Client,
    home: PathBuf,
    /// Where the client would be started: its project is part of the policy.
    directory: Result<Option<PathBuf>, io::ErrorKind>,
    places: Places,
    options: PolicyOptions,
}

impl Layers {
    /// Finds the files; none is read yet.
    #[must_use]
    pub fn new(client: Client, home: &Path, options: PolicyOptions, environment: &Environment) -> Self {
        let machine = Machine { system: System::here(), root: options.root.as_deref(), environment };
        let places = Places::of(client, home, machine);
        let directory = environment.current_directory().map_err(|error| error.kind());
        Self { client, home: home.to_owned(), directory, places, options }
    }

    /// Reads the policy that is in force now.
    ///
    /// # Errors
    /// When a file cannot be read, a value that counts means nothing, or nothing is allowed at all.
    pub(super) fn read(&self) -> Result<Policy, PolicyError> {
        let requirements = self.requirements()?;
        let config = self.config()?;
        let ours = self.managed_config()?;
        let (demands, settings) = config.demands(self.client, &requirements)?;
        let mut constraints = self.options.constraints.clone();
        constraints.extend(self.constraint_of(&ours)?);
        let notes = unknown::notes(self.client, &[&config, &ours], &requirements);
        Ok(Policy::new(self.client, demands, constraints, settings)?.with_notes(notes))
    }

    fn config(&self) -> Result<Stack, PolicyError> {
        let is_codex = self.client == Client::Codex;
        let mut below = Stack::default();
        if let Some(path) = &self.places.config {
            push(&mut below, Layer::System, path)?;
        }
        let user = Document::read(&self.home.join(CONFIG))?;
        if let Some(user) = user {
            if let Some(profile) = self.options.profile.as_ref().filter(|_| is_codex) {
                profile.refuse_legacy(&user)?;
            }
            below.push(Source { layer: Layer::User, file: Some(self.home.join(CONFIG)) }, user);
        }
        if let Some(profile) = self.options.profile.as_ref().filter(|_| is_codex) {
            push(&mut below, Layer::Profile, &self.home.join(profile.file_name()))?;
        }
        // `-c` and what is above it say, too, which projects are trusted; so they are read before the projects.
        let mut above = Stack::default();
        if !self.options.flags.is_empty() {
            above.push(Source { layer: Layer::Flags, file: None }, self.options.flags.document());
        }
        push(&mut above, Layer::Managed, &self.places.managed)?;
        self.push_preference(&mut above, Preference::Config)?;
        let directory = self.directory.as_ref().map_err(|kind| PolicyError::NoDirectory(*kind));
        if is_codex && let Some(directory) = directory? {
            let trust = trust_settings(&below, &above);
            for file in project::files(directory, &self.home, &trust) {
                let ProjectFile { path, is_trusted } = file;
                if !is_trusted {
                    Document::refuse_unreadable(&path)?;
                } else if let Some(document) = Document::read(&path)? {
                    let document = document.without(project::NOT_FOR_PROJECTS);
                    below.push(Source { layer: Layer::Project, file: Some(path) }, document);
                }
            }
        }
        Ok(below.with(above))
    }

    fn requirements(&self) -> Result<Stack, PolicyError> {
        let mut stack = Stack::default();
        if let Some(path) = &self.places.requirements {
            push(&mut stack, Layer::Requirements, path)?;
            self.push_preference(&mut stack, Preference::Requirements)?;
        }
        Ok(stack)
    }

    fn push_preference(&self, stack: &mut Stack, preference: Preference) -> Result<(), PolicyError> {
        if let Some((path, document)) = preferences::read(&self.places.preferences, preference)? {
            stack.push(Source { layer: preference.layer(), file: Some(path) }, document);
        }
        Ok(())
    }

    /// Our own file, which is no layer: it stands by itself.
    fn managed_config(&self) -> Result<Stack, PolicyError> {
        let mut stack = Stack::default();
        let Some(path) = &self.options.managed_config else { return Ok(stack) };
        match Document::read(path) {
            Ok(Some(document)) => {
                let layer = Layer::Option("managed-config");
                stack.push(Source { layer, file: Some(path.clone()) }, document);
                Ok(stack)
            }
            Ok(None) | Err(PolicyError::Unreadable(DiskError::Io { .. })) => {
                Err(PolicyError::NoManagedConfig)
            }
            Err(error) => Err(error),
        }
    }

    /// What our own file forces narrows.
    fn constraint_of(&self, ours: &Stack) -> Result<Option<Constraint>, PolicyError> {
        let Some((source, _)) = ours.layers().next() else { return Ok(None) };
        let method = ours.read(FORCED_METHOD, method)?;
        let workspaces = ours.read(FORCED_WORKSPACES, |value| workspaces(self.client, value))?.flatten();
        let demands_something = method.is_some() || workspaces.is_some();
        Ok(demands_something.then(|| Constraint { source: source.clone(), method, workspaces }))
    }
}

fn push(stack: &mut Stack, layer: Layer, path: &Path) -> Result<(), PolicyError> {
    if let Some(document) = Document::read(path)? {
        stack.push(Source { layer, file: Some(path.to_owned()) }, document);
    }
    Ok(())
}

fn trust_settings(below: &Stack, above: &Stack) -> Table {
    let mut trust = below.table(project::TRUST);
    super::settings::merge(&mut trust, &above.table(project::TRUST));
    let markers = above.value(project::MARKERS).or_else(|| below.value(project::MARKERS));
    let trust = (project::TRUST.to_owned(), Value::Table(trust));
    let markers = markers.map(|markers| (project::MARKERS.to_owned(), markers.clone()));
    [trust].into_iter().chain(markers).collect()
}
