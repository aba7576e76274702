//! The broker: our endpoint on loopback that answers the refresh requests of the clients of one home (design, section 5).
//!
//! One process, ours, holds the refresh token; every client in the job holds a handle and renews through us. [`Desk`] is
//! where requests wait and one exchange serves them all; what to answer is decided in `decide`, what a request may look
//! like in `request`, and `server` is the HTTP around it. The exchange itself is whoever works at the desk.

mod decide;
mod desk;
mod event;
mod reply;
mod request;
mod server;

pub use decide::{Asked, Why};
pub use desk::{Current, Desk, Failure, Limits};
pub use event::Event;
pub use request::{Refusal, Terms};
pub use server::{Endpoint, Server, Socket};
