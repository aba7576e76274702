//! Who may use a login: which credentials are allowed here, decided before one is placed, seeded or spent.
//!
//! The layers of the client's configuration and our own options make a [`Policy`]; the [`Gate`] reads it anew each time
//! that something is to be placed. A credential that passed is an [`Approved`] one, and only those can be placed in a
//! home or taken as a seed. The policy stops use, never saving: what an approved exchange gave may always be stored.

mod active;
mod bearer;
mod cloud;
mod document;
mod error;
mod flags;
mod gate;
mod known_keys;
mod layers;
mod places;
mod preferences;
mod profile;
mod project;
mod rules;
mod settings;
mod source;
mod unknown;
mod values;
mod verdict;

pub use active::{Ambient, ambient};
pub use cloud::Cloud;
pub use error::PolicyError;
pub use flags::{Flags, NotAFlag};
pub use gate::{Approved, Gate, GateError};
pub use layers::{Layers, PolicyOptions};
pub use profile::{NotAProfile, Profile};
pub use rules::{Constraint, CredentialsStore, Demands, Method, Policy};
pub use settings::Setting;
pub use source::{Layer, Source};
pub use unknown::Note;
pub use verdict::{AmbientVerdict, Mismatch};
