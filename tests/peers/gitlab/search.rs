//! Looks for every secret of a project wherever a pipeline has left a trace, and in what Codex was given.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::support::scanner::{Hay, Needle};
use crate::job::files_below;

/// What every command of a job has on GitLab, or because the example asks for it.
const GIVEN_BY_GITLAB: [&str; 2] = ["CI_JOB_TOKEN", "AWS_ID_TOKEN"];

/// Secrets with names, in all their forms.
pub(crate) struct Secrets(Vec<(String, Needle)>);

impl Secrets {
    pub(crate) fn new(secrets: impl Iterator<Item = (String, String)>) -> Self {
        Self(secrets.map(|(name, value)| (name, Needle::new(&value))).collect())
    }

    /// Returns the names of those that are in a text.
    fn within(&self, text: &[u8]) -> Vec<String> {
        let hay = Hay::new(text);
        let hits = self.0.iter().filter_map(|(name, needle)| Some((name, needle.find(&hay)?)));
        hits.map(|(name, form)| format!("{name} ({form})")).collect()
    }

    /// Returns where one is that should be nowhere: in what was printed, or in a file that a job can have written. Sealed
    /// logins are among these.
    pub(crate) fn find(&self, log: &str, root: &Path, except: &[PathBuf]) -> Vec<String> {
        let mut found: Vec<_> =
            self.within(log.as_bytes()).iter().map(|it| format!("{it} in the log")).collect();
        let is_searched = |path: &PathBuf| !except.iter().any(|other| path.starts_with(other));
        for path in files_below(root).into_iter().filter(is_searched) {
            // Some files of Codex come and go.
            let Ok(content) = fs::read(&path) else { continue };
            found.extend(self.within(&content).iter().map(|it| format!("{it} in {}", path.display())));
        }
        found
    }

    /// Demands that Codex was given no variable of ours, and no secret besides the tokens that GitLab gives each command.
    #[track_caller]
    pub(crate) fn were_not_given(&self, variables: &str) {
        assert!(variables.contains("CODEX_HOME="), "{variables}");
        let ours = |line: &&str| line.starts_with("AUTHBATON_") || line.starts_with("CODEX_AUTH_");
        let names = variables.lines().filter(ours).filter_map(|line| line.split('=').next());
        let names: Vec<_> = names.collect();
        assert!(names.is_empty(), "Codex was given {names:?}");
        let mut found = self.within(variables.as_bytes());
        found.retain(|it| !GIVEN_BY_GITLAB.iter().any(|name| it.starts_with(name)));
        assert!(found.is_empty(), "Codex was given {found:?}");
    }
}
