//! Which files each client reads its configuration from, by operating system. Observed with Codex 0.169.0 on Linux; for
//! macOS, Windows and LLMX as their sources have it.

use std::path::{Component, Path, PathBuf};

use crate::credential::Client;
use crate::job::Environment;

/// An operating system, as far as it decides about paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Unix,
    Macos,
    Windows,
}

/// The files outside of the home, and those in it whose place differs from system to system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// The system's `config.toml`. LLMX has none.
    pub(super) config: Option<PathBuf>,
    /// `requirements.toml`. LLMX has none.
    pub(super) requirements: Option<PathBuf>,
    /// `managed_config.toml`.
    pub(super) managed: PathBuf,
    /// The property lists with managed preferences, the one that counts first (macOS).
    pub(super) preferences: Vec<PathBuf>,
}

/// What the places depend on.
#[derive(Clone, Copy)]
pub(super) struct Machine<'a> {
    pub(super) system: System,
    /// `--config-root`: stands in front of the system's paths.
    pub(super) root: Option<&'a Path>,
    pub(super) environment: &'a Environment,
}

impl System {
    pub(super) fn here() -> Self {
        if cfg!(target_os = "macos") {
            Self::Macos
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Unix
        }
    }
}

impl Places {
    pub(super) fn of(client: Client, home: &Path, machine: Machine<'_>) -> Self {
        let administrator = match machine.system {
            System::Unix | System::Macos => machine.below_root(&Path::new("/etc").join(client.name())),
            System::Windows => {
                let data = machine.environment.path("ProgramData");
                let data = data.unwrap_or_else(|| PathBuf::from(r"C:\ProgramData"));
                machine.below_root(&data).join("OpenAI").join("Codex")
            }
        };
        let of_codex = |name| (client == Client::Codex).then(|| administrator.join(name));
        Self {
            config: of_codex("config.toml"),
            requirements: of_codex("requirements.toml"),
            managed: match machine.system {
                System::Windows => home.join("managed_config.toml"),
                System::Unix | System::Macos => administrator.join("managed_config.toml"),
            },
            preferences: match machine.system {
                System::Macos => preferences(client, machine),
                System::Unix | System::Windows => Vec::new(),
            },
        }
    }
}

impl Machine<'_> {
    fn below_root(&self, path: &Path) -> PathBuf {
        let Some(root) = self.root else { return path.to_owned() };
        let below = path.components().filter(|part| matches!(part, Component::Normal(_)));
        below.fold(root.to_owned(), |path, part| path.join(part))
    }
}

/// Where macOS keeps what `CFPreferencesCopyAppValue` finds for a client, in its order: what was managed for the user,
/// for the machine, and then what anybody has set.
fn preferences(client: Client, machine: Machine<'_>) -> Vec<PathBuf> {
    let name = format!("com.openai.{}.plist", client.name());
    let managed = machine.below_root(Path::new("/Library/Managed Preferences"));
    let user = machine.environment.path("USER").map(|user| managed.join(user).join(&name));
    let home = machine.environment.path("HOME").map(|home| home.join("Library/Preferences").join(&name));
    let machines = machine.below_root(Path::new("/Library/Preferences")).join(&name);
    user.into_iter().chain([managed.join(&name)]).chain(home).chain([machines]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(client: Client, system: System, root: Option<&str>) -> Places {
        let variables = [("USER", "ann"), ("HOME", "/Users/ann")];
        let environment = Environment::Fixed(variables.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        let machine = Machine { system, root: root.map(Path::new), environment: &environment };
        Places::of(client, Path::new("/h"), machine)
    }

    fn some(path: &str) -> Option<PathBuf> {
        Some(PathBuf::from(path))
    }

    #[test]
    fn codex_reads_three_files_of_the_administrator() {
        let there = places(Client::Codex, System::Unix, None);
        assert_eq!(there.config, some("/etc/codex/config.toml"));
        assert_eq!(there.requirements, some("/etc/codex/requirements.toml"));
        assert_eq!(there.managed, Path::new("/etc/codex/managed_config.toml"));
        assert!(there.preferences.is_empty());
    }

    #[test]
    fn a_root_stands_in_front_of_the_systems_paths() {
        let there = places(Client::Codex, System::Unix, Some("/r"));
        assert_eq!(there.config, some("/r/etc/codex/config.toml"));
        assert_eq!(there.managed, Path::new("/r/etc/codex/managed_config.toml"));
    }

    #[test]
    fn llmx_reads_one() {
        let there = places(Client::Llmx, System::Unix, None);
        assert_eq!((there.config, there.requirements), (None, None));
        assert_eq!(there.managed, Path::new("/etc/llmx/managed_config.toml"));
    }

    #[test]
    fn macos_has_managed_preferences() {
        let expected = [
            "/r/Library/Managed Preferences/ann/com.openai.codex.plist",
            "/r/Library/Managed Preferences/com.openai.codex.plist",
            "/Users/ann/Library/Preferences/com.openai.codex.plist",
            "/r/Library/Preferences/com.openai.codex.plist",
        ];
        assert_eq!(
            places(Client::Codex, System::Macos, Some("/r")).preferences,
            expected.map(PathBuf::from).to_vec()
        );
    }

    #[test]
    fn windows_keeps_the_managed_file_in_the_home() {
        let there = places(Client::Codex, System::Windows, Some("/r"));
        assert_eq!(there.managed, Path::new("/h/managed_config.toml"));
        assert!(there.config.is_some_and(|path| path.starts_with("/r") && path.ends_with("config.toml")));
    }
}
