//! Every way in which an exchange can go, with and without a store. After each the other verbs follow, because what a
//! failure left behind (journals, a dead slot) shows in them.

use authbaton::rehearsal::{Behaviour, Fault, Refusal, Twist};

use crate::scene::{Scene, VOICES};

/// [`Fault::Silence`] is not among them: waiting for it takes minutes, and nothing arrives that could leak.
fn behaviours() -> Vec<(Behaviour, i32)> {
    let refusal = |status, code: &str| Behaviour::Failing(Refusal::new(status, code).into());
    let twisted = Behaviour::Twisted;
    let losing = Behaviour::Losing;
    // With the exit code, which is the same for a slot and for a home that is the holder.
    vec![
        (Behaviour::Honest, 0),
        (Behaviour::Keeping, 0),
        (twisted(Twist::Created), 0),
        (twisted(Twist::SameAccessToken), 0),
        (twisted(Twist::NoIdToken), 0),
        (twisted(Twist::NoRefreshToken), 0),
        (twisted(Twist::NoAccessToken), 0),
        (twisted(Twist::OtherAccount), 5),
        (twisted(Twist::OtherUser), 5),
        (twisted(Twist::EmptyRefreshToken), 5),
        (twisted(Twist::IdTokenNotJwt), 0),
        (refusal(400, "invalid_grant"), 5),
        (refusal(401, "refresh_token_expired"), 5),
        (refusal(401, "refresh_token_reused"), 5),
        (refusal(401, "refresh_token_invalidated"), 5),
        (refusal(401, "odd"), 5),
        (refusal(403, "forbidden"), 6),
        (refusal(429, "slow_down"), 6),
        (refusal(500, "server_error"), 6),
        (refusal(503, "unavailable"), 6),
        (Behaviour::Failing(Fault::Redirect), 6),
        // The second POST, the last one, meets a token that is spent.
        (losing(Fault::HangUp), 5),
        (losing(Fault::CutShort), 6),
        (losing(Fault::Empty), 6),
        (losing(Fault::NotJson), 6),
        (losing(Fault::TruncatedJson), 6),
        (losing(Fault::Oversized), 6),
    ]
}

#[test]
fn exchanges_of_a_slot() {
    for (number, (behaviour, code)) in behaviours().into_iter().enumerate() {
        let voice = VOICES.get(number % VOICES.len()).unwrap();
        let scene = Scene::new(voice);
        let store = |arguments: &[&str]| scene.with_store(arguments);
        scene.run(&store(&["restore", "--seed-stdin"]), scene.issue().as_bytes(), 0);
        scene.authority.always(behaviour.clone());
        let refreshed = scene.attempt(&store(&["refresh", "--force"]), b"", &[]);
        assert_eq!(refreshed.code, Some(code), "{behaviour:?}: {refreshed:#?}");
        for verb in [&["status"][..], &["refresh"], &["refresh", "--force"], &["restore"], &["save"]] {
            scene.attempt(&store(verb), b"", &[]);
        }
        scene.run(&store(&["logout", "--purge"]), b"", 0);
        scene.attempt(&store(&["restore", "--seed-stdin"]), scene.issue().as_bytes(), &[]);
    }
}

#[test]
fn exchanges_of_a_home() {
    for (number, (behaviour, code)) in behaviours().into_iter().enumerate() {
        let voice = VOICES.get(number % VOICES.len()).unwrap();
        let scene = Scene::new(voice);
        scene.home_is_holder(true);
        scene.run(&["login", "--with-auth-json"], scene.issue().as_bytes(), 0);
        scene.authority.always(behaviour.clone());
        let refreshed = scene.attempt(&["refresh", "--force"], b"", &[]);
        assert_eq!(refreshed.code, Some(code), "{behaviour:?}: {refreshed:#?}");
        scene.attempt(&["status"], b"", &[]);
        scene.attempt(&["refresh", "--force"], b"", &[]);
        scene.attempt(&["enforce", "--forced-login-method", "api"], b"", &[]);
    }
}

#[test]
fn revocations() {
    for (number, fault) in [
        None,
        Some(Fault::Refusal(Refusal::new(401, "odd"))),
        Some(Fault::Refusal(Refusal::new(500, "server_error"))),
        Some(Fault::Redirect),
        Some(Fault::HangUp),
        Some(Fault::NotJson),
    ]
    .into_iter()
    .enumerate()
    {
        let voice = VOICES.get(number % VOICES.len()).unwrap();
        for with_store in [false, true] {
            let scene = Scene::new(voice);
            if let Some(fault) = &fault {
                scene.authority.fail_revocation(fault.clone());
            }
            let login = scene.issue();
            if with_store {
                scene.run(&scene.with_store(&["restore", "--seed-stdin"]), login.as_bytes(), 0);
                scene.attempt(&scene.with_store(&["logout", "--purge", "--revoke"]), b"", &[]);
            } else {
                scene.home_is_holder(true);
                scene.run(&["login", "--with-auth-json"], login.as_bytes(), 0);
                scene.attempt(&["logout", "--revoke"], b"", &[]);
            }
            scene.run(&["status"], b"", 3);
        }
    }
}
