//! The endpoints: objects in the words of S3 and of GCS, and what gives out credentials.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::faults::{broken, refusal, slow};
use super::{Asked, BUCKET, Fault, Inner, Keeps, Object, On, SESSION};

const MOST: usize = 4 * 1024 * 1024;
const GENERATION: &str = "x-goog-if-generation-match";
/// Between looking and writing, where a server does that.
const GAP: Duration = Duration::from_millis(30);

/// A condition, as the request has it.
enum Condition {
    None,
    Absent,
    Tag(String),
    Generation(u64),
}

pub(super) async fn answer(State(shared): State<Arc<Mutex<Inner>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, MOST).await.unwrap_or_default().to_vec();
    let path = head.uri.path().trim_start_matches('/').to_owned();
    let Some(key) = path.strip_prefix(BUCKET).and_then(|rest| rest.strip_prefix('/')) else {
        return credentials(&shared, &path, &head.headers, head.uri.query().unwrap_or_default(), &body);
    };
    let condition = condition(&head.headers);
    let on = match (&head.method, &condition) {
        (&Method::GET, _) => On::Get,
        (&Method::DELETE, _) => On::Delete,
        (&Method::PUT, Condition::None) => On::Overwrite,
        (&Method::PUT, Condition::Absent) => On::Create,
        (&Method::PUT, _) => On::Update,
        _ => On::Other,
    };
    let (fault, keeps, is_down) = {
        let mut inner = shared.lock().unwrap();
        inner.asked.push(Asked { on, key: key.to_owned() });
        let authorization = ["authorization", "x-amz-security-token"].map(|name| text(&head.headers, name));
        inner.authorizations.push(authorization.join(" "));
        (inner.fault_for(on), inner.keeps, inner.is_down)
    };
    if is_down {
        return refusal(503, "ServiceUnavailable");
    }
    if text(&head.headers, "authorization").is_empty() {
        return refusal(403, "AccessDenied");
    }
    let process = || process(&shared, on, key, &condition, keeps, body.clone());
    match fault {
        None | Some(Fault::Nothing) => process().await,
        Some(Fault::Answer(status, code)) => refusal(status, code),
        Some(Fault::DoneAnd(status)) => {
            process().await;
            refusal(status, "InternalError")
        }
        Some(Fault::LoseReply) => {
            process().await;
            broken()
        }
        Some(Fault::LoseRequest) => broken(),
        Some(Fault::Late(duration)) => {
            tokio::time::sleep(duration).await;
            process().await
        }
        Some(Fault::SlowBody) => slow(),
        Some(Fault::Oversized { announced: true }) => tagged(&object(vec![b'x'; 200_000])),
        Some(Fault::Oversized { announced: false }) => {
            let answer = tagged(&object(vec![b'x'; 200_000]));
            let (head, body) = answer.into_parts();
            let stream = to_bytes(body, MOST).await.unwrap();
            let mut answer = Response::new(Body::new(Unannounced(Some(stream))));
            *answer.headers_mut() = head.headers;
            answer.headers_mut().remove(header::CONTENT_LENGTH);
            answer
        }
        Some(Fault::Page404) => (StatusCode::NOT_FOUND, "<html>nothing here</html>").into_response(),
        Some(Fault::NoTags) => {
            let mut answer = process().await;
            for name in ["etag", "x-goog-generation"] {
                answer.headers_mut().remove(name);
            }
            answer
        }
        Some(Fault::Overtaken(content)) => {
            shared.lock().unwrap().write(key, content);
            process().await
        }
    }
}

async fn process(
    shared: &Mutex<Inner>,
    on: On,
    key: &str,
    condition: &Condition,
    keeps: Keeps,
    body: Vec<u8>,
) -> Response {
    match on {
        On::Get => match shared.lock().unwrap().objects.get(key) {
            Some(object) => tagged(object),
            None => refusal(404, "NoSuchKey"),
        },
        On::Delete => {
            shared.lock().unwrap().objects.remove(key);
            StatusCode::NO_CONTENT.into_response()
        }
        On::Create | On::Update | On::Overwrite => {
            if keeps == Keeps::LooksThenWrites {
                if let Some(refused) = refused(&shared.lock().unwrap(), key, condition, keeps) {
                    return refused;
                }
                tokio::time::sleep(GAP).await;
                let object = shared.lock().unwrap().write(key, body);
                return tags_alone(&object);
            }
            let mut inner = shared.lock().unwrap();
            match refused(&inner, key, condition, keeps) {
                Some(refused) => refused,
                None => tags_alone(&inner.write(key, body)),
            }
        }
        On::Credentials | On::Other => refusal(405, "MethodNotAllowed"),
    }
}

fn refused(inner: &Inner, key: &str, condition: &Condition, keeps: Keeps) -> Option<Response> {
    let there = inner.objects.get(key);
    let is_kept = match condition {
        Condition::None => true,
        Condition::Absent => there.is_none() || keeps == Keeps::NotIfNoneMatch,
        Condition::Tag(_) | Condition::Generation(_) if keeps == Keeps::NotIfMatch => true,
        // As S3 says it of an object that is gone.
        Condition::Tag(_) if there.is_none() => return Some(refusal(404, "NoSuchKey")),
        Condition::Tag(tag) => there.is_some_and(|object| *tag == etag(&object.content)),
        Condition::Generation(generation) => there.is_some_and(|object| object.generation == *generation),
    };
    (!is_kept).then(|| refusal(412, "PreconditionFailed"))
}

fn condition(headers: &HeaderMap) -> Condition {
    let get = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (get("if-none-match"), get("if-match"), get(GENERATION)) {
        (_, _, Some("0")) | (Some("*"), _, None) => Condition::Absent,
        (_, _, Some(generation)) => Condition::Generation(generation.parse().unwrap_or(u64::MAX)),
        (_, Some(tag), None) => Condition::Tag(tag.to_owned()),
        _ => Condition::None,
    }
}

/// The tag of a content, as S3 has it: equal contents have the same.
fn etag(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    format!("\"{}\"", digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn object(content: Vec<u8>) -> Object {
    Object { content, generation: 1 }
}

fn tags_alone(object: &Object) -> Response {
    let headers = [("etag", etag(&object.content)), ("x-goog-generation", object.generation.to_string())];
    (headers, Body::empty()).into_response()
}

fn tagged(object: &Object) -> Response {
    let mut answer = tags_alone(object);
    let headers = answer.headers_mut();
    headers.insert(header::LAST_MODIFIED, "Thu, 01 Jan 2026 00:00:00 GMT".parse().unwrap());
    headers.insert(header::CONTENT_LENGTH, object.content.len().into());
    *answer.body_mut() = Body::from(object.content.clone());
    answer
}

/// STS, a container's address, and the machine's.
fn credentials(shared: &Mutex<Inner>, path: &str, headers: &HeaderMap, query: &str, body: &[u8]) -> Response {
    let body = String::from_utf8_lossy(body);
    let asked = format!("{query}&{body}");
    let mut inner = shared.lock().unwrap();
    inner.asked.push(Asked { on: On::Credentials, key: path.to_owned() });
    if let Some(Fault::Answer(status, code)) = inner.fault_for(On::Credentials) {
        return refusal(status, code);
    }
    if path.is_empty()
        && asked.contains("AssumeRoleWithWebIdentity")
        && asked.contains("WebIdentityToken=web-token")
    {
        let text = format!(
            "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
             <SessionToken>{SESSION}</SessionToken><SecretAccessKey>secret</SecretAccessKey>\
             <Expiration>2100-01-01T00:00:00Z</Expiration><AccessKeyId>sts-id</AccessKeyId></Credentials>\
             </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        );
        return ([(header::CONTENT_TYPE, "application/xml")], text).into_response();
    }
    if path == "container" && text(headers, "authorization") == "pod-token" {
        let text = format!(
            r#"{{"AccessKeyId":"pod-id","SecretAccessKey":"secret","Token":"{SESSION}","Expiration":"2100-01-01T00:00:00Z"}}"#
        );
        return ([(header::CONTENT_TYPE, "application/json")], text).into_response();
    }
    refusal(404, "NoSuchBucket")
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

struct Unannounced(Option<axum::body::Bytes>);

impl http_body::Body for Unannounced {
    type Data = axum::body::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        std::task::Poll::Ready(self.0.take().map(|bytes| Ok(http_body::Frame::data(bytes))))
    }
}
