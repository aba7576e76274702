//! What we should say, by the formula and the walks of the reference and the five deliberate deviations that it states.
//! It shares no code with the program.

use serde_json::Value;

use crate::{
    cell::{Case, Verb},
    layers::InForce,
    login::{Login, Place, access_token, sources},
    outcome::{self, Class, Expected, Fate, LOGOUTS, Verdict},
};

/// What is thought of one login.
#[derive(Clone, Debug, PartialEq)]
enum Judgement {
    Fine,
    /// Not allowed, and what may be said about it.
    Mismatch(Vec<Class>),
    Undecidable,
    Unusable,
}

/// Returns what we should do with a cell; none where its configuration cannot be understood.
pub(crate) fn ours(case: &Case) -> Option<Expected> {
    let rules = InForce::of(case);
    let before = if case.has_file() { Fate::Kept } else { Fate::Absent };
    let verb = case.verb();
    match verb {
        Verb::LoginArgument => {
            let refused = Expected::new(Verdict::Configuration, before).with(&["secret-on-argv"], &[]);
            return Some(refused.saying(&["--with-api-key"]));
        }
        Verb::Bystander => return None,
        Verb::Logout => {
            let after = if case.has_file() { Fate::Removed } else { Fate::Absent };
            return Some(Expected::new(Verdict::Permitted, after));
        }
        _ => {}
    }
    let rules = rules?;
    let stopped = Expected::new(Verdict::Configuration, before);
    if rules.methods().is_empty() {
        let id = &["policy-impossible"];
        return Some(with_values(stopped.with(id, &[Class::Impossible]), &rules, verb));
    }
    if ["keyring", "ephemeral"].contains(&rules.store.as_str()) {
        let unsupported = stopped.with(&["credentials-store-unsupported"], &[]);
        let is_login = matches!(verb, Verb::LoginKey | Verb::LoginToken);
        // A variable comes before the file that the client would not read.
        let variables = Case { auth_json: Value::Null, ..case.clone() };
        let judged =
            (!is_login && !sources(&variables).is_empty()).then(|| present(&variables, &rules, before));
        return Some(judged.unwrap_or(unsupported));
    }
    if !["file", "auto"].contains(&rules.store.as_str()) {
        return Some(stopped.with(&["policy-invalid"], &[]));
    }
    Some(match verb {
        Verb::LoginKey | Verb::LoginToken => login(case, &rules, verb),
        _ => with_values(present(case, &rules, before), &rules, verb),
    })
}

fn with_values(mut expected: Expected, rules: &InForce, verb: Verb) -> Expected {
    if matches!(verb, Verb::ConfigRead | Verb::StartupConfig) && !rules.methods().is_empty() {
        let forced = (verb == Verb::ConfigRead).then(|| rules.forced.clone());
        expected = Expected::new(Verdict::Permitted, expected.fate);
        expected.verdict = None;
        expected.policy = Some(outcome::InForce { methods: rules.methods(), forced });
    }
    expected
}

/// A login that arrives.
fn login(case: &Case, rules: &InForce, verb: Verb) -> Expected {
    let methods = rules.methods();
    let allowed = |method: &str| methods.iter().any(|it| it == method);
    let (kept, placed) =
        if case.has_file() { (Fate::Kept, Fate::Rewritten) } else { (Fate::Absent, Fate::Created) };
    let forbidden = Expected::new(Verdict::Forbidden, kept);
    let fine = Expected::new(Verdict::Permitted, placed);
    if verb == Verb::LoginKey {
        let disabled = forbidden.with(&["policy-forbidden"], &[Class::ApiKeyDisabled]);
        return if allowed("api") { fine } else { disabled };
    }
    if access_token(case.stdin.trim()) != Login::PersonalAccessToken {
        let malformed = Expected::new(Verdict::NoCredential, kept);
        return malformed.with(&["access-token-malformed"], &[]);
    }
    if !allowed("chatgpt") {
        return forbidden.with(&["policy-forbidden"], &[Class::AccessTokenDisabled]);
    }
    if rules.workspaces().is_some() { forbidden.with(&["policy-undecidable"], &[]) } else { fine }
}

/// The logins that are there: the one that is used first is held against what is forced, and then, as the client does,
/// the first whose method is allowed against all rules.
fn present(case: &Case, rules: &InForce, before: Fate) -> Expected {
    let all = sources(case);
    let methods = rules.methods();
    let usable =
        |login: &Login| methods.iter().any(|it| it == if login.is_chatgpt() { "chatgpt" } else { "api" });
    let Some(first) = all.first() else { return Expected::new(Verdict::Permitted, before) };
    let active = match forced(&first.1, rules) {
        Judgement::Fine => all.iter().find(|(place, login)| usable(login) || is_broken_file(*place, login)),
        _ => Some(first),
    };
    // None is used: then the first that says what it is, is to blame.
    let told = all.iter().find(|(_, login)| !matches!(login, Login::Broken { .. })).unwrap_or(first);
    let (place, login) = active.unwrap_or(told);
    match whole(login, rules) {
        Judgement::Fine => Expected::new(Verdict::Permitted, before),
        Judgement::Unusable => Expected::new(Verdict::NoCredential, before),
        Judgement::Undecidable => {
            Expected::new(Verdict::Forbidden, before).with(&["policy-undecidable"], &[])
        }
        Judgement::Mismatch(classes) => mismatch(case, rules, *place, &all, classes, before),
    }
}

fn mismatch(
    case: &Case,
    rules: &InForce,
    culprit: Place,
    all: &[(Place, Login)],
    classes: Vec<Class>,
    before: Fate,
) -> Expected {
    let file = all.iter().find(|(place, _)| *place == Place::File).map(|(_, login)| whole(login, rules));
    let file_goes = matches!(file, Some(Judgement::Mismatch(_)));
    let dry = case.verb() != Verb::Exec;
    let (fate, logged_out) = match (file_goes, dry) {
        (true, false) => (removed(case), goes(case)),
        (_, true) => (before, "policy-would-log-out"),
        _ => (before, "policy-logged-out"),
    };
    match culprit {
        Place::File => Expected::new(Verdict::Forbidden, fate).with(&[logged_out], &classes),
        Place::Variable(_) if file_goes => {
            // Both are forbidden; which of the two is told is not laid down.
            Expected::new(Verdict::Forbidden, fate).with(&["policy-environment", logged_out], &[])
        }
        Place::Variable(name) => {
            Expected::new(Verdict::Forbidden, fate).with(&["policy-environment"], &[]).saying(&[name])
        }
    }
}

fn removed(case: &Case) -> Fate {
    if case.cell.setup == "auth-json-busy-mount" { Fate::Kept } else { Fate::Removed }
}

fn goes(case: &Case) -> &'static str {
    if case.cell.setup == "auth-json-busy-mount" { "policy-not-logged-out" } else { "policy-logged-out" }
}

/// A file that cannot be understood is told whatever the rules are: it has no method.
fn is_broken_file(place: Place, login: &Login) -> bool {
    place == Place::File && matches!(login, Login::Broken { .. })
}

/// The check of what is forced. Load errors come first.
fn forced(login: &Login, rules: &InForce) -> Judgement {
    match (login, &rules.forced_method) {
        (Login::Broken { .. }, _) if rules.is_forced() => return Judgement::Unusable,
        (Login::Broken { .. }, _) => return Judgement::Fine,
        (login, Some(method)) if login.is_chatgpt() != (method == "chatgpt") => return by_method(login),
        _ => {}
    }
    // The claim alone; the account comes with all rules together.
    let claimed = match login {
        Login::Chatgpt { claim, complete, .. } => {
            Login::Chatgpt { claim: claim.clone(), account: None, complete: *complete }
        }
        other => other.clone(),
    };
    rules.forced_workspaces.as_ref().map_or(Judgement::Fine, |ids| in_workspaces(&claimed, ids))
}

/// The check of all rules together.
fn whole(login: &Login, rules: &InForce) -> Judgement {
    if let Login::Broken { .. } = login {
        return Judgement::Unusable;
    }
    let by_force = forced(login, rules);
    if by_force != Judgement::Fine && by_force != Judgement::Undecidable {
        return by_force;
    }
    let method = if login.is_chatgpt() { "chatgpt" } else { "api" };
    if !rules.methods().iter().any(|it| it == method) {
        return by_method(login);
    }
    match rules.workspaces() {
        Some(ids) => in_workspaces(login, &ids),
        None if matches!(login, Login::Chatgpt { complete: false, .. }) => Judgement::Unusable,
        None => Judgement::Fine,
    }
}

fn by_method(login: &Login) -> Judgement {
    Judgement::Mismatch(vec![if login.is_chatgpt() { Class::ApiRequired } else { Class::ChatgptRequired }])
}

/// For ChatGPT the claim and the account of the file, when it names one, must both be in the list.
fn in_workspaces(login: &Login, ids: &[String]) -> Judgement {
    let mismatch = |class| Judgement::Mismatch(vec![class]);
    let has = |id: &String| ids.contains(id);
    match login {
        Login::Key => Judgement::Fine,
        Login::PersonalAccessToken => Judgement::Undecidable,
        Login::Broken { .. } => Judgement::Unusable,
        Login::Agent { workspace: None } => mismatch(Class::WorkspaceLacks),
        Login::Agent { workspace: Some(id) } if !has(id) => mismatch(Class::WorkspaceBelongs),
        Login::Agent { .. } => Judgement::Fine,
        Login::Chatgpt { complete: false, .. } => mismatch(Class::TokenData),
        Login::Chatgpt { claim: None, .. } => mismatch(Class::WorkspaceLacks),
        Login::Chatgpt { account: Some(id), .. } if id.is_empty() => {
            Judgement::Mismatch(LOGOUTS[2..4].to_vec())
        }
        Login::Chatgpt { claim, account, .. } => {
            let all = claim.iter().chain(account).all(has);
            if all { Judgement::Fine } else { mismatch(Class::WorkspaceBelongs) }
        }
    }
}
