//! The rehearsal authority as a program of its own: `authority DIRECTORY MINUTES`.
//!
//! For whoever wants to see steps of a real job renew a login without an account: `.github/workflows/self-test.yml` does.
//! It opens one login on a free loopback port, writes its `auth.json` into the directory, says its address in one line on
//! stdout, and ends by itself after so many minutes. The login is worth nothing outside of it; it is not part of the program
//! that is released.
#![expect(clippy::disallowed_methods, reason = "a program of its own, with arguments and files of its own")]
#![expect(clippy::print_stdout, reason = "its address is what it is asked for")]

use std::{env, error::Error, fs, io::Write as _, path::Path, thread, time::Duration};

use authbaton::rehearsal::{Account, Authority, IssueOptions, Settings};

/// Longer than any job needs it.
const MOST_MINUTES: u64 = 60;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [directory, minutes] = arguments.as_slice() else {
        return Err("usage: authority DIRECTORY MINUTES".into());
    };
    let minutes = minutes.parse().ok().filter(|minutes| (1..=MOST_MINUTES).contains(minutes));
    let minutes = minutes.ok_or_else(|| format!("MINUTES is a number from 1 to {MOST_MINUTES}"))?;

    let authority = Authority::start(Settings::default())?;
    let login = authority.issue(&Account::named("self-test"), &IssueOptions::default())?;
    fs::write(Path::new(directory).join("auth.json"), login)?;
    // The address comes last: who has read it finds the login.
    println!("{}", authority.url());
    std::io::stdout().flush()?;
    thread::sleep(Duration::from_secs(minutes * 60));
    Ok(())
}
