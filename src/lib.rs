//! authbaton carries one Codex or LLMX login from CI job to CI job, as relay runners carry a baton: one holder at a
//! time, handed on intact.
//!
//! This is the table of contents. Data flows one way, **seed → credential → policy → baton → store**, and back,
//! **store → baton → home**; imports point one way too, from the top of this list to its end:
//!
//! | room | what lives there |
//! |---|---|
//! | [`cli`] | arguments → settings → report; the error table; the exit codes |
//! | [`commands`] | one file per verb |
//! | [`rehearsal`] | the built-in authority, for `rehearse`, tests and benches |
//! | [`relay`] | the protocol, step by step |
//! | [`store`] | where the sealed baton rests |
//! | [`authority`] | who renews a login |
//! | [`home`] | where the client reads it: its files, locks, journals |
//! | [`policy`] | who may use it; only what passed is [`policy::Approved`] |
//! | [`transport`] | how requests leave this machine: one HTTP client, its roots and proxies |
//! | [`disk`] | how bytes reach the disk: capped reads, whole writes, locks |
//! | [`job`] | where we run: clocks, randomness, environment, processes, the CI |
//! | [`baton`] | how a login travels: state, descent, lease, seal (pure) |
//! | [`credential`] | what a login is: document, mode, claims, freshness (pure) |
//!
//! The one rule: the refresh token lives in exactly one place, its holder. With a store the store holds it, sealed, and
//! homes get a file in which there is nothing to spend. Without one, the home holds it.

pub mod authority;
pub mod baton;
pub mod cli;
pub mod commands;
pub mod credential;
pub mod disk;
pub mod home;
pub mod job;
pub mod policy;
pub mod rehearsal;
pub mod relay;
pub mod store;
pub mod transport;

#[cfg(test)]
mod testing;
