//! What happens in a repository, scenario by scenario. Each counts exchanges at the authority and requests at the cache.

mod events;
mod examples;
mod first;
mod inputs;
mod lost;
mod poison;
mod together;
mod with_codex;
