//! LLMX has a smaller set of layers, one workspace, and one variable.

use crate::arena::{Arena, Ran};
use crate::fixtures;
use crate::scene::{MANAGED, PROFILE, PROJECT, REQUIREMENTS, SYSTEM, USER, is_there, run, trust, write};

const LLMX_MANAGED: &str = "system/etc/llmx/managed_config.toml";
const LOOK: [&str; 4] = ["enforce", "--client", "llmx", "--dry-run"];
const ENFORCE: [&str; 3] = ["enforce", "--client", "llmx"];

fn with_login() -> Arena {
    let arena = Arena::new();
    arena.sandbox.place(&fixtures::bytes(&fixtures::chatgpt()));
    arena
}

fn message(ran: &Ran) -> &str {
    ran.json["error"]["message"].as_str().unwrap()
}

#[test]
fn only_its_own_layers_are_read() {
    let arena = with_login();
    let (system, requirements) = ("system/etc/llmx/config.toml", "system/etc/llmx/requirements.toml");
    let project = "work/.llmx/config.toml";
    for poisoned in [MANAGED, SYSTEM, REQUIREMENTS, PROFILE, PROJECT, system, requirements, project] {
        write(&arena, poisoned, "not toml\nforced_login_method = \"api\"\n");
    }
    let legacy = "profile = \"robot\"\nallowed_login_methods = [\"api\"]\n[profiles.robot]\nmodel = \"x\"\n";
    write(&arena, USER, &format!("{legacy}{}", trust(&arena)));
    let ran = run(&arena, &[&ENFORCE[..], &["--profile", "robot"]].concat(), &[]);
    ran.fine();
    let key = "`allowed_login_methods` is ignored: the client knows no such key";
    assert!(ran.stderr.contains(key), "{}", ran.stderr);
    assert_eq!(ran.json["policy"]["values"], serde_json::json!([]));
    // Those that it has, the strongest last.
    let layers: [(&str, &[&str], &str); 3] = [
        (USER, &[], "user"),
        ("unused", &["-c", "forced_login_method=api"], "flags"),
        (LLMX_MANAGED, &["-c", "forced_login_method=chatgpt"], "managed"),
    ];
    for (file, options, layer) in layers {
        write(&arena, file, "forced_login_method = \"api\"\n");
        let ran = run(&arena, &[&LOOK[..], options].concat(), &[]);
        ran.failed(4, "policy-would-log-out");
        assert_eq!(ran.json["policy"]["values"][0]["layer"], layer, "{}", ran.stderr);
        assert_eq!(ran.json["policy"]["values"][0]["value"], "api", "{}", ran.stderr);
    }
    run(&arena, &ENFORCE, &[]).failed(4, "policy-logged-out");
    assert!(!is_there(&arena.first().auth_json()));
}

#[test]
fn it_has_one_workspace_and_speaks_of_one() {
    let arena = with_login();
    let set = |value: &str| {
        write(&arena, LLMX_MANAGED, &format!("forced_chatgpt_workspace_id = {value}\n"));
    };
    set("[\"acct-1\"]");
    run(&arena, &LOOK, &[]).failed(2, "policy-invalid");
    set("\" acct-1 \"");
    run(&arena, &LOOK, &[]).fine();
    // It has never heard of commas: this is one odd id.
    for other in ["acct-2", "acct-1,acct-2"] {
        set(&format!("{other:?}"));
        let ran = run(&arena, &LOOK, &[]);
        ran.failed(4, "policy-would-log-out");
        let expected =
            format!("Login is restricted to workspace {other}, but current credentials belong to acct-1.");
        assert_eq!(message(&ran), expected);
    }
    let login = String::from_utf8(fixtures::bytes(&fixtures::chatgpt())).unwrap();
    let seed = ["login", "--client", "llmx", "--with-auth-json", "--store", "home:"];
    let ran = arena.run_only(&arena.first(), &seed, &login);
    ran.failed(4, "policy-forbidden");
    assert_eq!(message(&ran), "Login is restricted to workspace id acct-1,acct-2.");
}

#[test]
fn its_variable_is_judged_and_those_of_codex_are_not() {
    let arena = with_login();
    write(&arena, LLMX_MANAGED, "forced_login_method = \"chatgpt\"\n");
    let secret = "sk-hunter2-canary";
    let of_codex = [("CODEX_API_KEY", secret), ("OPENAI_API_KEY", secret), ("LLMX_API_KEY", " \n")];
    run(&arena, &ENFORCE, &of_codex).fine();
    let ran = run(&arena, &ENFORCE, &[("LLMX_API_KEY", secret)]);
    ran.failed(4, "policy-environment");
    let expected = "the credential in `LLMX_API_KEY` is not allowed: ChatGPT login is required, but an API key is \
                    currently being used.";
    assert_eq!(message(&ran), expected);
    assert!(!format!("{}{}", ran.json, ran.stderr).contains(secret));
    assert!(is_there(&arena.first().auth_json()), "the file is allowed");
    write(&arena, LLMX_MANAGED, "forced_login_method = \"api\"\n");
    let ran = run(&arena, &ENFORCE, &[("LLMX_API_KEY", secret)]);
    assert_eq!(ran.fine().json["policy"]["active"], "LLMX_API_KEY", "{}", ran.stderr);
}

/// It knows no memory of its process; and a keyring it does.
#[test]
fn its_stores_of_credentials() {
    let arena = with_login();
    for (store, id) in [("keyring", "credentials-store-unsupported"), ("ephemeral", "policy-invalid")] {
        write(
            &arena,
            LLMX_MANAGED,
            &format!("forced_login_method = \"api\"\ncli_auth_credentials_store = \"{store}\"\n"),
        );
        run(&arena, &ENFORCE, &[]).failed(2, id);
        assert!(is_there(&arena.first().auth_json()));
    }
}
