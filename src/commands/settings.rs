//! What the options mean, checked. Commands read nothing else: no argument, no variable.

use std::path::PathBuf;
use std::time::Duration;

use crate::authority::AuthorityUrl;
use crate::baton::{Audience, SlotName};
use crate::credential::{Client, Margin};
use crate::job::{Platform, Wish};
use crate::policy::PolicyOptions;
use crate::store::StoreUrl;

/// The options that verbs share.
pub struct Settings {
    /// Whose login it is.
    pub client: Client,
    /// `--home`.
    pub home: Option<PathBuf>,
    /// `--store`.
    pub store: Option<StoreUrl>,
    /// `--store` as it was typed, for the jobs of a rehearsal.
    pub store_text: Option<String>,
    /// The common options as they were given, for a broker of ours.
    pub given: serde_json::Value,
    /// Variables that a verb takes a secret from, by name.
    pub secret_variables: Vec<String>,
    /// `--slot`.
    pub slot: SlotName,
    /// `--audience`; by default the store's own.
    pub audience: Option<Audience>,
    /// `--seal-key-file`.
    pub seal_key_file: Option<PathBuf>,
    /// `--refresh-before-expiry`.
    pub margin: Margin,
    /// `--lock-timeout`.
    pub lock_timeout: Option<Duration>,
    /// `--timeout`.
    pub timeout: Duration,
    /// `--platform`.
    pub platform: Option<Platform>,
    /// `--mask`.
    pub mask: Wish,
    /// What the command line says about the policy.
    pub policy: PolicyOptions,
    /// `--authority-url`.
    pub authority: Option<AuthorityUrl>,
    /// `--ca-file`.
    pub ca_file: Option<PathBuf>,
}
