//! Which document is which kind of credential, for either client, and what each kind must have.

use super::Unusable::{
    BlankApiKey, Headers, NoAgentIdentity, NoApiKey, NoBedrockKeys, NoPersonalAccessToken, Nothing,
};
use super::*;

type Verdict = Result<Mode, Unusable>;

fn verdicts(value: &Value) -> [Verdict; 2] {
    CLIENTS.map(|client| Credential::new(client, document(value)).map(|credential| credential.mode()))
}

fn check(table: &[(Value, Verdict, Verdict)]) {
    for (value, codex, llmx) in table {
        assert_eq!(verdicts(value), [*codex, *llmx], "{value}");
    }
}

#[test]
fn api_keys() {
    let tokens = Sample::default().document()["tokens"].clone();
    let key = Ok(Mode::ApiKey);
    let missing = Err(NoApiKey);
    let blank = Err(BlankApiKey);
    check(&[
        (json!({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-test"}), key, key),
        (json!({"auth_mode": null, "OPENAI_API_KEY": "sk-test"}), key, key),
        (json!({"OPENAI_API_KEY": "sk-test"}), key, key),
        (json!({"OPENAI_API_KEY": "sk-test", "tokens": tokens}), key, key),
        // Even an empty key decides the mode.
        (json!({"OPENAI_API_KEY": "", "tokens": tokens}), blank, blank),
        (json!({"OPENAI_API_KEY": " \t"}), blank, blank),
        (json!({"auth_mode": "apikey", "OPENAI_API_KEY": null}), missing, Err(Nothing)),
        (json!({"auth_mode": "apikey", "tokens": tokens}), missing, Ok(Mode::Chatgpt)),
        (
            json!({"auth_mode": "chatgpt", "OPENAI_API_KEY": "sk-test", "tokens": tokens}),
            Ok(Mode::Chatgpt),
            key,
        ),
    ]);
}

#[test]
fn chatgpt_logins() {
    let tokens = Sample::default().document()["tokens"].clone();
    let chatgpt = Ok(Mode::Chatgpt);
    let nothing = Err(Nothing);
    check(&[
        (json!({"tokens": tokens}), chatgpt, chatgpt),
        (json!({"auth_mode": "chatgpt", "tokens": tokens}), chatgpt, chatgpt),
        (json!({"auth_mode": "chatgptAuthTokens", "tokens": tokens}), Ok(Mode::ChatgptAuthTokens), chatgpt),
        (json!({}), nothing, nothing),
        (json!({"OPENAI_API_KEY": null, "tokens": null}), nothing, nothing),
        (json!({"auth_mode": "chatgpt"}), nothing, nothing),
        (json!({"auth_mode": "chatgptAuthTokens"}), nothing, nothing),
        (json!({"auth_mode": "headers", "tokens": tokens}), Err(Headers), chatgpt),
    ]);
}

#[test]
fn credentials_that_only_codex_knows() {
    let nothing = Err(Nothing);
    let token = Ok(Mode::PersonalAccessToken);
    let api_key = json!({"api_key": "k", "region": "r"});
    let access_keys = json!({"access_key_id": "i", "secret_access_key": "s", "region": "r"});
    let record = json!({"agent_runtime_id": "r", "account_id": "account-a", "weight": 1.5});
    check(&[
        (json!({"auth_mode": "personalAccessToken", "personal_access_token": "at-x"}), token, nothing),
        (json!({"OPENAI_API_KEY": null, "personal_access_token": "at-x"}), token, nothing),
        (json!({"auth_mode": "personalAccessToken"}), Err(NoPersonalAccessToken), nothing),
        (json!({"personal_access_token": " "}), Err(NoPersonalAccessToken), nothing),
        (json!({"auth_mode": "agentIdentity", "agent_identity": "a.b.c"}), Ok(Mode::AgentIdentity), nothing),
        (json!({"auth_mode": "agentIdentity", "agent_identity": record}), Ok(Mode::AgentIdentity), nothing),
        (json!({"auth_mode": "agentIdentity"}), Err(NoAgentIdentity), nothing),
        (json!({"agent_identity": "a.b.c"}), nothing, nothing),
        (json!({"auth_mode": "bedrockApiKey", "bedrock_api_key": api_key}), Ok(Mode::BedrockApiKey), nothing),
        (json!({"bedrock_api_key": api_key}), Ok(Mode::BedrockApiKey), nothing),
        (
            json!({"auth_mode": "bedrockApiKey", "bedrock_access_keys": access_keys}),
            Err(NoBedrockKeys),
            nothing,
        ),
        (json!({"bedrock_access_keys": access_keys}), Ok(Mode::BedrockAccessKeys), nothing),
        (json!({"auth_mode": "bedrockAccessKeys"}), Err(NoBedrockKeys), nothing),
    ]);
}

#[test]
fn without_a_mode_the_first_of_what_is_there_decides() {
    let api_key = json!({"api_key": "k", "region": "r"});
    let access_keys = json!({"access_key_id": "i", "secret_access_key": "s", "region": "r"});
    let mut all = Sample::default().document();
    all["auth_mode"] = Value::Null;
    all["OPENAI_API_KEY"] = "sk-test".into();
    all["bedrock_access_keys"] = access_keys;
    all["bedrock_api_key"] = api_key;
    all["personal_access_token"] = "at-x".into();
    let order = [
        ("personal_access_token", Mode::PersonalAccessToken),
        ("bedrock_api_key", Mode::BedrockApiKey),
        ("bedrock_access_keys", Mode::BedrockAccessKeys),
        ("OPENAI_API_KEY", Mode::ApiKey),
        ("tokens", Mode::Chatgpt),
    ];
    for (name, mode) in order {
        assert_eq!(credential(Client::Codex, &all).mode(), mode);
        all[name] = Value::Null;
    }
}

#[test]
fn a_credential_tells_whose_it_is_only_where_its_mode_says_so() {
    let mut value = Sample::default().document();
    let account = |value: &Value| credential(Client::Codex, value).account_id();
    assert_eq!(account(&value).as_deref(), Some("account-a"));
    value["OPENAI_API_KEY"] = "sk-test".into();
    value["auth_mode"] = "apikey".into();
    let key = credential(Client::Codex, &value);
    assert!(key.account_id().is_none() && key.id_claims().is_none() && key.lifetime().is_none());
    assert!(
        !key.is_access_only() && !key.has_refresh_token(),
        "the tokens beside an API key are not its own"
    );
    let identity = |value: Value| account(&json!({"auth_mode": "agentIdentity", "agent_identity": value}));
    assert_eq!(identity(json!({"account_id": "account-b"})).as_deref(), Some("account-b"));
    assert_eq!(identity(jwt(&json!({"account_id": "account-c"})).into()).as_deref(), Some("account-c"));
    assert_eq!(identity("opaque".into()), None);
}

#[test]
fn what_we_make_ourselves_reads_back_as_what_it_is() {
    let key = api_key(b"sk-test").unwrap();
    for client in CLIENTS {
        let made = Credential::of_api_key(client, &key);
        assert_eq!(made.mode(), Mode::ApiKey);
        assert_eq!(credential(client, &written(&made)).mode(), Mode::ApiKey);
        assert_eq!(written(&made).get("auth_mode").is_some(), client == Client::Codex);
    }
    let made = Credential::of_personal_access_token(&personal_access_token(b"at-x").unwrap());
    let text = "{\n  \"OPENAI_API_KEY\": null,\n  \"personal_access_token\": \"at-x\"\n}";
    assert_eq!(made.to_text().as_str(), text);
    assert_eq!(credential(Client::Codex, &written(&made)).mode(), Mode::PersonalAccessToken);
}
