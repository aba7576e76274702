//! What inputs come to, and what of the environment counts.

use super::*;

fn process(variables: &[(&str, &str)]) -> Environment {
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment::Fixed(owned.collect())
}

fn asked(variables: &[(&str, &str)]) -> Asked {
    read(&process(variables), Common::default())
}

#[test]
fn nothing_that_a_step_sets_decides_where_a_token_goes() {
    let poison = [
        ("AUTHBATON_STORE", "file:/evil"),
        ("AUTHBATON_HOME", "/evil"),
        ("AUTHBATON_SEAL_KEY", "evil"),
        ("AUTHBATON_JSON", "?"),
        ("CODEX_HOME", "/evil"),
        ("CODEX_REFRESH_TOKEN_URL_OVERRIDE", "http://evil"),
        ("GITHUB_TOKEN", "evil"),
        ("INPUT_AUTHORITY_URL", "http://evil"),
        ("INPUT_CODEX_HOME", "/evil"),
        ("NODE_OPTIONS", "--require /evil"),
        ("LD_PRELOAD", "/evil"),
        ("SSL_CERT_FILE", "/evil"),
        ("SSL_CERT_DIR", "/evil"),
        ("AWS_ACCESS_KEY_ID", "evil"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "evil"),
    ];
    let own = [("INPUT_STORE", "file:/s"), ("INPUT_SEAL-KEY", "key"), ("HOME", "/h"), ("GITHUB_REF", "r")];
    let Asked { common, environment, problems, .. } = asked(&[&poison[..], &own].concat());
    assert_eq!(problems, [""; 0]);
    assert_eq!(environment.names(), ["AUTHBATON_SEAL_KEY", "GITHUB_REF", "HOME"]);
    assert_eq!(environment.get("AUTHBATON_SEAL_KEY").as_deref().map(String::as_str), Some("key"));
    let whole = serde_json::to_string(&common).unwrap_or_default();
    assert!(!whole.contains("evil"), "{whole}");
    assert_eq!(common.store.as_deref(), Some("file:/s"));
}

#[test]
fn at_most_one_credential_is_given() {
    let all = [
        ("INPUT_OPENAI-API-KEY", "sk", LoginKind::ApiKey),
        ("INPUT_ACCESS-TOKEN", "at-x", LoginKind::AccessToken),
        ("INPUT_AUTH-JSON", "{}", LoginKind::AuthJson),
        ("INPUT_AUTH-JSON-FILE", "/f", LoginKind::AuthJson),
    ];
    for (first, (variable, value, kind)) in all.into_iter().enumerate() {
        let Asked { options, problems, .. } = asked(&[(variable, value)]);
        assert_eq!(options.credential.as_ref().map(|(kind, _)| *kind), Some(kind), "{variable}");
        assert!(problems.is_empty(), "{problems:?}");
        for (other, value_of_other, _) in all.iter().skip(first + 1) {
            let Asked { problems, .. } = asked(&[(variable, value), (other, value_of_other)]);
            assert_eq!(problems.len(), 1, "{variable} {other}");
            assert!(problems.iter().all(|it| it.contains("at most one credential")), "{problems:?}");
        }
    }
    assert!(asked(&[("INPUT_AUTH-JSON", " \n")]).options.credential.is_none(), "a secret that is missing");
}

#[test]
fn what_lasts_as_it_is_needs_no_store() {
    for (variable, needs) in
        [("INPUT_OPENAI-API-KEY", false), ("INPUT_ACCESS-TOKEN", false), ("INPUT_AUTH-JSON", true)]
    {
        let Asked { common, .. } = asked(&[(variable, "at-x"), ("INPUT_STORE", "nonsense")]);
        assert_eq!(common.store.is_some(), needs, "{variable}");
    }
}

#[test]
fn the_cache_is_the_repositorys_own() {
    let id = ("GITHUB_REPOSITORY_ID", "123");
    let audience = |more: &[(&str, &str)]| asked(&[&[id], more].concat()).common.audience;
    assert_eq!(audience(&[]).as_deref(), Some("123"));
    assert_eq!(audience(&[("INPUT_STORE", "actions-cache:?ref=refs/heads/x")]).as_deref(), Some("123"));
    assert_eq!(audience(&[("INPUT_AUDIENCE", "all")]).as_deref(), Some("all"));
    assert_eq!(audience(&[("INPUT_STORE", "file:/s")]), None);
}

#[test]
fn all_problems_are_told_at_once() {
    let Asked { problems, .. } = asked(&[
        ("INPUT_READ-ONLY", "maybe"),
        ("INPUT_REFRESH", "sometimes"),
        ("INPUT_BROKER", "?"),
        ("INPUT_MIN-TTL", "5"),
        ("INPUT_CLEANUP", "no"),
    ]);
    assert_eq!(problems.len(), 5, "{problems:?}");
}
