//! The built-in authority: a strict OAuth token endpoint on loopback, for rehearsals, tests and benches.
//!
//! It rotates single-use refresh tokens as the real authority does, ends a login when one of them is used twice, and
//! misbehaves on request: every way in which an exchange can go wrong is a [`Behaviour`].
//!
//! From the inside out: `ledger` decides, `token` and `login` write what is given out, `request` judges what
//! comes in, `behaviour` says what shall go wrong, `answer` puts it on the wire, `server` ties these together, and
//! [`Authority`] is the handle to all of it.

mod answer;
mod authority;
mod behaviour;
mod hs256;
mod ledger;
mod login;
mod received;
mod request;
mod server;
mod state;
mod token;

pub use authority::{Authority, Settings, TimeSource};
pub use behaviour::{Behaviour, Fault, Paced, Refusal, Twist};
pub use login::{Account, IssueOptions};
pub use received::{Endpoint, Outcome, Received};
