//! The HTTP client: one request, one answer.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use serde::Serialize;

use super::{Answer, AuthorityUrl, RefusalKind, classify};
use crate::baton::Lengths;
use crate::credential::{Client, RefreshToken};
use crate::transport::{Body, Proxies, Transport, TransportError, read_body};

/// A reply is not larger than this, in bytes; a longer one is cut, and then it is no JSON.
pub const MAX_REPLY_BYTES: usize = 64 * 1024;
/// The client id of both clients (observed with Codex 0.169; LLMX's source).
pub const CLIENT_ID: &str = "app_EMoamEEZ73f0CkXaXp7hrann";
const DEFAULT_BASE: &str = "https://auth.openai.com";
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

/// An authority. It costs nothing until it is first asked.
pub struct Authority {
    base: Option<AuthorityUrl>,
    client: Client,
    transport: Transport,
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
        let plain = base.as_ref().is_some_and(AuthorityUrl::is_plain);
        let proxies = if plain { Proxies::Unused } else { Proxies::OfEnvironment };
        Self { base, client, transport: Transport::new(ca_file, proxies) }
    }

    fn endpoint(&self, path: &str) -> String {
        self.base.as_ref().map_or_else(|| format!("{DEFAULT_BASE}{path}"), |base| base.endpoint(path))
    }

    /// Builds the HTTP client, so that what is wrong with it shows before anything is spent.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn prepare(&self) -> Result<(), TransportError> {
        self.transport.prepare()
    }

    /// Spends a refresh token once. Never retries by itself.
    ///
    /// # Errors
    /// When nothing could be sent because the client cannot be made.
    pub fn exchange(&self, token: &RefreshToken, reason: Reason) -> Result<Answer, TransportError> {
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
    pub fn revoke(&self, token: &RefreshToken) -> Result<Answer, TransportError> {
        let body =
            RevokeBody { token: token.expose(), token_type_hint: "refresh_token", client_id: CLIENT_ID };
        self.post("/oauth/revoke", &body, REVOKE_TIMEOUT)
    }

    fn post(&self, path: &str, body: &impl Serialize, limit: Duration) -> Result<Answer, TransportError> {
        let body = serde_json::to_vec(body).map_err(|_| TransportError::Build)?;
        self.transport.run(async |client| {
            let request = client.post(self.endpoint(path)).headers(headers(self.client)).timeout(limit);
            match request.body(body).send().await {
                // Nothing of the request has left this machine.
                Err(error) if error.is_connect() || error.is_builder() => {
                    Answer::NotProcessed(RefusalKind::Connect)
                }
                Err(_) => Answer::Unclear(RefusalKind::NoAnswer),
                Ok(response) => answer(response).await,
            }
        })
    }
}

async fn answer(mut response: Response) -> Answer {
    let status = response.status().as_u16();
    match read_body(&mut response, MAX_REPLY_BYTES).await {
        Body::Whole(body) | Body::Cut(body) => classify(status, body),
        // A 2xx that breaks off has been processed; what there is of it is judged like any other.
        Body::Broken(body) if response.status().is_success() => classify(status, body),
        Body::Broken(_) => Answer::Unclear(RefusalKind::NoAnswer),
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
        (HeaderName::from_static("originator"), HeaderValue::from_static(originator)),
        (USER_AGENT, HeaderValue::from_static(agent)),
    ])
}
