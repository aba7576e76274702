//! What the tests of several rooms share: how many cases they try, and logins that nobody ever had.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::test_runner::{Config, RngSeed};
use serde_json::{Value, json};

use crate::credential::{AuthJson, Client, Credential, FullLogin};

/// Returns how a property is tried: always with the same cases, and with many more of them when
/// `AUTHBATON_TEST_SIZE=full` asks for them.
pub(crate) fn config(smoke: u32, full: u32) -> Config {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests have no job that could tell them how thorough to be"
    )]
    let is_full = std::env::var("AUTHBATON_TEST_SIZE").is_ok_and(|size| size == "full");
    Config {
        cases: if is_full { full } else { smoke },
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_120),
        ..Config::default()
    }
}

/// Tells whether a type implements a trait. The inherent constant exists only if it does, and wins where both exist;
/// the underscores are for the one of the two that is not used.
macro_rules! implements {
    ($type:ty: $($bound:tt)+) => {{
        trait _Otherwise {
            const _YES: bool = false;
        }
        impl<T: ?Sized> _Otherwise for T {}
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        impl<T: ?Sized + $($bound)+> Probe<T> {
            const _YES: bool = true;
        }
        <Probe<$type>>::_YES
    }};
}
pub(crate) use implements;

/// Returns an unsigned JWT.
pub(crate) fn jwt(payload: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(&json!({"alg": "none"})), part(payload))
}

/// A login that nobody ever had.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) refresh_token: String,
    pub(crate) account: &'static str,
    pub(crate) user: Option<&'static str>,
    pub(crate) issued_at: Option<i64>,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            refresh_token: "refresh-0".to_owned(),
            account: "account-a",
            user: Some("user-a"),
            issued_at: Some(1_800_000_000),
        }
    }
}

impl Sample {
    /// Returns the payload that both of its JWTs have.
    pub(crate) fn claims(&self) -> Value {
        let auth = json!({"chatgpt_account_id": self.account, "chatgpt_user_id": self.user, "chatgpt_plan_type": "pro"});
        json!({"iat": self.issued_at, "exp": 1_900_000_000, "https://api.openai.com/auth": auth})
    }

    /// Returns its `auth.json`, as a value that a test may bend.
    pub(crate) fn document(&self) -> Value {
        let token = jwt(&self.claims());
        json!({
            "auth_mode": "chatgpt",
            "OPENAI_API_KEY": null,
            "tokens": {
                "id_token": token,
                "access_token": token,
                "refresh_token": self.refresh_token,
                "account_id": self.account,
            },
            "last_refresh": "2026-11-20T16:09:02.763734149Z",
        })
    }

    pub(crate) fn login(&self) -> FullLogin {
        full_login(&self.document())
    }
}

pub(crate) fn auth_json(document: &Value) -> AuthJson {
    AuthJson::parse(document.to_string().as_bytes()).unwrap()
}

pub(crate) fn full_login(document: &Value) -> FullLogin {
    FullLogin::new(&Credential::new(Client::Codex, auth_json(document)).unwrap()).unwrap()
}
