//! The table, event by event: every one of GitHub's documentation ("Events that trigger workflows"), and some that are not.

use serde_json::{Value, json};

use super::*;

const MAIN: &str = "refs/heads/main";

fn payload(extra: Value) -> Payload {
    let mut whole = json!({"repository": {"id": 1, "default_branch": "main"}, "sender": {"login": "x"}});
    if let (Some(whole), Value::Object(extra)) = (whole.as_object_mut(), extra) {
        whole.extend(extra);
    }
    Payload::parse(whole.to_string().as_bytes()).unwrap()
}

fn judge(event: &str, reference: &str, payload: Option<&Payload>) -> Trust {
    Trust::of(&Occasion { event, reference: Some(reference), actor: Some("x"), payload, has_secrets: true })
}

fn pull_request(head: Value) -> Value {
    json!({"pull_request": {"head": {"repo": head}, "author_association": "OWNER"}})
}

fn with(mut one: Value, other: Value) -> Value {
    if let (Some(one), Value::Object(other)) = (one.as_object_mut(), other) {
        one.extend(other);
    }
    one
}

#[test]
fn the_default_branch_alone_writes() {
    let known = payload(json!({}));
    for event in ["push", "workflow_dispatch", "repository_dispatch", "schedule"] {
        assert_eq!(judge(event, MAIN, Some(&known)), Trust::Write, "{event}");
        for other in ["refs/heads/feature", "refs/heads/x/main", "refs/tags/main", "refs/pull/1/merge", "main", ""] {
            assert_eq!(judge(event, other, Some(&known)), Trust::ReadOnly(BRANCH), "{event} {other}");
        }
        // Without a payload nobody can say which branch is the default one; a schedule runs on no other.
        let blind = if event == "schedule" { Trust::Write } else { Trust::ReadOnly(BRANCH) };
        assert_eq!(judge(event, MAIN, None), blind, "{event}");
        assert_eq!(judge(event, MAIN, Some(&Payload::default())), blind, "{event}");
    }
}

#[test]
fn pull_requests_are_judged_by_where_their_code_comes_from() {
    let own = payload(pull_request(json!({"id": 1, "fork": false})));
    // A repository that is itself a fork has pull requests of its own, too.
    let own_of_fork = payload(pull_request(json!({"id": 1, "fork": true})));
    for payload in [own, own_of_fork] {
        assert_eq!(judge("pull_request", "refs/pull/1/merge", Some(&payload)), Trust::ReadOnly(OWN_PULL_REQUEST));
    }
    let strange = [
        Some(payload(pull_request(json!({"id": 2, "fork": true})))),
        Some(payload(pull_request(json!({"id": 2, "fork": false})))),
        Some(payload(pull_request(Value::Null))),
        Some(payload(json!({"pull_request": {}}))),
        Some(payload(json!({}))),
        Some(Payload::default()),
        None,
    ];
    for (number, payload) in strange.iter().enumerate() {
        for event in ["pull_request", "pull_request_review", "pull_request_review_comment"] {
            assert_eq!(judge(event, "refs/pull/1/merge", payload.as_ref()), FORK, "{event} {number}");
        }
    }
}

#[test]
fn comments_are_judged_by_who_wrote_them() {
    let own = pull_request(json!({"id": 1}));
    let events = [
        ("issue_comment", "comment"),
        ("discussion_comment", "comment"),
        ("pull_request_review_comment", "comment"),
        ("pull_request_review", "review"),
        ("issues", "issue"),
        ("discussion", "discussion"),
    ];
    for (event, part) in events {
        for trusted in ["OWNER", "MEMBER", "COLLABORATOR"] {
            let payload = payload(with(own.clone(), json!({part: {"author_association": trusted}})));
            assert_eq!(judge(event, MAIN, Some(&payload)), Trust::ReadOnly(OWN_PEOPLE), "{event} {trusted}");
        }
        let strangers = ["CONTRIBUTOR", "FIRST_TIMER", "FIRST_TIME_CONTRIBUTOR", "MANNEQUIN", "NONE", "owner", ""];
        for stranger in strangers {
            let payload = payload(with(own.clone(), json!({part: {"author_association": stranger}})));
            assert_eq!(judge(event, MAIN, Some(&payload)), STRANGER, "{event} {stranger}");
        }
        assert_eq!(judge(event, MAIN, Some(&payload(own.clone()))), STRANGER, "{event} without an author");
        // Who wrote the issue says nothing of who comments on it.
        let other = json!({"issue": {"author_association": "OWNER"}, "x": {"author_association": "OWNER"}});
        if part != "issue" {
            assert_eq!(judge(event, MAIN, Some(&payload(with(own.clone(), other)))), STRANGER, "{event}");
        }
    }
    let of_member = json!({"review": {"author_association": "OWNER"}, "comment": {"author_association": "OWNER"}});
    let fork = payload(with(pull_request(json!({"id": 2})), of_member));
    for event in ["pull_request_review", "pull_request_review_comment"] {
        assert_eq!(judge(event, "refs/pull/1/merge", Some(&fork)), FORK, "{event} of an owner, of a fork's code");
    }
}

#[test]
fn what_follows_another_run_is_judged_by_that_one() {
    let run = |event: &str, repository: Value| {
        payload(json!({"workflow_run": {"event": event, "head_repository": repository}}))
    };
    let own = json!({"id": 1});
    for event in ["push", "schedule", "workflow_dispatch", "pull_request", "merge_group", "release"] {
        assert_eq!(judge("workflow_run", MAIN, Some(&run(event, own.clone()))), Trust::ReadOnly(OWN_EVENT), "{event}");
        for other in [json!({"id": 2}), Value::Null] {
            assert_eq!(judge("workflow_run", MAIN, Some(&run(event, other))), FORK, "{event}");
        }
    }
    for event in ["pull_request_target", "issue_comment", "issues", "fork", "watch", "workflow_run", "", "new"] {
        assert_eq!(judge("workflow_run", MAIN, Some(&run(event, own.clone()))), CASCADE, "{event}");
    }
    assert_eq!(judge("workflow_run", MAIN, None), CASCADE);
}

#[test]
fn every_other_event_is_in_the_table_or_refused() {
    let known = payload(json!({}));
    let own = [
        "branch_protection_rule", "create", "delete", "deployment", "deployment_status", "image_version", "label",
        "merge_group", "milestone", "page_build", "project", "project_card", "project_column", "public",
        "registry_package", "release",
    ];
    let rows = own.map(|event| (event, Trust::ReadOnly(OWN_EVENT))).into_iter().chain([
        ("pull_request_target", TARGET),
        ("check_run", ANYBODY),
        ("check_suite", ANYBODY),
        ("fork", ANYBODY),
        ("gollum", ANYBODY),
        ("pull_request_comment", ANYBODY),
        ("status", ANYBODY),
        ("watch", ANYBODY),
        // `workflow_call` is never an event's name: a called workflow has its caller's.
        ("workflow_call", UNKNOWN),
        ("invented_tomorrow", UNKNOWN),
        ("PUSH", UNKNOWN),
        ("", UNKNOWN),
    ]);
    for (event, expected) in rows {
        for reference in [MAIN, "refs/heads/other"] {
            assert_eq!(judge(event, reference, Some(&known)), expected, "{event}");
            assert_eq!(judge(event, reference, None), expected, "{event} without a payload");
        }
    }
}

#[test]
fn dependabot_needs_secrets_of_its_own() {
    let known = payload(pull_request(json!({"id": 1})));
    for event in ["push", "pull_request", "pull_request_target", "issue_comment", "schedule"] {
        let of = |actor, has_secrets| {
            let payload = Some(&known);
            Trust::of(&Occasion { event, reference: Some(MAIN), actor, payload, has_secrets })
        };
        assert_eq!(of(Some(DEPENDABOT), false), NO_SECRETS, "{event}");
        assert_eq!(of(Some(DEPENDABOT), true), of(Some("x"), true), "{event}");
        assert_eq!(of(Some("x"), false), of(Some("x"), true), "{event}");
    }
}

#[test]
fn what_is_allowed_by_hand_never_writes() {
    for refused in [FORK, STRANGER, TARGET, CASCADE, ANYBODY, UNKNOWN, NO_SECRETS] {
        assert_eq!(refused.or_read_only(false), refused);
        assert!(matches!(refused.or_read_only(true), Trust::ReadOnly(_)), "{refused:?}");
    }
    for other in [Trust::Write, Trust::ReadOnly(BRANCH)] {
        assert_eq!(other.or_read_only(true), other);
    }
}

#[test]
fn a_payload_that_is_none_is_not_believed() {
    for bytes in ["", "[]", "null", "{", r#"{"repository":{"id":"1"}}"#, r#"{"comment":{"author_association":5}}"#] {
        assert!(Payload::parse(bytes.as_bytes()).is_none(), "{bytes}");
    }
    assert!(Payload::parse(br#"{"comment":null,"pull_request":null,"unknown":[1.5]}"#).is_some());
}
