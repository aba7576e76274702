//! The endpoints: both protocols, the blobs behind signed addresses, and the part of the REST interface that deletes.

use std::sync::{Arc, Mutex};

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::entries::{Entries, Entry, No, Says};
use super::faults::{After, Route};
use super::token::{Scope, scopes};

const TWIRP: &str = "/twirp/github.actions.results.api.v1.CacheService/";
const V1: &str = "/_apis/artifactcache/";
pub(crate) const REST_WRITE: &str = "rest-token-that-may-write";
pub(crate) const REST_READ: &str = "rest-token-that-may-read";
const MOST: usize = 4 * 1024 * 1024;

#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) entries: Arc<Mutex<Entries>>,
    pub(crate) origin: String,
}

/// A request, read.
struct Asked {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Asked {
    fn get(&self, name: &str) -> &str {
        self.query.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value)
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn bearer(&self) -> &str {
        self.header("authorization").strip_prefix("Bearer ").unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn route(&self) -> Route {
        let is = |method: &Method| self.method == *method;
        match (self.path.strip_prefix(TWIRP), self.path.strip_prefix(V1)) {
            (Some("GetCacheEntryDownloadURL"), _) if is(&Method::POST) => Route::Lookup,
            (Some("CreateCacheEntry"), _) if is(&Method::POST) => Route::Reserve,
            (Some("FinalizeCacheEntryUpload"), _) if is(&Method::POST) => Route::Finish,
            (_, Some("cache")) if is(&Method::GET) => Route::Lookup,
            (_, Some("caches")) if is(&Method::POST) => Route::Reserve,
            (_, Some(rest)) if rest.starts_with("caches/") && is(&Method::PATCH) => Route::Upload,
            (_, Some(rest)) if rest.starts_with("caches/") && is(&Method::POST) => Route::Finish,
            _ if self.path.starts_with("/blob/") && is(&Method::PUT) => Route::Upload,
            _ if self.path.starts_with("/blob/") => Route::Download,
            _ if self.path.ends_with("/actions/caches") && is(&Method::GET) => Route::List,
            _ if self.path.contains("/actions/caches/") && is(&Method::DELETE) => Route::Delete,
            _ => Route::Unknown,
        }
    }
}

pub(crate) async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, MOST).await.unwrap_or_default().to_vec();
    let query = form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
    let asked = Asked {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: query.into_owned().collect(),
        headers: head.headers,
        body,
    };
    let fault = shared.entries.lock().unwrap().log(asked.route());
    let after = match fault {
        None => After::Answer,
        Some(fault) => match fault.begin().await {
            Ok(after) => after,
            Err(response) => return response,
        },
    };
    let response = shared.process(&asked);
    after.end(response).await
}

impl Shared {
    fn process(&self, asked: &Asked) -> Response {
        let mut entries = self.entries.lock().unwrap();
        if asked.path.starts_with("/blob/") {
            return blob(&mut entries, asked);
        }
        if asked.path.starts_with("/repos/") {
            return rest(&mut entries, asked);
        }
        // A token without a valid claim is none.
        let Some(scopes) = scopes(asked.bearer()) else {
            return told(401, "unauthenticated", "token is invalid");
        };
        if let Some(method) = asked.path.strip_prefix(TWIRP) {
            if !asked.header("content-type").starts_with("application/json") {
                return told(400, "malformed", "only JSON is spoken here");
            }
            self.v2(&mut entries, &scopes, method, &asked.json())
        } else {
            self.v1(&mut entries, &scopes, asked)
        }
    }

    fn v2(&self, entries: &mut Entries, scopes: &[Scope], method: &str, body: &Value) -> Response {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let (key, version) = (text("key"), text("version"));
        if !is_key(key) || version.is_empty() {
            return told(400, "invalid_argument", "key or version");
        }
        match method {
            "CreateCacheEntry" => {
                let (denials, conflicts) = (entries.denials, entries.conflicts);
                match entries.reserve(scopes, key, version) {
                    Ok(entry) => {
                        done(json!({"ok": true, "signed_upload_url": self.signed(entry), "message": ""}))
                    }
                    Err(No::ReadOnly) => {
                        no(denials, 403, "permission_denied", "cache write denied: the token is read-only")
                    }
                    Err(_) => no(
                        conflicts,
                        409,
                        "already_exists",
                        "cache entry with the same key, version, and scope already exists",
                    ),
                }
            }
            "FinalizeCacheEntryUpload" => {
                // 64 bits do not fit into a JSON number, so a text it is.
                let Some(size) = body["size_bytes"].as_str().and_then(|size| size.parse().ok()) else {
                    return told(400, "malformed", "size_bytes");
                };
                match entries.finish(scopes, key, version, size) {
                    Ok(id) => done(json!({"ok": true, "entry_id": id.to_string(), "message": ""})),
                    Err(No::WrongSize) => {
                        done(json!({"ok": false, "entry_id": "0", "message": "size mismatch"}))
                    }
                    Err(_) => done(json!({"ok": false, "entry_id": "0", "message": "no such upload"})),
                }
            }
            "GetCacheEntryDownloadURL" => {
                let more = body["restore_keys"].as_array().cloned().unwrap_or_default();
                let keys: Vec<&str> =
                    [key].into_iter().chain(more.iter().filter_map(Value::as_str)).collect();
                if keys.len() > 10 || !keys.iter().all(|key| is_key(key)) {
                    return told(400, "invalid_argument", "keys");
                }
                match entries.find(scopes, &keys, version) {
                    Ok(Some(it)) => done(self.hit(it)),
                    Ok(None) => done(json!({"ok": false, "signed_download_url": "", "matched_key": ""})),
                    Err(_) => told(403, "permission_denied", "cache read denied: no readable scopes"),
                }
            }
            _ => told(404, "bad_route", "no such method"),
        }
    }

    fn v1(&self, entries: &mut Entries, scopes: &[Scope], asked: &Asked) -> Response {
        if !asked.header("accept").contains("api-version=6.0-preview") {
            return message(400, "api version");
        }
        let Some(path) = asked.path.strip_prefix(V1) else { return message(404, "no such route") };
        let body = asked.json();
        match (asked.method.as_str(), path) {
            ("GET", "cache") => {
                let keys: Vec<&str> = asked.get("keys").split(',').collect();
                match entries.find(scopes, &keys, asked.get("version")) {
                    Ok(Some(it)) => done(json!({
                        "archiveLocation": self.signed(it), "cacheKey": it.key, "scope": it.scope,
                    })),
                    Ok(None) => StatusCode::NO_CONTENT.into_response(),
                    Err(_) => message(403, "cache read denied: no readable scopes"),
                }
            }
            ("POST", "caches") => {
                let text = |name: &str| body[name].as_str().unwrap_or_default();
                match entries.reserve(scopes, text("key"), text("version")) {
                    Ok(entry) => reply(201, &json!({"cacheId": entry.id})),
                    Err(No::ReadOnly) => message(403, "cache write denied: the token is read-only"),
                    Err(_) => message(409, "already exists"),
                }
            }
            (method, _) => {
                let number = path.strip_prefix("caches/").and_then(|number| number.parse::<u64>().ok());
                let entry = entries.all.iter_mut().find(|it| Some(it.id) == number && !it.is_finished);
                let Some(entry) = entry else { return message(404, "no such cache") };
                let (key, version) = (entry.key.clone(), entry.version.clone());
                match method {
                    "PATCH" => {
                        let expected = format!("bytes 0-{}/*", asked.body.len().saturating_sub(1));
                        if asked.header("content-range") != expected {
                            return message(416, "range");
                        }
                        entry.content = Some(asked.body.clone());
                        StatusCode::NO_CONTENT.into_response()
                    }
                    "POST" => {
                        let size = body["size"].as_u64().and_then(|size| usize::try_from(size).ok());
                        match entries.finish(scopes, &key, &version, size.unwrap_or_default()) {
                            Ok(_) => StatusCode::NO_CONTENT.into_response(),
                            Err(_) => message(400, "size mismatch"),
                        }
                    }
                    _ => message(405, "method"),
                }
            }
        }
    }

    pub(crate) fn hit(&self, entry: &Entry) -> Value {
        json!({"ok": true, "signed_download_url": self.signed(entry), "matched_key": entry.key})
    }

    fn signed(&self, entry: &Entry) -> String {
        let signature: String = form_urlencoded::byte_serialize(entry.signature.as_bytes()).collect();
        format!("{}/blob/{}?se=2030-01-01&sig={signature}", self.origin, entry.id)
    }
}

/// The blobs. Whoever knows the address is let in, and nobody who brings a token besides.
fn blob(entries: &mut Entries, asked: &Asked) -> Response {
    let number = asked.path.strip_prefix("/blob/").and_then(|number| number.parse::<u64>().ok());
    let Some(entry) = entries.all.iter_mut().find(|it| Some(it.id) == number) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if asked.headers.contains_key(header::AUTHORIZATION) || asked.get("sig") != entry.signature {
        return StatusCode::FORBIDDEN.into_response();
    }
    match asked.method.as_str() {
        "PUT" => {
            let has_length = asked.header("content-length").parse() == Ok(asked.body.len());
            if asked.header("x-ms-blob-type") != "BlockBlob" || !has_length {
                return StatusCode::BAD_REQUEST.into_response();
            }
            if entry.is_finished {
                return StatusCode::CONFLICT.into_response();
            }
            entry.content = Some(asked.body.clone());
            StatusCode::CREATED.into_response()
        }
        "GET" | "HEAD" if entry.is_finished => entry.content.clone().unwrap_or_default().into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `GET` and `DELETE /repos/{owner}/{repo}/actions/caches`.
fn rest(entries: &mut Entries, asked: &Asked) -> Response {
    if ![REST_READ, REST_WRITE].contains(&asked.bearer()) {
        return message(401, "Bad credentials");
    }
    let Some(path) = asked.path.strip_prefix("/repos/octo/relay/actions/caches") else {
        return message(404, "Not Found");
    };
    if asked.method == Method::GET && path.is_empty() {
        let (key, scope) = (asked.get("key"), asked.get("ref"));
        let is_asked = |it: &&Entry| it.is_finished && it.key.starts_with(key) && it.scope == scope;
        let mut list: Vec<Value> = entries
            .all
            .iter()
            .filter(is_asked)
            .map(|it| {
                let created_at = it.created_at.to_rfc3339();
                json!({"id": it.id, "ref": it.scope, "key": it.key, "version": it.version, "created_at": created_at})
            })
            .collect();
        if asked.get("direction") != "asc" {
            list.reverse();
        }
        list.truncate(asked.get("per_page").parse().unwrap_or(30));
        return done(json!({"total_count": list.len(), "actions_caches": list}));
    }
    if asked.bearer() != REST_WRITE {
        return message(403, "Resource not accessible by integration");
    }
    let before = entries.all.len();
    let number = path.strip_prefix('/').and_then(|number| number.parse::<u64>().ok());
    entries.all.retain(|it| Some(it.id) != number);
    let status = if entries.all.len() < before { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND };
    status.into_response()
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.len() <= 512 && !key.contains(',')
}

fn done(body: Value) -> Response {
    reply(200, &body)
}

fn no(says: Says, status: u16, code: &str, text: &str) -> Response {
    match says {
        Says::Words => done(json!({"ok": false, "signed_upload_url": "", "message": text})),
        Says::Status => told(status, code, text),
    }
}

fn told(status: u16, code: &str, text: &str) -> Response {
    reply(status, &json!({"code": code, "msg": text}))
}

fn message(status: u16, text: &str) -> Response {
    reply(status, &json!({"message": text}))
}

fn reply(status: u16, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::from_u16(status).unwrap(), headers, body.to_string()).into_response()
}
