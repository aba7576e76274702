//! What a broker is told through a pipe: the options as they were given, and the variables that hold secrets or say where
//! things are. Its own environment has nothing of it, and its command line neither.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::bench::SEAL_KEY_VARIABLE;
use super::{Bench, CommandError};
use crate::home::Home;
use crate::job::Job;
use crate::store::StoreUrl;

/// Where the machine keeps our state, and how the policy finds its files.
const PLACES: [&str; 4] = ["HOME", "XDG_STATE_HOME", "USER", "ProgramData"];

#[derive(Serialize)]
struct Handover<'a> {
    options: &'a Value,
    environment: BTreeMap<&'a str, Zeroizing<String>>,
}

impl Bench<'_> {
    /// Writes down what a broker for `home` needs to know.
    ///
    /// # Errors
    /// When something of it is not UTF-8.
    pub(super) fn handover(&self, home: &Home) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        let path = home.path().to_str().ok_or(CommandError::NotHandedOver)?;
        let mut options = self.settings.given.clone();
        match options.as_object_mut() {
            Some(options) => options.insert("home".to_owned(), path.into()),
            None => return Err(CommandError::NotHandedOver),
        };
        let of_store = self.settings.store.as_ref().map(StoreUrl::variables).unwrap_or_default();
        let names = [SEAL_KEY_VARIABLE].into_iter().chain(PLACES).chain(Job::variables()).chain(of_store.iter().copied());
        let environment = names.filter_map(|name| Some((name, self.environment.get(name)?))).collect();
        let handover = Handover { options: &options, environment };
        serde_json::to_vec(&handover).map(Zeroizing::new).map_err(|_| CommandError::NotHandedOver)
    }
}
