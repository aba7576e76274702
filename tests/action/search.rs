//! Looks for every secret of a scenario wherever a job has left a trace, and says where it was found.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    runner::{Ended, Line, Record},
    support::scanner::{Hay, Needle},
};

/// The secrets of a scenario, in all their forms.
#[derive(Default)]
pub(crate) struct Secrets(Vec<Secret>);

struct Secret {
    name: String,
    needle: Needle,
    is_refresh: bool,
}

impl Secrets {
    /// Adds a secret that belongs nowhere, or, if it is what a client works with, into `auth.json` alone.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        assert!(value.len() >= 12, "{name} is too short to be looked for");
        let is_refresh = name.starts_with("refresh");
        self.0.push(Secret { name: name.to_owned(), needle: Needle::new(value), is_refresh });
    }

    /// Returns every place of a job that has ended where a secret is.
    pub(crate) fn find(&self, ended: &Ended) -> Vec<String> {
        let mut hits = self.in_record(&ended.record);
        for stage in &ended.posts {
            hits.extend(self.in_text("the summary of post", &stage.summary));
        }
        for (name, value) in &ended.outputs {
            hits.extend(self.in_text(&format!("the job's output {name}"), value));
        }
        hits.extend(self.in_files(ended.root(), &[]));
        hits
    }

    fn in_record(&self, record: &Record) -> Vec<String> {
        let mut hits = self.in_text("the log", &record.log);
        // Before anything is hidden: only the commands that hide may have a secret.
        let is_open = |line: &&Line| !line.text.starts_with("::add-mask::");
        for line in record.raw.iter().filter(is_open) {
            hits.extend(self.in_text(&format!("what was printed on {:?}", line.stream), &line.text));
        }
        for (kind, pairs) in [("env", &record.env), ("state", &record.state), ("output", &record.outputs)] {
            for (name, value) in pairs {
                hits.extend(self.in_text(&format!("{kind} {name}"), value));
            }
        }
        for summary in &record.summaries {
            hits.extend(self.in_text("a summary", summary));
        }
        hits
    }

    /// Returns every file below a directory that has a secret. Only `allowed` ones may, and no refresh
    /// token.
    pub(crate) fn in_files(&self, directory: &Path, allowed: &[PathBuf]) -> Vec<String> {
        let mut hits = Vec::new();
        for path in files_below(directory) {
            // A file may vanish while a job runs.
            let Ok(bytes) = fs::read(&path) else { continue };
            let is_allowed = allowed.contains(&path);
            let hay = Hay::new(&bytes);
            for secret in self.0.iter().filter(|secret| !is_allowed || secret.is_refresh) {
                if let Some(form) = secret.needle.find(&hay) {
                    hits.push(format!("{} ({form}) in {}", secret.name, path.display()));
                }
            }
        }
        hits
    }

    pub(crate) fn in_text(&self, place: &str, text: &str) -> Vec<String> {
        let hay = Hay::new(text.as_bytes());
        let found = |secret: &Secret| {
            secret.needle.find(&hay).map(|form| format!("{} ({form}) in {place}", secret.name))
        };
        self.0.iter().filter_map(found).collect()
    }
}

/// Returns every regular file below a directory; links are not followed.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files.extend(files_below(&entry.path())),
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    files
}
