//! How runs are started: what GitHub says of an event, and what the token of such a run may do in the cache. The payloads
//! have GitHub's names and shapes, of the parts that tell who and whence.

use serde_json::{Value, json};

/// The repository; forks have other numbers.
pub(crate) const REPOSITORY: u64 = 4711;
pub(crate) const MAIN: &str = "refs/heads/main";

const READ: u64 = 1;
const WRITE: u64 = 3;

/// How one run was started.
#[derive(Clone)]
pub(crate) struct Trigger {
    pub(crate) event: &'static str,
    pub(crate) reference: String,
    pub(crate) base: &'static str,
    pub(crate) payload: Value,
    /// Refs with what the token may do there, as its claim `ac` has them.
    pub(crate) scopes: Vec<(String, u64)>,
    /// `ACTIONS_CACHE_MODE`.
    pub(crate) mode: Option<&'static str>,
    /// Runs of forks get no secrets.
    pub(crate) has_secrets: bool,
}

impl Trigger {
    fn new(event: &'static str, reference: &str, own: u64, payload: Value) -> Self {
        let mut scopes = vec![(reference.to_owned(), own)];
        if reference != MAIN {
            scopes.push((MAIN.to_owned(), READ));
        }
        let mut all = json!({
            "repository": repository(REPOSITORY, "octo/relay"),
            "sender": { "login": "somebody", "type": "User" },
        });
        all.as_object_mut().unwrap().extend(payload.as_object().unwrap().clone());
        let reference = reference.to_owned();
        Self { event, reference, base: "", payload: all, scopes, mode: None, has_secrets: true }
    }

    /// A push to the default branch.
    pub(crate) fn push() -> Self {
        Self::new("push", MAIN, WRITE, json!({ "ref": MAIN }))
    }

    /// The schedule, which runs on the default branch.
    pub(crate) fn schedule() -> Self {
        Self::new("schedule", MAIN, WRITE, json!({ "schedule": "0 4 * * 1" }))
    }

    /// A push to another branch.
    pub(crate) fn push_to(branch: &str) -> Self {
        let reference = format!("refs/heads/{branch}");
        Self::new("push", &reference, WRITE, json!({ "ref": reference }))
    }

    /// A pull request from a branch of the repository.
    pub(crate) fn pull_request() -> Self {
        Self { base: "main", ..Self::of_pull_request("pull_request", REPOSITORY, "octo/relay") }
    }

    /// A pull request from a fork. It may write a scope of its own, but has no secrets.
    pub(crate) fn fork() -> Self {
        let run = Self::of_pull_request("pull_request", 815, "stranger/repository");
        Self { base: "main", has_secrets: false, ..run }
    }

    /// The same by `pull_request_target`: on the default branch, with secrets, and with a token that only reads.
    pub(crate) fn pull_request_target() -> Self {
        let run = Self::of_pull_request("pull_request_target", 815, "stranger/repository");
        Self { base: "main", reference: MAIN.to_owned(), scopes: vec![(MAIN.to_owned(), READ)], ..run }
    }

    /// A comment by somebody who stands to the repository in this way. Its token only reads.
    pub(crate) fn comment(association: &str) -> Self {
        let payload = json!({
            "action": "created",
            "issue": { "number": 7, "author_association": "NONE", "user": { "login": "somebody" } },
            "comment": { "id": 1, "author_association": association, "user": { "login": "somebody" } },
        });
        Self::new("issue_comment", MAIN, READ, payload)
    }

    /// The same run with a token that only reads.
    pub(crate) fn read_only(mut self) -> Self {
        self.scopes.iter_mut().for_each(|(_, permission)| *permission = READ);
        self
    }

    /// The same run with this `ACTIONS_CACHE_MODE`.
    pub(crate) fn with_mode(self, mode: &'static str) -> Self {
        Self { mode: Some(mode), ..self }
    }

    fn of_pull_request(event: &'static str, id: u64, name: &str) -> Self {
        let association = if id == REPOSITORY { "MEMBER" } else { "NONE" };
        let payload = json!({
            "action": "synchronize",
            "number": 7,
            "pull_request": {
                "number": 7,
                "author_association": association,
                "head": { "ref": "topic", "repo": repository(id, name) },
                "base": { "ref": "main", "repo": repository(REPOSITORY, "octo/relay") },
            },
        });
        Self::new(event, "refs/pull/7/merge", WRITE, payload)
    }
}

fn repository(id: u64, name: &str) -> Value {
    json!({ "id": id, "full_name": name, "fork": id != REPOSITORY, "default_branch": "main", "private": false })
}
