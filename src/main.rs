//! Harden, parse, run, exit. Everything else is in the library, which begins with its table of contents.

use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "the arguments enter here and nowhere else")]
fn main() -> ExitCode {
    authbaton::job::harden();
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    authbaton::cli::run(&arguments)
}
