//! Where we run: the clocks, randomness and (later) the CI job of this process.

mod clock;
mod random;

pub use clock::{Clock, SystemClock};
pub use random::{NoRandomness, random};
