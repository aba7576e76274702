//! The home that `run` makes for one command: fresh, 0700, below the temporary directory of the job, with copies of the
//! caller's settings, and deleted afterwards.
//!
//! `DIRECTORY/home` is the home. `DIRECTORY/authbaton.owner` is locked as long as its owner lives; what a killed run left
//! is deleted by the next one. Unlike other lock files this one is deleted, last of all: see `remove_locked_tree`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Home, HomeError};
use crate::credential::Client;
use crate::disk::{
    Budget, DiskError, FileLock, Whose, copy_tree, is_own_directory, new_directory, remove_locked_tree,
};
use crate::job::random;

const PREFIX: &str = "authbaton-run-";
const OWNER: &str = "authbaton.owner";
const HOME: &str = "home";
const LOGIN: &str = "auth.json";
/// How often another run may take our new directory for a stale one.
const TRIES: usize = 16;

/// What the client reads at its start. Not the login, and not what it writes itself: sessions, logs, histories.
const SETTINGS: [&str; 6] = ["config.toml", "AGENTS.md", "AGENTS.override.md", "prompts", "rules", "skills"];
const MAX_FILES: usize = 2000;
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// A home for one run. It vanishes with this value.
pub struct RunHome {
    directory: PathBuf,
    home: Home,
    /// `None` once it is removed.
    owner: Option<FileLock>,
}

impl RunHome {
    /// Makes a home below a temporary directory.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn create(temporary: &Path, client: Client) -> Result<Self, HomeError> {
        for _ in 0..TRIES {
            let directory = temporary.join(format!("{PREFIX}{}", random_name()?));
            new_directory(&directory)?;
            match FileLock::try_acquire(&directory.join(OWNER), Whose::Ours) {
                Ok(Some(owner)) => {
                    new_directory(&directory.join(HOME))?;
                    let home = Home::at(directory.join(HOME), client);
                    return Ok(Self { directory, home, owner: Some(owner) });
                }
                // Between the directory and its lock another run looked: it deletes what has no owner.
                Ok(None) => {}
                Err(DiskError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(HomeError::NoRunHome(temporary.to_owned()))
    }

    /// Returns the home.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Copies the settings of the caller's own home, and those of a profile. Symbolic links are followed, but never to his
    /// login; devices, pipes and sockets are left out.
    ///
    /// # Errors
    /// When there are more than 2000 files or 64 MiB, or something cannot be read.
    pub fn copy_settings(&self, from: &Home, profile: Option<&str>) -> Result<(), HomeError> {
        self.copy_within(from, profile, Budget::new(MAX_FILES, MAX_BYTES))
    }

    fn copy_within(&self, from: &Home, profile: Option<&str>, mut budget: Budget) -> Result<(), HomeError> {
        budget.never(&from.path().join(LOGIN));
        // A name with a separator is no name of a file in the home.
        let plain = |name: &&str| !name.is_empty() && !name.contains(['/', '\\']);
        let profile = profile.filter(plain).map(|name| format!("{name}.config.toml"));
        for name in SETTINGS.into_iter().chain(profile.as_deref()) {
            copy_tree(&from.path().join(name), &self.home.path().join(name), &mut budget)?;
        }
        Ok(())
    }

    /// Deletes it, whatever the command left in it.
    ///
    /// # Errors
    /// When something cannot be deleted; the next run tries again.
    pub fn remove(mut self) -> Result<(), HomeError> {
        self.remove_once()
    }

    fn remove_once(&mut self) -> Result<(), HomeError> {
        let Some(owner) = self.owner.take() else { return Ok(()) };
        Ok(remove_locked_tree(&self.directory, &owner)?)
    }

    /// Deletes what killed runs of this user left below a temporary directory, as far as that can be done; returns how
    /// many homes are gone.
    #[must_use]
    pub fn remove_stale(temporary: &Path) -> usize {
        let entries = fs::read_dir(temporary).into_iter().flatten().flatten();
        let ours =
            entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()));
        ours.filter(|entry| is_own_directory(&entry.path()) && remove_if_stale(&entry.path())).count()
    }
}

impl Drop for RunHome {
    fn drop(&mut self) {
        let _ = self.remove_once();
    }
}

fn remove_if_stale(directory: &Path) -> bool {
    match FileLock::try_acquire(&directory.join(OWNER), Whose::Ours) {
        Ok(Some(owner)) => remove_locked_tree(directory, &owner).is_ok(),
        Ok(None) | Err(_) => false,
    }
}

pub(super) fn random_name() -> Result<String, HomeError> {
    let bytes: [u8; 12] = random().map_err(DiskError::from)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "tests arrange files by themselves")]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use tempfile::TempDir;

    /// A temporary directory, and a home of the caller with these files.
    fn scene(files: &[(&str, &str)]) -> (TempDir, Home, PathBuf) {
        let root = TempDir::new().unwrap();
        let own = Home::at(root.path().join("own"), Client::Codex);
        let temporary = root.path().join("tmp");
        fs::create_dir_all(own.path()).unwrap();
        fs::create_dir_all(&temporary).unwrap();
        for (name, content) in files {
            write(&own, name, content);
        }
        (root, own, temporary)
    }

    fn write(home: &Home, name: &str, content: &str) {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Every file below a directory: its name, mode and content.
    fn listing(directory: &Path) -> Vec<(String, u32, String)> {
        let mut all = Vec::new();
        let mut open = vec![directory.to_owned()];
        while let Some(path) = open.pop() {
            for entry in fs::read_dir(&path).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
                let metadata = path.symlink_metadata().unwrap();
                if metadata.is_dir() {
                    assert_eq!(metadata.mode() & 0o777, 0o700, "{name}");
                    open.push(path);
                } else {
                    all.push((name, metadata.mode() & 0o777, fs::read_to_string(path).unwrap()));
                }
            }
        }
        all.sort();
        all
    }

    fn names(directory: &Path) -> Vec<String> {
        listing(directory).into_iter().map(|(name, ..)| name).collect()
    }

    fn copied(own: &Home, temporary: &Path, profile: Option<&str>) -> RunHome {
        let run = RunHome::create(temporary, Client::Codex).unwrap();
        run.copy_settings(own, profile).unwrap();
        run
    }

    #[test]
    fn settings_are_copied_and_nothing_else() {
        let (_root, own, temporary) = scene(&[
            ("config.toml", "c"),
            ("work.config.toml", "w"),
            ("other.config.toml", "o"),
            ("AGENTS.md", "a"),
            ("prompts/deep/er.md", "p"),
            ("rules/r", "r"),
            ("skills/s/run.sh", "s"),
            ("skills/s/.git/objects/x", "x"),
            ("auth.json", "SECRET"),
            ("auth.json.lock", ""),
            ("authbaton.json", "{}"),
            ("history.jsonl", "h"),
            ("sessions/1", "1"),
            ("log/l", "l"),
        ]);
        fs::set_permissions(own.path().join("skills/s/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        let run = copied(&own, &temporary, Some("work"));
        let file = |name: &str, mode, content: &str| (name.to_owned(), mode, content.to_owned());
        let expected = [
            file("AGENTS.md", 0o600, "a"),
            file("config.toml", 0o600, "c"),
            file("prompts/deep/er.md", 0o600, "p"),
            file("rules/r", 0o600, "r"),
            file("skills/s/run.sh", 0o700, "s"),
            file("work.config.toml", 0o600, "w"),
        ];
        assert_eq!(listing(run.home().path()), expected);
        assert_eq!(run.directory.metadata().unwrap().mode() & 0o777, 0o700);
        for profile in ["", "../own/work", "missing"] {
            let run = copied(&own, &temporary, Some(profile));
            assert!(!names(run.home().path()).iter().any(|name| name.ends_with(".config.toml")), "{profile}");
        }
    }

    #[test]
    fn links_are_followed_but_not_to_the_login_and_not_in_circles() {
        let (root, own, temporary) = scene(&[("auth.json", "SECRET"), ("skills/s/x", "x")]);
        let at = |name: &str| own.path().join(name);
        fs::write(root.path().join("dotfile"), "linked").unwrap();
        symlink(root.path().join("dotfile"), at("config.toml")).unwrap();
        symlink("../auth.json", at("skills/link")).unwrap();
        fs::hard_link(at("auth.json"), at("skills/hard")).unwrap();
        symlink("..", at("skills/s/up")).unwrap();
        symlink("nowhere", at("skills/dangling")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("skills/fifo"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        let run = copied(&own, &temporary, None);
        assert_eq!(names(run.home().path()), ["config.toml", "skills/s/x"]);
        assert!(run.home().path().join("config.toml").symlink_metadata().unwrap().is_file());
    }

    #[test]
    fn a_home_that_is_too_large_is_refused() {
        // Two files and a directory, of five bytes in all.
        let (_root, own, temporary) = scene(&[("config.toml", "123"), ("skills/x", "45")]);
        let copied = |files, bytes| {
            let run = RunHome::create(&temporary, Client::Codex).unwrap();
            run.copy_within(&own, None, Budget::new(files, bytes))
        };
        assert!(copied(3, 5).is_ok());
        let refused = copied(3, 4);
        assert!(matches!(refused, Err(HomeError::Disk(DiskError::TooLarge { max: 4, .. }))));
        let refused = copied(2, 5);
        assert!(matches!(refused, Err(HomeError::Disk(DiskError::TooManyFiles { max: 2, .. }))));
        assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "something was left behind");
    }

    #[test]
    fn it_goes_whatever_is_in_it_and_takes_nothing_else() {
        let (root, own, temporary) = scene(&[("config.toml", "c")]);
        let run = copied(&own, &temporary, None);
        write(run.home(), "module/cache/file", "m");
        symlink(root.path(), run.home().path().join("outside")).unwrap();
        let closed = |name: &str| {
            fs::set_permissions(run.home().path().join(name), fs::Permissions::from_mode(0o000)).unwrap();
        };
        closed("module/cache");
        closed("module");
        run.remove().unwrap();
        assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
        assert_eq!(names(own.path()), ["config.toml"]);
    }

    #[test]
    fn only_homes_without_an_owner_are_stale() {
        let (root, own, temporary) = scene(&[("config.toml", "c")]);
        let living = copied(&own, &temporary, None);
        let stale = |name: &str| temporary.join(format!("{PREFIX}{name}"));
        fs::create_dir_all(stale("killed/home/sessions")).unwrap();
        fs::write(stale("killed").join(OWNER), "").unwrap();
        fs::create_dir(stale("half-made")).unwrap();
        symlink(root.path(), stale("link")).unwrap();
        fs::write(stale("file"), "").unwrap();
        fs::create_dir(temporary.join("somebody-elses")).unwrap();
        assert_eq!(RunHome::remove_stale(&temporary), 2);
        let mut left: Vec<_> = fs::read_dir(&temporary).unwrap().map(|entry| entry.unwrap().path()).collect();
        left.sort();
        let mut expected =
            vec![living.directory.clone(), stale("file"), stale("link"), temporary.join("somebody-elses")];
        expected.sort();
        assert_eq!(left, expected);
        assert_eq!(names(living.home().path()), ["config.toml"]);
        assert_eq!(names(own.path()), ["config.toml"]);
        assert_eq!(RunHome::remove_stale(&temporary.join("missing")), 0);
    }

    #[test]
    fn many_can_be_made_while_others_clean_up() {
        let (_root, _own, temporary) = scene(&[]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let run = RunHome::create(&temporary, Client::Codex).unwrap();
                        let _ = RunHome::remove_stale(&temporary);
                        assert!(run.home().exists(), "a living home was deleted");
                    }
                });
            }
        });
    }
}
