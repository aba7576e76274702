//! The recorded cells as data: one start of the real client each, with everything that it saw and did.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// Names another file of cells.
const OTHER_CELLS: &str = "AUTHBATON_CELLS";

/// The file of cells.
#[derive(Deserialize)]
struct Document {
    user_config_base: Base,
    auth_fixtures: BTreeMap<String, Fixture>,
    commands: BTreeMap<String, Typed>,
    cells: Vec<Cell>,
}

#[derive(Deserialize)]
struct Base {
    before: String,
    after: String,
}

#[derive(Deserialize)]
struct Fixture {
    auth_json: Value,
}

#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    stdin: String,
}

/// One start of the client, as the file has it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Cell {
    pub(crate) cell: String,
    pub(crate) group: String,
    pub(crate) layer: String,
    pub(crate) restriction: String,
    pub(crate) auth: String,
    pub(crate) command: String,
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) user_config_extra: String,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) argv: Vec<String>,
    pub(crate) setup: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) auth_json: String,
    pub(crate) model_request: Option<String>,
}

/// A cell with what it refers to by name.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) cell: Cell,
    /// The whole `config.toml` of the user; none where the client was told to leave it out.
    pub(crate) user_config: Option<String>,
    /// An object, a raw text, or null for no file.
    pub(crate) auth_json: Value,
    pub(crate) stdin: String,
}

/// What a command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// `exec` and what judges as it does: the only ones that log out.
    Exec,
    Status,
    /// `app-server`, asked for its configuration.
    ConfigRead,
    StartupConfig,
    /// What looks at the configuration, and decides nothing over logins.
    Bystander,
    LoginKey,
    LoginToken,
    /// `login --api-key KEY`, which is long gone.
    LoginArgument,
    Logout,
}

/// Reads all cells. A file that is not there is a failure: nothing would have been compared.
pub(crate) fn cases() -> Vec<Case> {
    let path = env::var_os(OTHER_CELLS).map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/managed_config/observed/cells.json"),
        PathBuf::from,
    );
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("the cells are not at {}: {error}", path.display()));
    let document: Document = serde_json::from_str(&text).unwrap();
    assert!(!document.cells.is_empty(), "no cells in {}", path.display());
    document.cells.iter().map(|cell| document.case(cell)).collect()
}

/// Whether these are the cells that the rules were written for.
pub(crate) fn are_the_usual_ones() -> bool {
    env::var_os(OTHER_CELLS).is_none()
}

impl Document {
    fn case(&self, cell: &Cell) -> Case {
        let Base { before, after } = &self.user_config_base;
        let whole = format!("{before}{}{after}", cell.user_config_extra);
        let ignored = cell.argv.iter().any(|word| word == "--ignore-user-config");
        Case {
            cell: cell.clone(),
            user_config: (!ignored).then_some(whole),
            auth_json: self.auth_fixtures[&cell.auth].auth_json.clone(),
            stdin: self.commands[&cell.command].stdin.clone(),
        }
    }
}

impl Case {
    pub(crate) fn verb(&self) -> Verb {
        let has = |word: &str| self.cell.argv.iter().any(|it| it == word);
        match self.cell.argv[1].as_str() {
            "exec" | "review" => Verb::Exec,
            "doctor" | "mcp" | "features" | "debug" | "cloud" => Verb::Bystander,
            "logout" => Verb::Logout,
            "app-server" if has("--print-startup-config") => Verb::StartupConfig,
            "app-server" => Verb::ConfigRead,
            "login" if has("status") => Verb::Status,
            "login" if has("--with-api-key") => Verb::LoginKey,
            "login" if has("--with-access-token") => Verb::LoginToken,
            "login" if has("--api-key") => Verb::LoginArgument,
            other => panic!("{}: nothing of ours answers to `{other}`", self.cell.cell),
        }
    }

    /// The values of an option, given as two words.
    pub(crate) fn options(&self, names: &[&str]) -> Vec<&str> {
        let pairs = self.cell.argv.windows(2).filter(|pair| names.contains(&pair[0].as_str()));
        pairs.map(|pair| pair[1].as_str()).collect()
    }

    /// What is called trusted on the command line itself, as the override that says the same.
    pub(crate) fn overrides(&self) -> Vec<String> {
        let mut all: Vec<String> = self.options(&["-c", "--config"]).into_iter().map(str::to_owned).collect();
        if self.cell.argv.iter().any(|word| word == "--trust") {
            all.push("projects={\"$CWD\"={trust_level=\"trusted\"}}".to_owned());
        }
        all
    }

    pub(crate) fn profile(&self) -> Option<&str> {
        self.options(&["-p", "--profile"]).last().copied()
    }

    /// The directory that it is about, with placeholders.
    pub(crate) fn directory(&self) -> &str {
        self.options(&["-C", "--cd"]).last().copied().unwrap_or("$CWD")
    }

    /// A variable of the cell that has more than blanks in it.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.cell.env.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    pub(crate) fn has_file(&self) -> bool {
        !self.auth_json.is_null()
    }

    /// A line for whoever reads a failure.
    pub(crate) fn title(&self) -> String {
        let Cell { cell, group, layer, restriction, auth, command, .. } = &self.cell;
        format!("{cell} {group}: {command}, {auth}, {restriction} in {layer}")
    }
}
