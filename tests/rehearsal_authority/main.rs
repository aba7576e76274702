//! The rehearsal authority as a client sees it: every behaviour over HTTP.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod client;
mod exchanges;
mod faults;
mod waiting;
