//! Who may use a login: which credentials are allowed here, decided before one is placed, seeded or spent.
//!
//! A credential that passed is an [`Approved`] one, and only those can be placed in a home or taken as a seed. The
//! policy stops use, never saving: what an approved exchange gave may always be stored.

mod layers;
mod rules;
mod verdict;

pub use layers::{PolicyError, read};
pub use rules::{Method, Policy, Restriction, Source};
pub use verdict::{Approved, Mismatch};
