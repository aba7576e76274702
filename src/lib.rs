//! authbaton carries one Codex or LLMX login from CI job to CI job.

pub mod authority;
pub mod baton;
pub mod credential;
pub mod disk;
pub mod home;
pub mod job;
pub mod policy;
pub mod rehearsal;
pub mod store;
