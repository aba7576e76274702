//! The real Codex, pinned: where it comes from, how it is configured, and how it is asked for one turn.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use super::{peer, process};

/// The version that the tests were written against. Another one is another peer.
pub(crate) const VERSION: &str = "0.169.0";

/// The download is about 150 MB, once per target directory.
const INSTALL_LIMIT: Duration = Duration::from_secs(600);

/// Returns Codex's program, installed on the first call. Returns none only when a developer has turned the peer tests
/// off, and says so past the capturing of the test harness; a CI may not turn them off.
pub(crate) fn program() -> Option<&'static Path> {
    // The failure is kept as well: otherwise every test would wait for its own failing installation.
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    if peer::turned_off("the real Codex") {
        return None;
    }
    match PROGRAM.get_or_init(install) {
        Ok(program) => Some(program),
        Err(reason) => panic!(
            "\nTHE PEER COULD NOT BE INSTALLED, and without it this test proves nothing: Codex {VERSION}.\n{reason}\n\
             What to do: install Node.js with npm, check that `npm view @openai/codex@{VERSION}` answers, and run\n\
             the tests again. On a developer's machine AUTHBATON_PEERS=off leaves the peer tests out.\n"
        ),
    }
}

fn install() -> Result<PathBuf, String> {
    let installed = peer::install(&format!("codex-{VERSION}"), download)?;
    find(&installed).ok_or_else(|| {
        format!(
            "{} holds no program for {}-{}; remove that directory to install again",
            installed.display(),
            env::consts::ARCH,
            env::consts::OS
        )
    })
}

/// With the caller's environment: mirrors, proxies and certificates of npm are the caller's business.
fn download(directory: &Path) -> Result<(), String> {
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--include=optional", "--prefix"])
        .arg(directory)
        .arg(format!("@openai/codex@{VERSION}"));
    let outcome = process::run(&mut npm, b"", INSTALL_LIMIT).map_err(|error| format!("npm: {error}"))?;
    if outcome.code == Some(0) { Ok(()) } else { Err(format!("npm failed: {outcome:#?}")) }
}

/// Finds `vendor/<architecture>-…/bin/codex`. We call that static program, not the Node launcher around it, so that
/// exit codes, signals and times are Codex's own.
fn find(directory: &Path) -> Option<PathBuf> {
    fs::read_dir(directory).ok()?.filter_map(Result::ok).find_map(|entry| {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if !entry.file_type().ok()?.is_dir() {
            return None;
        }
        if directory.ends_with("vendor") && name.starts_with(env::consts::ARCH) {
            return Some(path.join("bin").join("codex")).filter(|program| program.is_file());
        }
        find(&path)
    })
}

/// Returns a `config.toml` that keeps Codex on loopback, with more top-level settings in front.
pub(crate) fn configuration(origin: &str, settings: &str) -> String {
    format!(
        r#"{settings}
chatgpt_base_url = "{origin}/backend-api"
cli_auth_credentials_store = "file"
check_for_update_on_startup = false
[analytics]
enabled = false
"#
    )
}

/// Returns the variables that send Codex's own requests to the mock. HTTPS goes through it as if it were a proxy:
/// whatever Codex would send to the outside ends there and is seen.
pub(crate) fn environment(origin: &str) -> [(&'static str, String); 3] {
    [
        ("CODEX_REFRESH_TOKEN_URL_OVERRIDE", format!("{origin}/oauth/token")),
        ("CODEX_AUTHAPI_BASE_URL", format!("{origin}/api/accounts")),
        ("HTTPS_PROXY", origin.to_owned()),
    ]
}

/// Returns the arguments for one turn against the mock. The provider of our own matters: the built-in one demands an
/// HTTPS origin. Apps and plugins would call endpoints that the mock does not have.
pub(crate) fn turn(origin: &str) -> Vec<String> {
    let provider = format!(
        r#"model_providers.mock={{name="mock",base_url="{origin}/v1",wire_api="responses",requires_openai_auth=true,supports_websockets=false,request_max_retries=1,stream_max_retries=1}}"#
    );
    ["exec", "--skip-git-repo-check", "--ephemeral", "--json", "-c", r#"model="gpt-5.2-codex""#]
        .into_iter()
        .chain(["-c", r#"model_provider="mock""#, "-c", &provider])
        .chain(["--disable", "apps", "--disable", "plugins", "hi"])
        .map(str::to_owned)
        .collect()
}
