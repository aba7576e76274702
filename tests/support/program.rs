//! Programs that tests write, and then run.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes a program that anybody may execute.
///
/// Another process writes it. Linux executes no file that somebody has open for writing, and what this process has open,
/// every child has for a moment that a test beside this one starts.
pub(crate) fn write_program(path: &Path, text: &str) {
    let mut writer = Command::new("sh")
        .args(["-c", r#"cat >"$0" && chmod 755 "$0""#])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(writer.wait().unwrap().success(), "{} could not be written", path.display());
}
