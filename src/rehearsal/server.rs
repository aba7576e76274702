//! The endpoints: a thin shell that takes requests in and lets them wait where they shall.
//!
//! What a request means and what becomes of it is decided in `request` and `state`; here it only takes time.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;

use super::behaviour::Refusal;
use super::received::Endpoint;
use super::state::{Gate, Shared};

/// How much of a body is read. More than is accepted, so that a client that sends too much can read our answer.
const READABLE: usize = 1024 * 1024;
/// How long requests may take to end once the authority stops.
pub(super) const GRACE: Duration = Duration::from_millis(250);

/// The endpoints.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    let at = |endpoint| {
        move |State(shared): State<Arc<Shared>>, request: Request| receive(shared, endpoint, request)
    };
    Router::new()
        .route("/oauth/token", post(at(Endpoint::Token)).fallback(at(Endpoint::Other)))
        .route("/oauth/revoke", post(at(Endpoint::Revoke)).fallback(at(Endpoint::Other)))
        .fallback(at(Endpoint::Other))
        .with_state(shared)
}

async fn receive(shared: Arc<Shared>, endpoint: Endpoint, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = body::to_bytes(body, READABLE).await.unwrap_or_default();
    // A task of its own: once a request has arrived, an authority finishes it, whether or not its client is still
    // there. That is how tokens get lost.
    let work = tokio::spawn(async move {
        let errand = shared.admit(endpoint, &head.headers, &body);
        let after = errand.after;
        shared.pass(Gate::BeforeWork).await;
        tokio::time::sleep(errand.before).await;
        let response = shared.settle(errand);
        shared.pass(Gate::BeforeReply).await;
        tokio::time::sleep(after).await;
        match response {
            Some(response) => response,
            None => std::future::pending().await,
        }
    });
    work.await.unwrap_or_else(|_| Refusal::server_error().response())
}
