//! What a workspace may have configured in the cloud cannot be read from here: it is told where it may matter, and only
//! there.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::arena::Arena;
use crate::fixtures;
use crate::scene::{MANAGED, REQUIREMENTS, SYSTEM, USER, run, write};

const NOTICE: &str = "the workspace's cloud configuration may restrict more; it cannot be read offline";
const ENTERPRISE: &str = "enterprise";
const BOTH: &str = "forced_login_method = \"chatgpt\"\nforced_chatgpt_workspace_id = \"acct-1\"\n";
const METHOD: &str = "forced_login_method = \"chatgpt\"\n";
const WORKSPACE: &str = "forced_chatgpt_workspace_id = \"acct-1\"\n";
/// No restriction, and yet a value that is too strong for the cloud.
const CLEARED: &str = "forced_login_method = \"chatgpt\"\nforced_chatgpt_workspace_id = []\n";

/// A full login of this plan.
fn of_plan(plan: &str) -> Value {
    let mut login = fixtures::chatgpt();
    let claims = json!({
        "https://api.openai.com/auth": {
            "chatgpt_plan_type": plan,
            "chatgpt_user_id": "user-1",
            "chatgpt_account_id": fixtures::ACCOUNT,
        },
    });
    let header = json!({ "alg": "none", "typ": "JWT" });
    let segments = [header.to_string(), claims.to_string(), "unsigned".to_owned()];
    login["tokens"]["id_token"] =
        segments.map(|segment| BASE64_URL_SAFE_NO_PAD.encode(segment)).join(".").into();
    login
}

/// Demands what is said of the cloud about this login, with these files and variables.
#[track_caller]
fn is_told(login: Option<&Value>, files: &[(&str, &str)], variables: &[(&str, &str)], expected: &str) {
    let arena = Arena::new();
    for (name, content) in files {
        write(&arena, name, content);
    }
    if let Some(login) = login {
        arena.sandbox.place(&fixtures::bytes(login));
    }
    for verb in [&["status"][..], &["enforce", "--dry-run"], &["enforce"]] {
        let ran = run(&arena, verb, variables);
        let said = format!("{verb:?} {files:?} {variables:?}: {} {}", ran.json, ran.stderr);
        assert_eq!(ran.json["policy"]["cloud"], expected, "{said}");
        let may_restrict_more = verb[0] == "enforce" && expected == "not-evaluated";
        assert_eq!(ran.stderr.contains(NOTICE), may_restrict_more, "{said}");
    }
    let ran = run(&arena, &["doctor"], variables);
    assert_eq!(ran.json.to_string().contains(NOTICE), expected == "not-evaluated", "doctor: {}", ran.json);
}

#[test]
fn only_the_plans_of_businesses_have_one() {
    for plan in ["business", ENTERPRISE, "edu", "enterprise_cbp_usage_based"] {
        is_told(Some(&of_plan(plan)), &[], &[], "not-evaluated");
    }
    for plan in ["free", "plus", "pro", "go", "team", "self_serve_business_usage_based", "Enterprise", ""] {
        is_told(Some(&of_plan(plan)), &[], &[], "not-applicable");
    }
    is_told(Some(&fixtures::api_key("sk-example")), &[], &[], "not-applicable");
    is_told(None, &[], &[], "not-applicable");
    // The client fetches it with the login in the home, whatever it uses.
    let variable = [("CODEX_API_KEY", "sk-example")];
    is_told(Some(&of_plan(ENTERPRISE)), &[], &variable, "not-evaluated");
}

/// It lies between the system's file and the user's, and is not fetched for a login that is forbidden anyway.
#[test]
fn it_changes_nothing_above_its_place() {
    let table: [(&[(&str, &str)], &str); 8] = [
        (&[(SYSTEM, BOTH)], "not-evaluated"),
        (&[(USER, METHOD)], "not-evaluated"),
        (&[(USER, WORKSPACE), (SYSTEM, METHOD)], "not-evaluated"),
        (&[(USER, BOTH)], "cannot-change"),
        (&[(USER, CLEARED)], "cannot-change"),
        (&[(USER, WORKSPACE), (MANAGED, METHOD)], "cannot-change"),
        (&[(SYSTEM, "forced_login_method = \"api\"\n")], "cannot-change"),
        (&[(REQUIREMENTS, "allowed_login_methods = [\"api\"]\n")], "cannot-change"),
    ];
    for (files, expected) in table {
        is_told(Some(&of_plan(ENTERPRISE)), files, &[], expected);
    }
}
