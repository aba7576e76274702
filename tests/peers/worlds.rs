//! The worlds in which the real Codex and we must come to the same verdict. The login is always a ChatGPT login of the
//! workspace `acct-1`. Observed with Codex 0.169.0; what it does is pinned here as well, so that two programs that agree
//! because neither has seen a file are found out.

/// What `codex exec` does, and in which words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It uses the login.
    Allowed,
    /// It deletes the file, with this line.
    LoggedOut(&'static str),
    /// It keeps the file and goes on without it: `allowed_…` forbids it. We log out.
    Hidden,
    /// It does not look at the file: the credentials are to be elsewhere. We refuse such a configuration.
    Elsewhere,
    /// It stops at its configuration, with this text.
    Refused(&'static str),
}

/// One configuration. In every text `{work}` is the directory for projects.
pub(crate) struct World {
    /// What is to be seen in it.
    pub(crate) name: &'static str,
    /// Files, by their paths in the sandbox. Those below `system/etc` are `/etc` to both programs.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// Top-level lines of the user's `config.toml`.
    pub(crate) user: &'static str,
    pub(crate) profile: Option<&'static str>,
    /// The values of `-c`.
    pub(crate) flags: &'static [&'static str],
    /// Where both are started, below `work`.
    pub(crate) directory: &'static str,
    pub(crate) verdict: Verdict,
}

impl World {
    const EMPTY: Self = Self {
        name: "",
        files: &[],
        user: "",
        profile: None,
        flags: &[],
        directory: "",
        verdict: Verdict::Allowed,
    };

    /// Whether it takes a mount namespace.
    pub(crate) fn has_administrator(&self) -> bool {
        self.files.iter().any(|(path, _)| path.starts_with("system/"))
    }
}

const API: &str = "forced_login_method = \"api\"\n";
const CHATGPT: &str = "forced_login_method = \"chatgpt\"\n";
const OTHERS: &str = "forced_chatgpt_workspace_id = \"acct-2\"\n";
const NOBODYS: &str = "forced_chatgpt_workspace_id = []\n";
const TRUST: &str = "projects = { \"{work}/repo\" = { trust_level = \"trusted\" } }\n";
const DISTRUST: &str = "projects = { \"{work}/repo\" = { trust_level = \"untrusted\" } }\n";

const SYSTEM: &str = "system/etc/codex/config.toml";
const MANAGED: &str = "system/etc/codex/managed_config.toml";
const REQUIREMENTS: &str = "system/etc/codex/requirements.toml";
const PROFILE: &str = "home/ci.config.toml";
const PROJECT: &str = "work/repo/.codex/config.toml";
const DEEPER: &str = "work/repo/deep/.codex/config.toml";
const HEAD: (&str, &str) = ("work/repo/.git/HEAD", "ref: refs/heads/main\n");

const API_REQUIRED: Verdict =
    Verdict::LoggedOut("API key login is required, but ChatGPT is currently being used. Logging out.");
const OTHER_REQUIRED: Verdict = Verdict::LoggedOut(
    "Login is restricted to workspace(s) acct-2, but current credentials belong to acct-1. Logging out.",
);
const ODD_REQUIRED: Verdict = Verdict::LoggedOut(
    "Login is restricted to workspace(s) [acct-1, but current credentials belong to acct-1. Logging out.",
);

/// The user's file, profiles and `-c`.
pub(crate) const OF_THE_USER: &[World] = &[
    World { name: "the user's file restricts", user: OTHERS, verdict: OTHER_REQUIRED, ..World::EMPTY },
    World {
        name: "a profile beats the user's file",
        user: CHATGPT,
        files: &[(PROFILE, API)],
        profile: Some("ci"),
        verdict: API_REQUIRED,
        ..World::EMPTY
    },
    World { name: "a profile that is not asked for", files: &[(PROFILE, API)], ..World::EMPTY },
    World { name: "a profile without a file is empty", profile: Some("nobody"), ..World::EMPTY },
    World {
        name: "a profile of the old way",
        user: "profiles.ci.model = \"m\"\n",
        files: &[(PROFILE, CHATGPT)],
        profile: Some("ci"),
        verdict: Verdict::Refused("--profile `ci` cannot be used while"),
        ..World::EMPTY
    },
    World {
        name: "another profile of the old way is no obstacle",
        user: "profiles.old.model = \"m\"\n",
        files: &[(PROFILE, API)],
        profile: Some("ci"),
        verdict: API_REQUIRED,
        ..World::EMPTY
    },
    World {
        name: "a profile chosen in the old way",
        user: "profile = \"ci\"\n",
        verdict: Verdict::Refused("legacy `profile = \"ci\"` config is no longer supported"),
        ..World::EMPTY
    },
    World {
        name: "a directory in place of the profile",
        files: &[("home/ci.config.toml/x", "")],
        profile: Some("ci"),
        verdict: Verdict::Refused("is not a file"),
        ..World::EMPTY
    },
    World {
        name: "a flag beats the profile, and an empty list clears",
        files: &[(PROFILE, OTHERS)],
        profile: Some("ci"),
        flags: &["forced_chatgpt_workspace_id=[]"],
        ..World::EMPTY
    },
    World {
        name: "a flag hides a bad value",
        user: "forced_login_method = \"nonsense\"\n",
        flags: &["forced_login_method=api"],
        verdict: API_REQUIRED,
        ..World::EMPTY
    },
    World {
        name: "of two flags the last counts",
        flags: &["forced_login_method=api", "forced_login_method = 'chatgpt' "],
        ..World::EMPTY
    },
    World {
        name: "what is no TOML is a text",
        flags: &["forced_chatgpt_workspace_id=[acct-1"],
        verdict: ODD_REQUIRED,
        ..World::EMPTY
    },
    World {
        name: "quotes around a key are part of it",
        flags: &["\"forced_login_method\"=api"],
        ..World::EMPTY
    },
    World {
        name: "a flag without a value",
        flags: &["forced_login_method"],
        verdict: Verdict::Refused("Error parsing -c overrides: Invalid override (missing '=')"),
        ..World::EMPTY
    },
    World {
        name: "a flag with a part too many",
        flags: &["forced_chatgpt_workspace_id.0=acct-1"],
        verdict: Verdict::Refused("in `forced_chatgpt_workspace_id`"),
        ..World::EMPTY
    },
    World {
        name: "credentials elsewhere",
        flags: &["cli_auth_credentials_store=ephemeral"],
        verdict: Verdict::Elsewhere,
        ..World::EMPTY
    },
];

/// Projects, trusted or not.
pub(crate) const OF_PROJECTS: &[World] = &[
    World {
        name: "a trusted project restricts",
        user: TRUST,
        files: &[HEAD, (PROJECT, OTHERS)],
        directory: "repo",
        verdict: OTHER_REQUIRED,
        ..World::EMPTY
    },
    World {
        name: "its root's file counts below, too",
        user: TRUST,
        files: &[HEAD, (PROJECT, OTHERS), ("work/repo/deep/x", "")],
        directory: "repo/deep",
        verdict: OTHER_REQUIRED,
        ..World::EMPTY
    },
    World {
        name: "a deeper file beats it",
        user: TRUST,
        files: &[HEAD, (PROJECT, OTHERS), (DEEPER, NOBODYS)],
        directory: "repo/deep",
        ..World::EMPTY
    },
    World {
        name: "a deeper file that is not trusted does not",
        user: "projects = { \"{work}/repo\" = { trust_level = \"trusted\" }, \
               \"{work}/repo/deep\" = { trust_level = \"untrusted\" } }\n",
        files: &[HEAD, (PROJECT, OTHERS), (DEEPER, NOBODYS)],
        directory: "repo/deep",
        verdict: OTHER_REQUIRED,
        ..World::EMPTY
    },
    World {
        name: "a project that nobody trusts, broken as it is",
        files: &[HEAD, (PROJECT, "forced_login_method =\n")],
        directory: "repo",
        ..World::EMPTY
    },
    World {
        name: "a trusted project that is broken",
        user: TRUST,
        files: &[HEAD, (PROJECT, "forced_login_method =\n")],
        directory: "repo",
        verdict: Verdict::Refused("Error parsing project config file"),
        ..World::EMPTY
    },
    World {
        name: "a project cannot choose a profile",
        user: TRUST,
        files: &[HEAD, (PROJECT, "profile = \"ci\"\n")],
        directory: "repo",
        ..World::EMPTY
    },
    World {
        name: "a project cannot trust itself",
        files: &[
            HEAD,
            (
                PROJECT,
                "forced_login_method = \"api\"\n\
                                  projects = { \"{work}/repo\" = { trust_level = \"trusted\" } }\n",
            ),
        ],
        directory: "repo",
        ..World::EMPTY
    },
    World {
        name: "a flag can trust it",
        files: &[HEAD, (PROJECT, API)],
        flags: &["projects={\"{work}/repo\"={trust_level=\"trusted\"}}"],
        directory: "repo",
        verdict: API_REQUIRED,
        ..World::EMPTY
    },
    World {
        name: "other markers make another root",
        user: "project_root_markers = [\".root\"]\nprojects = { \"{work}\" = { trust_level = \"trusted\" } }\n",
        files: &[HEAD, ("work/.root", ""), ("work/.codex/config.toml", API)],
        directory: "repo",
        verdict: API_REQUIRED,
        ..World::EMPTY
    },
    World {
        name: "a worktree is trusted as its repository is",
        user: TRUST,
        files: &[
            HEAD,
            ("work/repo/.git/worktrees/tree/commondir", "../..\n"),
            ("work/repo/.git/worktrees/tree/gitdir", "{work}/tree/.git\n"),
            ("work/tree/.git", "gitdir: {work}/repo/.git/worktrees/tree\n"),
            ("work/tree/.codex/config.toml", OTHERS),
        ],
        directory: "tree",
        verdict: OTHER_REQUIRED,
        ..World::EMPTY
    },
    World {
        name: "a worktree that the repository does not know is not",
        user: "forced_chatgpt_workspace_id = \"acct-2\"\n\
               projects = { \"{work}/repo\" = { trust_level = \"trusted\" } }\n",
        files: &[
            HEAD,
            ("work/repo/.git/worktrees/tree/commondir", "../..\n"),
            ("work/repo/.git/worktrees/tree/gitdir", "{work}/other/.git\n"),
            ("work/tree/.git", "gitdir: {work}/repo/.git/worktrees/tree\n"),
            ("work/tree/.codex/config.toml", NOBODYS),
        ],
        directory: "tree",
        verdict: OTHER_REQUIRED,
        ..World::EMPTY
    },
    World {
        name: "a directory .git without a HEAD is no root",
        user: TRUST,
        files: &[HEAD, (PROJECT, OTHERS), ("work/repo/deep/.git/config", "")],
        directory: "repo/deep",
        verdict: OTHER_REQUIRED,
        ..World::EMPTY
    },
];

/// What an administrator has written below `/etc/codex`.
pub(crate) const OF_THE_ADMINISTRATOR: &[World] = &[
    World { name: "the system restricts", files: &[(SYSTEM, API)], verdict: API_REQUIRED, ..World::EMPTY },
    World {
        name: "the user's file beats the system's",
        user: NOBODYS,
        files: &[(SYSTEM, OTHERS)],
        ..World::EMPTY
    },
    World {
        name: "the managed file beats everybody",
        user: CHATGPT,
        files: &[(SYSTEM, CHATGPT), (MANAGED, API)],
        flags: &["forced_login_method=chatgpt"],
        verdict: API_REQUIRED,
        ..World::EMPTY
    },
    World {
        name: "the managed file takes a trust back",
        user: TRUST,
        files: &[HEAD, (PROJECT, API), (MANAGED, DISTRUST)],
        directory: "repo",
        ..World::EMPTY
    },
    World {
        name: "the managed file trusts",
        user: DISTRUST,
        files: &[HEAD, (PROJECT, API), (MANAGED, TRUST)],
        directory: "repo",
        verdict: API_REQUIRED,
        ..World::EMPTY
    },
    World {
        name: "requirements exclude the method",
        files: &[(REQUIREMENTS, "allowed_login_methods = [\"api\", \"api\"]\n")],
        verdict: Verdict::Hidden,
        ..World::EMPTY
    },
    World {
        name: "requirements name the workspace, in white space",
        files: &[(REQUIREMENTS, "allowed_chatgpt_workspaces = [\" acct-1\\t\", \"\"]\n")],
        ..World::EMPTY
    },
    World {
        name: "requirements name another workspace",
        files: &[(REQUIREMENTS, "allowed_chatgpt_workspaces = [\"acct-2\"]\n")],
        verdict: Verdict::Hidden,
        ..World::EMPTY
    },
    World {
        name: "requirements allow nobody",
        files: &[(REQUIREMENTS, "allowed_login_methods = []\n")],
        verdict: Verdict::Refused("authentication requirements do not permit any usable login method"),
        ..World::EMPTY
    },
    World {
        name: "requirements with a wrong name",
        files: &[(REQUIREMENTS, "allowed_login_methods = [\" api\"]\n")],
        verdict: Verdict::Refused("unknown variant ` api`, expected `chatgpt` or `api`"),
        ..World::EMPTY
    },
    World {
        name: "a forced key means nothing in requirements",
        files: &[(REQUIREMENTS, API)],
        ..World::EMPTY
    },
    World {
        name: "requirements put the credentials elsewhere",
        files: &[(REQUIREMENTS, "cli_auth_credentials_store = \"ephemeral\"\n")],
        verdict: Verdict::Elsewhere,
        ..World::EMPTY
    },
    World {
        name: "a directory in place of the managed file",
        files: &[("system/etc/codex/managed_config.toml/x", "")],
        verdict: Verdict::Refused("is not a file"),
        ..World::EMPTY
    },
];
