//! The HTTP client: one request, one answer.

use std::cell::OnceCell;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Client as HttpClient, Response, redirect};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

use super::{Answer, AuthorityUrl, RefusalKind, classify};
use crate::baton::Lengths;
use crate::credential::{Client, RefreshToken};
use crate::disk::{DiskError, Read, read_capped};

/// A reply is not larger than this, in bytes; a longer one is cut, and then it is no JSON.
pub const MAX_REPLY_BYTES: usize = 64 * 1024;
const MAX_CA_BYTES: usize = 1024 * 1024;
/// The client id of both clients (observed with Codex 0.169; LLMX's source).
pub const CLIENT_ID: &str = "app_EMoamEEZ73f0CkXaXp7hrann";
const DEFAULT_BASE: &str = "https://auth.openai.com";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Codex gives a revocation this long.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why an exchange is made, as Codex tells the authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The access token ends soon.
    ProactiveExpiry,
    /// The token says nothing of its end, and it is old.
    Scheduled,
    /// The access token was refused where it was used.
    UnauthorizedRecovery,
    /// Somebody asked for it.
    Forced,
}

/// The client could not be made. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The HTTP client cannot be built: an unusable proxy setting, or no sockets.
    #[error("the HTTP client cannot be built")]
    Build,
    /// The runtime cannot be built.
    #[error("the HTTP client cannot be started")]
    Runtime(#[source] io::Error),
    /// The file with additional roots cannot be read.
    #[error("the CA file cannot be read")]
    CaFile(#[from] DiskError),
    /// The file with additional roots has none.
    #[error("`{}` has no certificate in PEM form", .0.display())]
    NoCertificate(PathBuf),
}

/// An authority. It costs nothing until it is first asked.
pub struct Authority {
    base: Option<AuthorityUrl>,
    ca_file: Option<PathBuf>,
    client: Client,
    http: OnceCell<(Runtime, HttpClient)>,
}

/// Codex's body, keys in its order; LLMX has a scope in place of the reason.
#[derive(Serialize)]
struct ExchangeBody<'a> {
    client_id: &'a str,
    grant_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_reason: Option<&'a str>,
    refresh_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

#[derive(Serialize)]
struct RevokeBody<'a> {
    token: &'a str,
    token_type_hint: &'a str,
    client_id: &'a str,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::ProactiveExpiry => "proactive_expiry",
            Self::Scheduled => "scheduled",
            Self::UnauthorizedRecovery => "unauthorized_recovery",
            Self::Forced => "forced",
        }
    }
}

impl Authority {
    /// Names the authority: `base`, else the real one. `ca_file` adds roots to the bundled ones.
    #[must_use]
    pub fn new(client: Client, base: Option<AuthorityUrl>, ca_file: Option<PathBuf>) -> Self {
        Self { base, ca_file, client, http: OnceCell::new() }
    }

    fn endpoint(&self, path: &str) -> String {
        self.base.as_ref().map_or_else(|| format!("{DEFAULT_BASE}{path}"), |base| base.endpoint(path))
    }

    /// Builds the HTTP client, so that what is wrong with it shows before anything is spent.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn prepare(&self) -> Result<(), AuthorityError> {
        self.http().map(drop)
    }

    fn http(&self) -> Result<&(Runtime, HttpClient), AuthorityError> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        // Someone in this process may have installed it already; then it is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = Builder::new_current_thread().enable_all().build().map_err(AuthorityError::Runtime)?;
        let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        if let Some(path) = &self.ca_file {
            add_certificates(&mut roots, path)?;
        }
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let builder = HttpClient::builder();
        // A proxy would read a token that is not encrypted; and loopback needs none.
        let plain = self.base.as_ref().is_some_and(AuthorityUrl::is_plain);
        let builder = if plain { builder.no_proxy() } else { builder };
        let client = builder
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(Lengths::REQUEST)
            .default_headers(headers(self.client))
            .build()
            .map_err(|_| AuthorityError::Build)?;
        Ok(self.http.get_or_init(|| (runtime, client)))
    }

    /// Spends a refresh token once. Never retries by itself.
    ///
    /// # Errors
    /// When nothing could be sent because the client cannot be made.
    pub fn exchange(&self, token: &RefreshToken, reason: Reason) -> Result<Answer, AuthorityError> {
        let codex = self.client == Client::Codex;
        let body = ExchangeBody {
            client_id: CLIENT_ID,
            grant_type: "refresh_token",
            refresh_reason: codex.then_some(reason.name()),
            refresh_token: token.expose(),
            scope: (!codex).then_some("openid profile email"),
        };
        self.post("/oauth/token", &body, Lengths::REQUEST)
    }

    /// Revokes a login at the authority, as Codex's logout does: for every copy of it, everywhere.
    ///
    /// # Errors
    /// When nothing could be sent because the client cannot be made.
    pub fn revoke(&self, token: &RefreshToken) -> Result<Answer, AuthorityError> {
        let body =
            RevokeBody { token: token.expose(), token_type_hint: "refresh_token", client_id: CLIENT_ID };
        self.post("/oauth/revoke", &body, REVOKE_TIMEOUT)
    }

    fn post(&self, path: &str, body: &impl Serialize, limit: Duration) -> Result<Answer, AuthorityError> {
        let (runtime, client) = self.http()?;
        let body = serde_json::to_vec(body).map_err(|_| AuthorityError::Build)?;
        let request = client.post(self.endpoint(path)).timeout(limit).body(body);
        Ok(runtime.block_on(async {
            match request.send().await {
                // Nothing of the request has left this machine.
                Err(error) if error.is_connect() || error.is_builder() => {
                    Answer::NotProcessed(RefusalKind::Connect)
                }
                Err(_) => Answer::Unclear(RefusalKind::NoAnswer),
                Ok(response) => answer(response).await,
            }
        }))
    }
}

async fn answer(mut response: Response) -> Answer {
    let status = response.status().as_u16();
    let mut body = Zeroizing::new(Vec::with_capacity(MAX_REPLY_BYTES));
    loop {
        match response.chunk().await {
            Ok(None) => return classify(status, body),
            Ok(Some(chunk)) => {
                let room = MAX_REPLY_BYTES - body.len();
                body.extend(chunk.iter().take(room));
                if chunk.len() > room {
                    return classify(status, body);
                }
            }
            // A 2xx that breaks off has been processed; what there is of it is judged like any other.
            Err(_) if response.status().is_success() => return classify(status, body),
            Err(_) => return Answer::Unclear(RefusalKind::NoAnswer),
        }
    }
}

/// Codex's headers; LLMX has the same originator rule with its own name.
fn headers(client: Client) -> HeaderMap {
    let (originator, agent) = match client {
        Client::Codex => {
            ("codex_cli_rs", concat!("codex_cli_rs/0.169.0 (authbaton ", env!("CARGO_PKG_VERSION"), ")"))
        }
        Client::Llmx => ("llmx_exec", concat!("llmx_exec/0 (authbaton ", env!("CARGO_PKG_VERSION"), ")")),
    };
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (reqwest::header::HeaderName::from_static("originator"), HeaderValue::from_static(originator)),
        (USER_AGENT, HeaderValue::from_static(agent)),
    ])
}

fn add_certificates(roots: &mut RootCertStore, path: &Path) -> Result<(), AuthorityError> {
    let none = || AuthorityError::NoCertificate(path.to_owned());
    let Read::Content(pem) = read_capped(path, MAX_CA_BYTES)? else { return Err(none()) };
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|_| none())?;
    match roots.add_parsable_certificates(certificates) {
        (0, _) | (_, 1..) => Err(none()),
        (_, 0) => Ok(()),
    }
}
