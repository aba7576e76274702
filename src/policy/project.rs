//! The project that a client would be started in: which `.codex/config.toml` files count, and whether they are trusted.
//! Rules as observed with Codex 0.169.0.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::disk::{Read, read_capped};

/// What marks the root of a project, unless `project_root_markers` says otherwise.
const DEFAULT_MARKERS: &[&str] = &[GIT];
const GIT: &str = ".git";
/// A path, and a word before it.
const MAX_LINK_BYTES: usize = 16 * 1024;
/// The key of the configuration that names other markers.
pub(super) const MARKERS: &str = "project_root_markers";
/// The key of the configuration that says which projects are trusted.
pub(super) const TRUST: &str = "projects";
/// Keys that concern us and that a project may not set.
pub(super) const NOT_FOR_PROJECTS: &[&str] = &["profile", "profiles"];

/// The configuration of one directory of a project.
pub(super) struct ProjectFile {
    pub(super) path: PathBuf,
    /// Whether it counts. One that does not is read all the same, because the client does.
    pub(super) is_trusted: bool,
}

/// The configuration files from the project's root down to `directory`: the last beats the others. `settings` are the
/// other layers, merged; `home` is the client's own directory, which is no project's.
pub(super) fn files(directory: &Path, home: &Path, settings: &Table) -> Vec<ProjectFile> {
    let root = root_of(directory, &markers(settings));
    let below_root = directory.ancestors().take_while(|it| it.starts_with(&root)).collect::<Vec<_>>();
    let mut files = Vec::new();
    for place in below_root.into_iter().rev() {
        let own = place.join(".codex");
        if own.is_dir() && !is_same(&own, home) {
            let is_trusted = is_trusted(place, &root, settings);
            files.push(ProjectFile { path: own.join("config.toml"), is_trusted });
        }
    }
    files
}

fn markers(settings: &Table) -> Vec<String> {
    let named = settings.get(MARKERS).and_then(Value::as_array);
    match named {
        Some(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => DEFAULT_MARKERS.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// The nearest directory with a marker, else the directory itself.
fn root_of(directory: &Path, markers: &[String]) -> PathBuf {
    let has = |it: &Path, marker: &String| {
        if marker == GIT { is_git(&it.join(GIT)) } else { !marker.is_empty() && it.join(marker).exists() }
    };
    let has_marker = |it: &&Path| markers.iter().any(|marker| has(it, marker));
    directory.ancestors().find(has_marker).unwrap_or(directory).to_owned()
}

/// Any file is one, and a directory that has a `HEAD`.
fn is_git(path: &Path) -> bool {
    if path.is_dir() { path.join("HEAD").exists() } else { path.exists() }
}

/// The first of the directory, the project's root and the repository's main checkout that is named decides.
fn is_trusted(directory: &Path, root: &Path, settings: &Table) -> bool {
    let places = [Some(directory.to_owned()), Some(root.to_owned()), main_checkout(directory)];
    let levels = places.into_iter().flatten().find_map(|place| trust_level(&place, settings));
    levels.as_deref() == Some("trusted")
}

/// By the real path first, and then by the path as it was written.
fn trust_level(place: &Path, settings: &Table) -> Option<String> {
    let projects = settings.get(TRUST)?.as_table()?;
    let real = place.canonicalize().ok();
    let names = real.as_deref().into_iter().chain([place]);
    names
        .filter_map(|name| projects.get(name.to_str()?)?.get("trust_level")?.as_str())
        .next()
        .map(str::to_owned)
}

/// Where the repository has its main checkout. A linked worktree's `.git` is a file that names `MAIN/.git/worktrees/NAME`,
/// which has to point back (gitrepository-layout(5)): otherwise a checkout could borrow the trust of any repository.
fn main_checkout(directory: &Path) -> Option<PathBuf> {
    let dot_git = directory.ancestors().map(|it| it.join(GIT)).find(|it| is_git(it))?;
    if dot_git.is_dir() {
        return dot_git.parent().map(Path::to_owned);
    }
    let named = line(&dot_git)?.strip_prefix("gitdir:")?.trim().to_owned();
    let named = dot_git.parent()?.join(named);
    let worktrees = named.parent().filter(|it| it.ends_with("worktrees"))?;
    let back = named.join(line(&named.join("gitdir"))?);
    if !named.join("commondir").exists() || !is_same(&back, &dot_git) {
        return None;
    }
    worktrees.parent()?.parent().map(Path::to_owned)
}

/// The text of a small file of git's.
fn line(path: &Path) -> Option<String> {
    let Read::Content(bytes) = read_capped(path, MAX_LINK_BYTES).ok()? else { return None };
    Some(std::str::from_utf8(&bytes).ok()?.trim().to_owned())
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{private_directory, replace};

    struct World(tempfile::TempDir);

    impl World {
        fn new(directories: &[&str]) -> Self {
            let world = Self(tempfile::tempdir().unwrap());
            for directory in directories {
                world.make(directory);
            }
            world
        }

        fn make(&self, directory: &str) {
            private_directory(&self.path(directory)).unwrap();
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().canonicalize().unwrap().join(name)
        }

        fn files(&self, directory: &str, trust: &[(&str, &str)]) -> Vec<String> {
            let trust = trust.iter().map(|(name, level)| {
                let project = Table::from_iter([("trust_level".to_owned(), (*level).into())]);
                (self.path(name).to_str().unwrap().to_owned(), Value::Table(project))
            });
            let settings = Table::from_iter([(TRUST.to_owned(), Value::Table(trust.collect()))]);
            let base = self.path("");
            let files = files(&self.path(directory), &self.path("home/.codex"), &settings);
            let trusted =
                files.iter().filter(|it| it.is_trusted).map(|it| it.path.strip_prefix(&base).unwrap());
            trusted.map(|it| it.to_str().unwrap().to_owned()).collect()
        }
    }

    #[test]
    fn from_the_root_down_the_trusted_ones_count() {
        let world = World::new(&["p/.git/HEAD", "p/.codex", "p/a/.git", "p/a/.codex", "p/a/b"]);
        let both = ["p/.codex/config.toml", "p/a/.codex/config.toml"];
        assert_eq!(world.files("p/a/b", &[("p", "trusted")]), both);
        assert_eq!(world.files("p/a/b", &[("p", "trusted"), ("p/a", "untrusted")]), both[..1]);
        assert_eq!(world.files("p/a/b", &[("p/a", "trusted")]), both[1..]);
        assert!(world.files("p/a/b", &[]).is_empty(), "nobody said that it is trusted");
        assert!(world.files("p/a/b", &[("p", "Trusted")]).is_empty());
    }

    #[test]
    fn without_a_repository_only_the_directory_counts() {
        let world = World::new(&["p/.codex", "p/a/.codex"]);
        assert_eq!(world.files("p/a", &[("p", "trusted"), ("p/a", "trusted")]), ["p/a/.codex/config.toml"]);
        assert!(world.files("p/a", &[("p", "trusted")]).is_empty());
    }

    #[test]
    fn the_clients_own_home_is_no_project() {
        let world = World::new(&["home/.codex"]);
        assert!(world.files("home", &[("home", "trusted")]).is_empty());
    }

    #[test]
    fn a_worktree_is_trusted_as_its_repository_is() {
        let world = World::new(&["main/.git/worktrees/w", "tree/.codex"]);
        let write = |name: &str, text: &str| replace(&world.path(name), text.as_bytes()).unwrap();
        let trusted = || world.files("tree", &[("main", "trusted")]);
        write("tree/.git", &format!("gitdir: {}\n", world.path("main/.git/worktrees/w").display()));
        assert!(trusted().is_empty(), "nothing points back");
        write("main/.git/worktrees/w/commondir", "../..\n");
        write("main/.git/worktrees/w/gitdir", &format!("{}\n", world.path("other/.git").display()));
        assert!(trusted().is_empty(), "it is the worktree of another");
        write("main/.git/worktrees/w/gitdir", &format!("{}\n", world.path("tree/.git").display()));
        assert_eq!(trusted(), ["tree/.codex/config.toml"]);
        assert!(world.files("tree", &[("main", "trusted"), ("tree", "untrusted")]).is_empty());
    }
}
