//! What is in force, which layer and file says so, and what that overrode, in order: `enforce --dry-run` and `status`.
//! The text of a smaller world, word for word, is in `tests/cmd`.

use serde_json::{Value, json};

use crate::arena::Arena;
use crate::scene::{MANAGED, PROFILE, PROJECT, REQUIREMENTS, SYSTEM, USER, WITH_PROFILE, run, trust, write};
use crate::{fixtures, launch};

const FLAGS: [&str; 6] = [
    "-c",
    "forced_login_method=chatgpt",
    "-c",
    "forced_chatgpt_workspace_id=[\"acct-1\", \"F\"]",
    "-c",
    "cli_auth_credentials_store=ephemeral",
];

/// Every layer is there. The method is named in all, the workspaces in some, the store in a few.
fn with_everything() -> Arena {
    let arena = Arena::new();
    arena.sandbox.place(&fixtures::bytes(&fixtures::chatgpt()));
    write(&arena, SYSTEM, "forced_login_method = \"api\"\nforced_chatgpt_workspace_id = \"S\"\n");
    let user = "forced_login_method = \"nonsense\"\ncli_auth_credentials_store = \"keyring\"\n";
    write(&arena, USER, &format!("{user}{}", trust(&arena)));
    write(&arena, PROFILE, "forced_login_method = \"api\"\nforced_chatgpt_workspace_id = [\"P\"]\n");
    write(&arena, PROJECT, "forced_login_method = 5\n");
    write(&arena, MANAGED, "forced_login_method = \"chatgpt\"\n");
    write(
        &arena,
        REQUIREMENTS,
        "allowed_login_methods = [\"chatgpt\"]\nallowed_chatgpt_workspaces = [\"acct-1\", \"R\"]\n\
         cli_auth_credentials_store = \"file\"\n",
    );
    arena
}

fn file(arena: &Arena, name: &str) -> String {
    let path = arena.sandbox.path(name);
    // The directory in which a process runs is known by its real path.
    let path = if name == PROJECT { path.canonicalize().unwrap() } else { path };
    path.to_str().unwrap().to_owned()
}

/// The layers that say something about a key, the strongest first, as the report has them.
fn value(arena: &Arena, key: &str, layers: &[(&str, Value, Option<&str>)]) -> Value {
    let row = |(layer, value, name): &(&str, Value, Option<&str>)| json!({ "value": value, "layer": layer, "file": name.map(|it| file(arena, it)) });
    let (strongest, others) = layers.split_first().unwrap();
    let mut whole = row(strongest);
    whole["key"] = key.into();
    whole["overrides"] = others.iter().map(row).collect();
    whole
}

fn expected(arena: &Arena) -> Value {
    json!([
        value(
            arena,
            "forced_login_method",
            &[
                ("managed", json!("chatgpt"), Some(MANAGED)),
                ("flags", json!("chatgpt"), None),
                ("project", json!(5), Some(PROJECT)),
                ("profile", json!("api"), Some(PROFILE)),
                ("user", json!("nonsense"), Some(USER)),
                ("system", json!("api"), Some(SYSTEM)),
            ]
        ),
        value(
            arena,
            "forced_chatgpt_workspace_id",
            &[
                ("flags", json!(["acct-1", "F"]), None),
                ("profile", json!(["P"]), Some(PROFILE)),
                ("system", json!("S"), Some(SYSTEM)),
            ]
        ),
        value(arena, "allowed_login_methods", &[("requirements", json!(["chatgpt"]), Some(REQUIREMENTS))]),
        value(
            arena,
            "allowed_chatgpt_workspaces",
            &[("requirements", json!(["acct-1", "R"]), Some(REQUIREMENTS))]
        ),
        value(
            arena,
            "cli_auth_credentials_store",
            &[
                ("requirements", json!("file"), Some(REQUIREMENTS)),
                ("flags", json!("ephemeral"), None),
                ("user", json!("keyring"), Some(USER)),
            ]
        ),
    ])
}

#[test]
fn every_value_with_its_layer_its_file_and_what_it_overrode() {
    let arena = with_everything();
    for verb in [&["enforce", "--dry-run"][..], &["enforce"], &["status"]] {
        let ran = run(&arena, &[verb, &WITH_PROFILE, &FLAGS].concat(), &[]);
        let policy = &ran.fine().json["policy"];
        assert_eq!(policy["values"], expected(&arena), "{verb:?}");
        assert_eq!(
            (&policy["verdict"], &policy["active"], &policy["methods"], &policy["workspaces"]),
            (&json!("allowed"), &json!("auth.json"), &json!(["chatgpt"]), &json!(["acct-1"])),
            "{verb:?}"
        );
        assert_eq!(policy["credentials_store"], "file", "{verb:?}");
    }
}

/// Take the strongest away, and the next one is in force: the order that is told is the order that counts.
#[test]
fn without_its_strongest_layer_a_value_comes_from_the_next() {
    let arena = with_everything();
    write(&arena, PROJECT, "forced_login_method = \"chatgpt\"\n");
    write(&arena, USER, &format!("forced_login_method = \"chatgpt\"\n{}", trust(&arena)));
    let look = |options: &[&str]| {
        let ran = run(&arena, &[&["enforce", "--dry-run"], options].concat(), &[]);
        let values = ran.json["policy"]["values"].as_array().cloned().unwrap_or_default();
        let method = values.into_iter().find(|it| it["key"] == "forced_login_method");
        method.map(|it| (it["layer"].as_str().unwrap().to_owned(), it["overrides"].as_array().unwrap().len()))
    };
    let with_flags = [&WITH_PROFILE[..], &FLAGS].concat();
    let layer = |name: &str, overridden| Some((name.to_owned(), overridden));
    // Where all that is left contradicts `requirements.toml`, nobody could log in.
    write(&arena, REQUIREMENTS, "");
    assert_eq!(look(&with_flags), layer("managed", 5));
    std::fs::remove_file(arena.sandbox.path(MANAGED)).unwrap();
    assert_eq!(look(&with_flags), layer("flags", 4));
    assert_eq!(look(&WITH_PROFILE), layer("project", 3));
    std::fs::remove_file(arena.sandbox.path(PROJECT)).unwrap();
    assert_eq!(look(&WITH_PROFILE), layer("profile", 2));
    assert_eq!(look(&[]), layer("user", 1));
    std::fs::remove_file(arena.sandbox.path(USER)).unwrap();
    assert_eq!(look(&[]), layer("system", 0));
    std::fs::remove_file(arena.sandbox.path(SYSTEM)).unwrap();
    assert_eq!(look(&[]), None);
}

/// Our options are told by themselves: they are no layers, and override nothing.
#[test]
fn our_options_are_told_as_what_they_are() {
    let arena = with_everything();
    let ours = write(&arena, "ours.toml", "forced_chatgpt_workspace_id = [\"acct-1\", \"X\"]\n");
    let ours = ours.to_str().unwrap();
    let options = ["--managed-config", ours, "--forced-login-method", "chatgpt"];
    let ran = run(&arena, &[&["status"], &WITH_PROFILE[..], &FLAGS, &options].concat(), &[]);
    let policy = &ran.fine().json["policy"];
    assert_eq!(policy["values"], expected(&arena));
    let method = json!({
        "source": "--forced-login-method",
        "forced_login_method": "chatgpt",
        "forced_chatgpt_workspace_id": null,
    });
    let workspaces = json!({
        "source": format!("--managed-config ({ours})"),
        "forced_login_method": null,
        "forced_chatgpt_workspace_id": ["acct-1", "X"],
    });
    assert_eq!(policy["constraints"], json!([method, workspaces]));
}

/// The project's line can only be seen here: its trust names an absolute path.
#[test]
fn people_are_told_the_same_in_lines() {
    let arena = with_everything();
    let mut command = arena.sandbox.authbaton("enforce");
    command.arg("--dry-run").args(WITH_PROFILE).args(FLAGS);
    let ended = launch::start(&mut command, "").end();
    let of = |name: &str| file(&arena, name);
    let expected = format!(
        "policy              allowed\n  \
           methods           chatgpt\n  \
           workspaces        acct-1\n  \
           forced_login_method = \"chatgpt\" from managed ({}), over \"chatgpt\" from -c, over 5 from project ({}), \
           over \"api\" from profile ({}), over \"nonsense\" from user ({}), over \"api\" from system ({})\n  \
           forced_chatgpt_workspace_id = [\"acct-1\",\"F\"] from -c, over [\"P\"] from profile ({}), \
           over \"S\" from system ({})\n  \
           allowed_login_methods = [\"chatgpt\"] from requirements ({requirements})\n  \
           allowed_chatgpt_workspaces = [\"acct-1\",\"R\"] from requirements ({requirements})\n  \
           cli_auth_credentials_store = \"file\" from requirements ({requirements}), over \"ephemeral\" from -c, \
           over \"keyring\" from user ({})\n",
        of(MANAGED),
        of(PROJECT),
        of(PROFILE),
        of(USER),
        of(SYSTEM),
        of(PROFILE),
        of(SYSTEM),
        of(USER),
        requirements = of(REQUIREMENTS),
    );
    assert_eq!((ended.code, ended.stdout), (Some(0), expected));
    assert_eq!(ended.stderr, "the login in the home is allowed\n");
}
