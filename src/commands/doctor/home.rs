//! The client's home: where it is and why, who may write there, and whether `auth.json` can be replaced. What is in the
//! file is `login`'s.

use std::path::{Path, PathBuf};

use super::finding::{Finding, FindingId, Topic};
use crate::baton::MAX_JOURNAL_BYTES;
use crate::commands::Bench;
use crate::credential::MAX_LOGIN_BYTES;
use crate::disk::{
    DiskError, FileSystem, Read, Seen, file_system, lock_holder, look_at, read_capped, refuse_shared,
    why_not_writable,
};
use crate::home::{AuthFile, Home, HomeError, JournalName, Journals, Renewed, StateDirectory};
use crate::job::is_in_workspace;

const TOPIC: Topic = Topic::Home;
/// A login, a lock file and room for what is written beside them.
const ROOM_BYTES: u64 = 8 * MAX_LOGIN_BYTES as u64;
const ROOM_FILES: u64 = 8;

/// What there is to know of the home.
pub(super) struct HomeFacts {
    path: PathBuf,
    /// What names it.
    chosen_by: String,
    directory: Option<Seen>,
    is_in_workspace: bool,
    /// Why nothing can be written there.
    not_writable: Option<HomeError>,
    file_system: Option<FileSystem>,
    file: Option<Seen>,
    /// Whether `auth.json` is a link into the workspace.
    is_target_exposed: bool,
    obstacle: Option<HomeError>,
    /// What interrupted renewals have left beside it.
    left: Vec<PathBuf>,
}

/// What there is to know of this machine's journals.
pub(super) struct JournalFacts {
    state: Result<StateDirectory, HomeError>,
    /// Why the directory cannot be used.
    refused: Option<HomeError>,
    journals: Vec<JournalSeen>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct JournalSeen {
    path: PathBuf,
    is_of_this_slot: bool,
    is_held: bool,
    /// Whether no reply was written yet.
    is_blank: bool,
}

impl HomeFacts {
    /// Looks at the home.
    pub(super) fn look(bench: &Bench<'_>, home: &Home, file: &AuthFile) -> Self {
        let path = home.path();
        let variable = home.client().home_variable();
        let chosen_by = match (&bench.settings.home, bench.environment.has(variable)) {
            (Some(_), _) => "`--home` names it".to_owned(),
            (None, true) => format!("{variable} names it"),
            (None, false) => format!("{variable} is not set"),
        };
        // What is not there yet will be made in the first directory above it that is.
        let there = path.ancestors().find(|path| path.is_dir()).unwrap_or(path);
        let exposed = |path: &Path| is_in_workspace(bench.environment, path);
        let seen = look_at(file.path());
        Self {
            directory: look_at(path),
            is_in_workspace: exposed(path),
            not_writable: why_not_writable(there).map(|source| {
                HomeError::Disk(DiskError::Io { action: "write in", path: there.to_owned(), source })
            }),
            file_system: file_system(there),
            is_target_exposed: seen.as_ref().and_then(|it| it.link.as_deref()).is_some_and(exposed),
            file: seen,
            obstacle: file.refuse_obstacle().err(),
            left: Renewed::all(file).unwrap_or_default().into_iter().map(|(path, _)| path).collect(),
            path: path.to_owned(),
            chosen_by,
        }
    }

    /// Says what that means.
    pub(super) fn findings(self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut add = |id, text: String| findings.push(Finding::new(TOPIC, id, text));
        let home = self.path.display();
        let found = if self.directory.is_some() { FindingId::HomeFound } else { FindingId::HomeMissing };
        let missing = if self.directory.is_some() { "" } else { ", and is not there yet" };
        add(found, format!("the home is `{home}`{missing}; {}", self.chosen_by));
        if self.is_in_workspace {
            add(FindingId::HomeInWorkspace, format!("the home `{home}` is in the workspace"));
        }
        match &self.directory {
            Some(directory) if !directory.is_ours => {
                add(FindingId::HomeForeign, format!("the home `{home}` belongs to another user"));
            }
            Some(directory) if directory.mode & 0o022 != 0 => {
                let text = format!("others can write into the home `{home}` (mode {:o})", directory.mode);
                add(FindingId::HomeShared, text);
            }
            _ => {}
        }
        if let Some(system) = &self.file_system {
            let is_full =
                system.free_bytes < ROOM_BYTES || system.free_files.is_some_and(|files| files < ROOM_FILES);
            // Nothing that is never written fills up.
            if is_full && !system.is_read_only {
                let text = format!("there are {} bytes left for the home `{home}`", system.free_bytes);
                add(FindingId::DiskFull, text);
            }
            if let Some(network) = system.network {
                add(FindingId::NetworkFileSystem, format!("the home `{home}` is on {network}"));
            }
        }
        if let Some(file) = &self.file {
            if file.mode & 0o077 != 0 {
                let text = format!("others may read or write auth.json (mode {:o})", file.mode);
                add(FindingId::AuthJsonReadable, text);
            }
            if let Some(target) = &file.link {
                let where_to = if self.is_target_exposed { ", in the workspace" } else { "" };
                let text = format!("auth.json is a link to `{}`{where_to}", target.display());
                add(FindingId::AuthJsonLinked, text);
                if self.is_target_exposed {
                    add(
                        FindingId::HomeInWorkspace,
                        "the file that auth.json links to is in the workspace".to_owned(),
                    );
                }
            }
        }
        for path in &self.left {
            let text = format!("an interrupted renewal left `{}`", path.display());
            add(FindingId::RenewedLeft, text);
        }
        // What the other verbs would say.
        let refusals = self.not_writable.into_iter().chain(self.obstacle);
        findings.extend(refusals.map(|error| Finding::error(TOPIC, error)));
        findings
    }
}

impl JournalFacts {
    /// Looks for journals; those of our slot have this name.
    pub(super) fn look(bench: &Bench<'_>, name: Option<JournalName>) -> Self {
        let state = StateDirectory::find(bench.environment);
        let Ok(directory) = &state else { return Self { state, refused: None, journals: Vec::new() } };
        let refuse = |path: &Path| refuse_shared(path).err().map(HomeError::Disk);
        let there = [directory.path().to_owned(), directory.journals()];
        let refused =
            there.iter().filter(|path| path.symlink_metadata().is_ok()).find_map(|path| refuse(path));
        let ours = name.map(|name| Journals::new(directory.clone(), name));
        let journals = Journals::all(directory);
        let journals = journals.into_iter().map(|path| JournalSeen {
            is_of_this_slot: ours.as_ref().is_some_and(|ours| ours.has(&path)),
            is_held: lock_holder(&path).is_some(),
            is_blank: is_blank(&path),
            path,
        });
        Self { journals: journals.collect(), refused, state }
    }

    /// Says what that means. Without a store none is needed.
    pub(super) fn findings(self, has_store: bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        match self.state {
            Ok(directory) if has_store => {
                let text = format!("journals are kept in `{}`", directory.path().display());
                findings.push(Finding::new(TOPIC, FindingId::StateDirectory, text));
            }
            Err(error) if has_store => findings.push(Finding::error(TOPIC, error)),
            _ => {}
        }
        findings.extend(self.refused.map(|error| Finding::error(TOPIC, error)));
        for JournalSeen { path, is_of_this_slot, is_held, is_blank } in self.journals {
            let whose = if is_of_this_slot { "this slot" } else { "another slot, or another store" };
            let (id, text) = if is_held {
                (FindingId::JournalHeld, format!("a process renews the login of {whose} now"))
            } else if is_blank {
                let path = path.display();
                (FindingId::JournalBlank, format!("`{path}` is left behind without a reply, of {whose}"))
            } else {
                let path = path.display();
                (FindingId::JournalLeft, format!("`{path}` is left behind, of {whose}"))
            };
            findings.push(Finding::new(TOPIC, id, text));
        }
        findings
    }
}

/// What cannot be read may have everything in it.
fn is_blank(path: &Path) -> bool {
    match read_capped(path, MAX_JOURNAL_BYTES) {
        Ok(Read::Content(content)) => content.iter().all(|byte| *byte == 0),
        Ok(Read::Missing) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::ids;
    use super::*;

    fn home() -> HomeFacts {
        let seen = |mode| Some(Seen { link: None, mode, is_ours: true, modified: None });
        HomeFacts {
            path: "/h".into(),
            chosen_by: "`--home` names it".to_owned(),
            directory: seen(0o700),
            is_in_workspace: false,
            not_writable: None,
            file_system: Some(FileSystem { free_bytes: 1 << 30, ..FileSystem::default() }),
            file: seen(0o600),
            is_target_exposed: false,
            obstacle: None,
            left: Vec::new(),
        }
    }

    fn with(change: impl FnOnce(&mut HomeFacts)) -> Vec<String> {
        let mut facts = home();
        change(&mut facts);
        ids(facts.findings())
    }

    #[test]
    fn a_home_as_it_should_be() {
        assert_eq!(with(|_| {}), ["ok home"]);
        assert_eq!(home().findings()[0].text, "the home is `/h`; `--home` names it");
        let missing = |home: &mut HomeFacts| (home.directory, home.file) = (None, None);
        assert_eq!(with(missing), ["info home-missing"]);
        assert_eq!(with(|home| home.file_system = None), ["ok home"]);
        assert_eq!(with(|home| home.directory.as_mut().unwrap().mode = 0o755), ["ok home"]);
    }

    #[test]
    fn who_else_may_write_or_read_is_told() {
        let directory = |mode: u32, is_ours: bool| {
            with(|home| home.directory = Some(Seen { mode, is_ours, link: None, modified: None }))
        };
        assert_eq!(directory(0o770, true), ["ok home", "warning home-shared"]);
        assert_eq!(directory(0o703, true), ["ok home", "warning home-shared"]);
        assert_eq!(directory(0o700, false), ["ok home", "warning home-foreign"]);
        let exposed = with(|home| home.is_in_workspace = true);
        assert_eq!(exposed, ["ok home", "warning home-in-workspace"]);
        for mode in [0o640, 0o604, 0o660] {
            let found = with(|home| home.file.as_mut().unwrap().mode = mode);
            assert_eq!(found, ["ok home", "warning auth-json-readable"], "{mode:o}");
        }
    }

    #[test]
    fn a_link_is_told_and_one_into_the_workspace_is_warned_of() {
        let link = |is_exposed| {
            with(|home| {
                home.file.as_mut().unwrap().link = Some("/w/auth.json".into());
                home.is_target_exposed = is_exposed;
            })
        };
        assert_eq!(link(false), ["ok home", "info auth-json-linked"]);
        assert_eq!(link(true), ["ok home", "info auth-json-linked", "warning home-in-workspace"]);
    }

    #[test]
    fn what_keeps_a_login_from_being_written_is_an_error() {
        let system = |system: FileSystem| with(|home| home.file_system = Some(system));
        let roomy = FileSystem { free_bytes: 1 << 30, ..FileSystem::default() };
        let full = FileSystem { free_bytes: ROOM_BYTES - 1, ..FileSystem::default() };
        assert_eq!(system(full.clone()), ["ok home", "error disk-full"]);
        assert_eq!(system(FileSystem { is_read_only: true, ..full }), ["ok home"]);
        assert_eq!(
            system(FileSystem { free_files: Some(0), ..roomy.clone() }),
            ["ok home", "error disk-full"]
        );
        let network = FileSystem { network: Some("NFS"), ..roomy };
        assert_eq!(system(network), ["ok home", "info network-file-system"]);
        let obstacle = with(|home| {
            home.obstacle = Some(HomeError::Mounted("/h".into()));
        });
        assert_eq!(obstacle, ["ok home", "error !Relay(Home(Mounted("]);
        let read_only = with(|home| {
            let source = std::io::ErrorKind::ReadOnlyFilesystem.into();
            let path = "/h".into();
            home.not_writable = Some(HomeError::Disk(DiskError::Io { action: "write in", path, source }));
        });
        assert_eq!(read_only, ["ok home", "error !Relay(Home(Disk(Io"]);
        let left = with(|home| home.left = vec!["/h/authbaton-renewed-x.json".into()]);
        assert_eq!(left, ["ok home", "warning renewed-left"]);
    }

    #[test]
    fn journals_without_an_owner_are_warned_of() {
        let facts = |journals: &[(bool, bool, bool)], found: bool| JournalFacts {
            state: if found {
                let state = [("XDG_STATE_HOME".to_owned(), "/s".to_owned())].into();
                StateDirectory::find(&crate::job::Environment::Fixed(state))
            } else {
                Err(HomeError::NoStateDirectory)
            },
            refused: None,
            journals: journals
                .iter()
                .map(|(is_of_this_slot, is_held, is_blank)| JournalSeen {
                    path: "/j".into(),
                    is_of_this_slot: *is_of_this_slot,
                    is_held: *is_held,
                    is_blank: *is_blank,
                })
                .collect(),
        };
        assert_eq!(ids(facts(&[], true).findings(true)), ["ok state-directory"]);
        assert_eq!(ids(facts(&[], false).findings(true)), ["error !Relay(Home(NoStateDirectory))"]);
        assert!(facts(&[], true).findings(false).is_empty() && facts(&[], false).findings(false).is_empty());
        let all = [(true, false, false), (true, true, true), (false, false, false), (true, false, true)];
        let found = facts(&all, true).findings(false);
        assert!(found[0].text.ends_with("of this slot") && found[2].text.ends_with("or another store"));
        assert_eq!(
            ids(found),
            ["warning journal-left", "info journal-held", "warning journal-left", "info journal-blank"]
        );
    }
}
