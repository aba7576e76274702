//! authbaton carries one Codex or LLMX login from CI job to CI job.

pub mod baton;
pub mod credential;
pub mod disk;
pub mod job;
pub mod rehearsal;
