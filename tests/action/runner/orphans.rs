//! What a job has left running: the runner finds it by one variable, and ends it.

use std::{fs, path::Path};

use rustix::process::{Pid, Signal, kill_process};

/// The variable that each process of a job inherits.
pub(crate) const MARK: &str = "RUNNER_TRACKING_ID";

/// A process of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Orphan {
    pub(crate) pid: i32,
    pub(crate) name: String,
}

/// Returns every process whose environment has this mark.
pub(crate) fn find(mark: &str) -> Vec<Orphan> {
    let wanted = format!("{MARK}={mark}");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // Processes end while we look, and those of others are none of our business.
        let Ok(environment) = fs::read(entry.path().join("environ")) else { continue };
        if environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()) {
            found.push(Orphan { pid, name: name(&entry.path()) });
        }
    }
    found
}

/// Ends every process with this mark, and returns which ones there were.
pub(crate) fn kill(mark: &str) -> Vec<Orphan> {
    let found = find(mark);
    for pid in found.iter().filter_map(|orphan| Pid::from_raw(orphan.pid)) {
        kill_process(pid, Signal::KILL).ok();
    }
    found
}

fn name(process: &Path) -> String {
    fs::read_to_string(process.join("comm")).unwrap_or_default().trim().to_owned()
}
