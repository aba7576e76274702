//! The two clients that we serve, and the names by which they differ.

/// The program whose login we carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// OpenAI's Codex CLI (behaviour observed with 0.169.0).
    Codex,
    /// LLMX, a fork of an older Codex: no `auth_mode`, no locks, one `last_refresh` rule.
    Llmx,
}

impl Client {
    /// Returns the name as `--client` takes it; it is also the name of the client's program.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Codex => "codex",
            Self::Llmx => "llmx",
        }
    }

    /// Returns the environment variable with which the client finds its home.
    #[must_use]
    pub fn home_variable(self) -> &'static str {
        match self {
            Self::Codex => "CODEX_HOME",
            Self::Llmx => "LLMX_HOME",
        }
    }

    /// Returns the environment variable with which the client is told where to renew its login.
    #[must_use]
    pub fn refresh_override(self) -> &'static str {
        match self {
            Self::Codex => "CODEX_REFRESH_TOKEN_URL_OVERRIDE",
            Self::Llmx => "LLMX_REFRESH_TOKEN_URL_OVERRIDE",
        }
    }

    /// Returns the directory below the user's home that is used when the variable is unset or empty.
    #[must_use]
    pub fn default_directory(self) -> &'static str {
        match self {
            Self::Codex => ".codex",
            Self::Llmx => ".llmx",
        }
    }
}
