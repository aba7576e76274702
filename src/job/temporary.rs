//! The directory of this job for what vanishes with it.

use std::path::{Path, PathBuf};

use super::Environment;

/// Where CI platforms check the sources out. What lies there goes into caches, artifacts and commits.
const WORKSPACES: [&str; 3] = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR", "WORKSPACE"];
const LAST_RESORT: &str = "/tmp";

/// Returns whether a path is in the workspace.
#[must_use]
pub fn is_in_workspace(environment: &Environment, path: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    let workspaces = WORKSPACES.into_iter().filter_map(|name| real(&environment.path(name)?));
    let path = real(path).unwrap_or_else(|| path.to_owned());
    workspaces.into_iter().any(|workspace| is_below(&path, &workspace))
}

/// Returns the temporary directory of the job: `RUNNER_TEMP`, else `TMPDIR`, else `/tmp`; one in the workspace is passed
/// over.
#[must_use]
pub fn temporary_directory(environment: &Environment) -> Option<PathBuf> {
    let real = |name: &str| environment.path(name).and_then(|path| path.canonicalize().ok());
    let workspaces: Vec<PathBuf> = WORKSPACES.into_iter().filter_map(real).collect();
    let named = ["RUNNER_TEMP", "TMPDIR"].into_iter().filter_map(|name| environment.path(name));
    named.chain([PathBuf::from(LAST_RESORT)]).find_map(|path| {
        let real = path.canonicalize().ok().filter(|real| path.is_absolute() && real.is_dir())?;
        let exposed = workspaces.iter().any(|workspace| is_below(&real, workspace));
        (!exposed).then_some(real)
    })
}

/// The root of everything is no workspace, whatever a container says.
fn is_below(path: &Path, workspace: &Path) -> bool {
    workspace.parent().is_some() && path.starts_with(workspace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_there_and_not_in_the_workspace() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
        for name in ["runner", "tmp", "work/tmp"] {
            std::fs::DirBuilder::new().recursive(true).create(root.join(name)).unwrap();
        }
        let table: [(&[(&str, &str)], String); 7] = [
            (&[("RUNNER_TEMP", "runner"), ("TMPDIR", "tmp")], path("runner")),
            (&[("TMPDIR", "tmp")], path("tmp")),
            (&[("RUNNER_TEMP", "missing"), ("TMPDIR", "tmp")], path("tmp")),
            (&[("RUNNER_TEMP", "work/tmp"), ("TMPDIR", "tmp"), ("GITHUB_WORKSPACE", "work")], path("tmp")),
            (&[("RUNNER_TEMP", "work/tmp"), ("GITHUB_WORKSPACE", "wo")], path("work/tmp")),
            (&[("TMPDIR", "work/tmp"), ("CI_PROJECT_DIR", "work")], LAST_RESORT.to_owned()),
            (&[], LAST_RESORT.to_owned()),
        ];
        for (variables, expected) in table {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), path(value)));
            let found = temporary_directory(&Environment::Fixed(variables.collect()));
            assert_eq!(found, PathBuf::from(expected).canonicalize().ok());
        }
    }
}
