//! The directory of this job for what vanishes with it.

use std::path::{Path, PathBuf};

use super::{Environment, Platform};

const LAST_RESORT: &str = "/tmp";

/// Returns whether a path is in the workspace.
#[must_use]
pub fn is_in_workspace(environment: &Environment, path: &Path) -> bool {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    workspaces(environment).any(|workspace| is_below(&path, &workspace))
}

/// Returns the temporary directory of the job: that of its platform (`RUNNER_TEMP`), else `TMPDIR`, else `/tmp`; one in the
/// workspace is passed over.
#[must_use]
pub fn temporary_directory(environment: &Environment) -> Option<PathBuf> {
    let workspaces: Vec<PathBuf> = workspaces(environment).collect();
    // Those of the platforms come before `TMPDIR`, which a plain shell has: `Platform::ALL` ends with it.
    let named = Platform::ALL.into_iter().flat_map(|platform| platform.facts().temporary);
    let named = named.filter_map(|name| environment.path(name));
    named.chain([PathBuf::from(LAST_RESORT)]).find_map(|path| {
        let real = path.canonicalize().ok().filter(|real| path.is_absolute() && real.is_dir())?;
        let exposed = workspaces.iter().any(|workspace| is_below(&real, workspace));
        (!exposed).then_some(real)
    })
}

/// Where CI platforms check the sources out, whichever of them runs us.
fn workspaces(environment: &Environment) -> impl Iterator<Item = PathBuf> {
    let named = Platform::ALL.into_iter().flat_map(|platform| platform.facts().workspace);
    named.filter_map(|name| {
        let path = environment.path(name)?;
        match path.strip_prefix("~") {
            Ok(below) => environment.path("HOME")?.join(below).canonicalize().ok(),
            Err(_) => path.canonicalize().ok(),
        }
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
        for name in ["runner", "agent", "tmp", "work/tmp", "work@tmp"] {
            std::fs::DirBuilder::new().recursive(true).create(root.join(name)).unwrap();
        }
        let table: [(&[(&str, &str)], String); 12] = [
            (&[("RUNNER_TEMP", "runner"), ("TMPDIR", "tmp")], path("runner")),
            (&[("TMPDIR", "tmp")], path("tmp")),
            (&[("RUNNER_TEMP", "missing"), ("TMPDIR", "tmp")], path("tmp")),
            (&[("RUNNER_TEMP", "work/tmp"), ("TMPDIR", "tmp"), ("GITHUB_WORKSPACE", "work")], path("tmp")),
            (&[("RUNNER_TEMP", "work/tmp"), ("GITHUB_WORKSPACE", "wo")], path("work/tmp")),
            (&[("TMPDIR", "work/tmp"), ("CI_PROJECT_DIR", "work")], LAST_RESORT.to_owned()),
            (&[("AGENT_TEMPDIRECTORY", "agent"), ("TMPDIR", "tmp")], path("agent")),
            // Beside the workspace, whose name its own begins with.
            (&[("WORKSPACE_TMP", "work@tmp"), ("TMPDIR", "tmp"), ("WORKSPACE", "work")], path("work@tmp")),
            (&[("WORKSPACE_TMP", "missing@tmp"), ("TMPDIR", "tmp"), ("WORKSPACE", "work")], path("tmp")),
            (&[("TMPDIR", "work/tmp"), ("PIPELINE_WORKSPACE", "work")], LAST_RESORT.to_owned()),
            (&[("TMPDIR", "work/tmp"), ("BUILDKITE_BUILD_CHECKOUT_PATH", "work")], LAST_RESORT.to_owned()),
            (&[], LAST_RESORT.to_owned()),
        ];
        for (variables, expected) in table {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), path(value)));
            let found = temporary_directory(&Environment::Fixed(variables.collect()));
            assert_eq!(found, PathBuf::from(expected).canonicalize().ok());
        }
    }

    #[test]
    fn a_workspace_may_begin_with_the_users_home() {
        let root = tempfile::tempdir().unwrap();
        let project = root.path().join("project");
        std::fs::DirBuilder::new().create(&project).unwrap();
        let home = root.path().to_str().unwrap().to_owned();
        let variables = [("HOME", home), ("CIRCLE_WORKING_DIRECTORY", "~/project".to_owned())];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        let environment = Environment::Fixed(variables.into());
        assert!(is_in_workspace(&environment, &project));
        assert!(!is_in_workspace(&environment, root.path()));
    }
}
