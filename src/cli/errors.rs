//! The error table: every id with its exit code, what it means and what to do. `docs/errors.md` is made from it; which
//! error of which room has which id is in `mapping`.

mod mapping;

use super::Exit;

/// A row of the table.
pub struct Entry {
    /// The stable id.
    pub id: &'static str,
    /// The exit code.
    pub exit: Exit,
    /// What it means.
    pub meaning: &'static str,
    /// What to do.
    pub hint: &'static str,
}

macro_rules! error_table {
    ($($name:ident $id:literal $exit:ident $meaning:literal $hint:literal)*) => {
        /// The stable id of an error.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the table below says what each means")]
        pub enum ErrorId { $($name),* }

        impl ErrorId {
            /// Every id, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the row of the table.
            #[must_use]
            pub const fn entry(self) -> &'static Entry {
                match self {
                    $(Self::$name => &Entry { id: $id, exit: Exit::$exit, meaning: $meaning, hint: $hint }),*
                }
            }
        }
    };
}

error_table! {
    Internal "internal" Internal
        "This program or its machine failed in a way that it should not"
        "try again; if it stays, report it with the output of the same command and `-v`"
    RehearsalFailed "rehearsal-failed" Internal
        "A point of the rehearsal did not hold"
        "the rows marked FAILED say which; report them with the version of authbaton and the operating system"
    Unwell "unwell" Usage
        "`doctor --strict` found something wrong that no other verb stops at"
        "do what the finding's own hint says; docs/doctor.md lists them all"
    BrokerFailed "broker-failed" Internal
        "The broker of a run did not begin to serve; the command was not started, and nothing was spent"
        "the lines before say what it said; run it without one by `--broker never`"
    CommandNotFound "command-not-found" CommandNotFound
        "The command that was to be run is not there"
        "check its name and the `PATH`"
    CommandNotExecutable "command-not-executable" CommandNotExecutable
        "The command that was to be run cannot be executed"
        "check its mode and its first line"
    TemporaryDirectoryMissing "temporary-directory-missing" Usage
        "There is no temporary directory outside of the workspace for the home of a run"
        "set `TMPDIR` to a directory of this user, or name a home with `--home`"
    Usage "usage" Usage
        "The command line, or a variable that stands for an option, is wrong"
        "see `authbaton --help` and `authbaton VERB --help`"
    MaskMisplaced "mask-misplaced" Usage
        "Masks were asked for where the platform would not take them, and each would show what it is to hide; nothing was done, and no mask printed"
        "leave `--mask` out here, or give `auto` where it is set for several platforms; standard error must go to the platform, not into a file"
    InputInvalid "input-invalid" Usage
        "An input of the action is wrong, or two do not go together; all problems are named"
        "correct the inputs that the message names; `action.yml` says what each takes"
    EventRefused "event-refused" Usage
        "The event that started the run can be caused by strangers, or runs their code, so the run gets no login"
        "do what the message says; `allow-untrusted-events: true` lets such runs use the login, read-only, where you trust what they run"
    RivalCredential "rival-credential" Usage
        "A variable of the job has a credential that the client would use instead of the login that it is given"
        "unset the variable that the message names, in a workflow by removing it from `env:`; or do not use this login in the job"
    RunnerUnusable "runner-unusable" Usage
        "The runner cannot be told outputs, variables or state, so nothing was placed"
        "run this as a step of a GitHub workflow; on another system use `authbaton run` or `authbaton restore`"
    ProgramMissing "program-missing" Usage
        "The action has no program for this system, or not the one that its commit names; the action's scripts say this"
        "pin the action by the commit of a release, give `binary-path`, or build from source with `version: source`"
    SecretOnArgv "secret-on-argv" Usage
        "A secret was given as an argument, where every process of the machine can read it; nothing was read"
        "pipe it, or name a file with `--from-file`; a secret that was really typed should be replaced"
    StdinIsTerminal "stdin-is-terminal" Usage
        "A secret is read from stdin, and stdin is a terminal"
        "pipe it, e.g. `printenv OPENAI_API_KEY | authbaton login --with-api-key`, or name a file with `--from-file`"
    StdinUnreadable "stdin-unreadable" Usage
        "Stdin cannot be read"
        "give the step an open stdin, or name a file with `--from-file`"
    SecretFileMissing "secret-file-missing" Usage
        "A file that should have a secret in it is not there"
        "check the path; on a fork or for Dependabot the platform gives no secrets"
    SecretFileUnreadable "secret-file-unreadable" Usage
        "A file that should have a secret in it cannot be read"
        "check its owner and mode; it must be a regular file"
    SecretVariableMissing "secret-variable-missing" Usage
        "A variable that should have a secret in it is not set"
        "check its name; on a fork or for Dependabot the platform gives no secrets"
    NotForLlmx "not-for-llmx" Usage
        "LLMX has no access tokens"
        "use `--with-api-key` or `--with-auth-json`, or `--client codex`"
    HomeNotFound "home-not-found" Usage
        "The client's home cannot be found"
        "create the directory that the variable names, unset the variable, or give `--home DIR`"
    HomeUnusable "home-unusable" Usage
        "A file of the home, or of the state directory, cannot be used"
        "check owner, mode and free space of the path in the message"
    HomeObstacle "home-obstacle" Usage
        "The client could not replace its auth.json, and would lose what it renews"
        "make auth.json a plain file of this user with mode 0600 and one name, or delete it"
    HomeMounted "home-mounted" Usage
        "The home's auth.json is mounted by itself, as a container does with a single file: nothing can be renamed over it, and the client would lose what it renews"
        "mount the whole home instead, e.g. `--volume DIR:/codex --env CODEX_HOME=/codex`, and not the file"
    StateDirectoryUnknown "state-directory-unknown" Usage
        "There is no place for this machine's journals"
        "set HOME or XDG_STATE_HOME to an absolute path"
    StoreNotConfigured "store-not-configured" Usage
        "On a CI a ChatGPT login needs a store: what is renewed in a home is lost with the job"
        "give `--store file:DIR`; `--store home:` only where the machine keeps its homes"
    StoreNeeded "store-needed" Usage
        "This verb works on a slot, and there is no store"
        "give `--store file:DIR` or set AUTHBATON_STORE"
    SealKeyMissing "seal-key-missing" Usage
        "No seal key was given"
        "make one with `openssl rand -base64 32`, keep it as a secret, and set AUTHBATON_SEAL_KEY"
    SealKeyMalformed "seal-key-malformed" Usage
        "A seal key is not 32 random bytes in base64 or hex"
        "make one with `openssl rand -base64 32`; passphrases and shorter values are refused"
    SealKeyUnreadable "seal-key-unreadable" Usage
        "The file with the seal keys cannot be used"
        "check the path given to `--seal-key-file`, its owner and mode"
    CaFileUnusable "ca-file-unusable" Usage
        "The file with additional certificate authorities cannot be used"
        "give `--ca-file` a file of certificates in PEM form"
    PolicyUnreadable "policy-unreadable" Usage
        "A configuration file cannot be read, so nothing can be decided; nothing was placed or deleted"
        "make it a readable file of at most 1 MiB, or delete it"
    PolicyInvalid "policy-invalid" Usage
        "A configuration value cannot be understood, so nothing can be decided; nothing was placed or deleted"
        "mend the value in the message; the client stops at it, too"
    PolicyImpossible "policy-impossible" Usage
        "The restrictions contradict each other: nobody could log in; nothing was placed or deleted"
        "make the sources in the message agree"
    CredentialsStoreUnsupported "credentials-store-unsupported" Usage
        "The client is configured to keep its login in a keyring or in memory, and would ignore an auth.json; nothing was placed or deleted"
        "set `cli_auth_credentials_store = \"file\"` where the message says"
    InputEmpty "input-empty" NoCredential
        "A secret was expected, and nothing came"
        "check the name of the secret; on a fork or for Dependabot the platform gives none"
    InputBlank "input-blank" NoCredential
        "A secret was expected, and only white space came"
        "check the name of the secret, and that it has a value"
    InputNotUtf8 "input-not-utf8" NoCredential
        "A secret is not UTF-8"
        "store it as text; a file that is not text can be given as base64"
    InputTooLarge "input-too-large" NoCredential
        "A secret has more bytes than it may have"
        "check that it is the right file"
    ApiKeySeveralLines "api-key-several-lines" NoCredential
        "An API key has several lines; the client would store them all as one key"
        "pipe the key alone"
    AccessTokenMalformed "access-token-malformed" NoCredential
        "An access token does not begin with `at-`"
        "check that it is a personal access token; an API key goes to `--with-api-key`"
    AuthJsonBlank "auth-json-blank" NoCredential
        "An auth.json is empty"
        "give the whole file that the client wrote, as it is or as base64"
    AuthJsonNotUtf8 "auth-json-not-utf8" NoCredential
        "An auth.json is not UTF-8"
        "give the whole file that the client wrote, as it is or as base64"
    AuthJsonTooLarge "auth-json-too-large" NoCredential
        "An auth.json has more than 32 KiB"
        "check that it is the right file"
    AuthJsonNotJson "auth-json-not-json" NoCredential
        "An auth.json is not JSON, or cut short"
        "give the whole file that the client wrote, as it is or as base64; a shell may have eaten its quotes"
    AuthJsonInvalid "auth-json-invalid" NoCredential
        "An auth.json has a field that the client cannot read"
        "log in anew with the client, and give the file that it writes"
    IdTokenNotJwt "id-token-not-jwt" NoCredential
        "The id token of an auth.json is no JWT; the client would refuse the whole file"
        "log in anew with the client, and give the file that it writes"
    RescueUnreadable "rescue-unreadable" NoCredential
        "What was given to `rescue` is no sealed reply, or has no tokens in it"
        "give the whole text, from its BEGIN to its END line, or the journal's file"
    CredentialUnusable "credential-unusable" NoCredential
        "An auth.json has no credential that the client could use"
        "log in anew with the client, and give the file that it writes"
    HandleGiven "handle-given" NoCredential
        "An auth.json has a broker's handle in place of its refresh token"
        "it works only in the job that it was made for; seed from the login itself"
    AccessOnlyGiven "access-only-given" NoCredential
        "An auth.json is access-only: its refresh token is blank, because a store holds it"
        "use the store, with `authbaton restore`; or seed from the login itself"
    AccountIdMissing "account-id-missing" NoCredential
        "A login has no tokens.account_id; the client would never refresh it"
        "log in anew with the client, and give the file that it writes"
    LastRefreshMissing "last-refresh-missing" NoCredential
        "A login has no last_refresh; the client would send no token"
        "log in anew with the client, and give the file that it writes"
    NotAFullLogin "not-a-full-login" NoCredential
        "A full ChatGPT login is needed, and this is another kind of credential"
        "API keys and access tokens need no store: use `authbaton login`; what another program renews cannot be taken over"
    NotLoggedIn "not-logged-in" NoCredential
        "The home has no login"
        "use `authbaton restore` or `authbaton login`"
    SlotEmpty "slot-empty" NoCredential
        "The slot holds no login"
        "seed it: `authbaton restore --seed-file auth.json`, from a login that nobody else uses"
    EnvironmentUnusable "environment-unusable" NoCredential
        "A variable has a credential that the client cannot read; it would stop at it"
        "unset the variable, or give it a personal access token or an agent identity"
    RefreshFirst "refresh-first" NoCredential
        "What the slot holds must be exchanged once before anyone relies on it"
        "run `authbaton refresh`"
    TokenTooShort "token-too-short" NoCredential
        "The access token does not last as long as is needed"
        "run `authbaton refresh` first"
    PolicyForbidden "policy-forbidden" Policy
        "The policy does not allow this credential; it was not placed, and a store keeps what it has"
        "use a credential that the policy allows, or change the policy at the source that `authbaton status` shows"
    PolicyLoggedOut "policy-logged-out" Policy
        "The policy does not allow the login that was in the home; it was deleted there, and nothing was revoked"
        "log in with a credential that the policy allows"
    PolicyWouldLogOut "policy-would-log-out" Policy
        "The policy does not allow the login in the home; this was a dry run, and it is still there"
        "run `authbaton enforce` to log out, or log in with a credential that the policy allows"
    PolicyEnvironment "policy-environment" Policy
        "The policy does not allow the credential in a variable, which the client prefers to the home's login; that one was left alone"
        "unset the variable, or give it a credential that the policy allows"
    PolicyUndecidable "policy-undecidable" Policy
        "The policy names workspaces, and this kind of credential does not say which it belongs to; nothing was placed or deleted"
        "use a ChatGPT login or an agent identity, or lift the restriction for this home"
    PolicyNotLoggedOut "policy-not-logged-out" Policy
        "The policy does not allow the login in the home, and it could not be deleted"
        "delete auth.json by hand; the message says what was in the way"
    LoginExpired "login-expired" LoginNeeded
        "The refresh token has expired"
        "log in anew in a temporary home, and seed: `authbaton restore --seed-file auth.json`"
    LoginReused "login-reused" LoginNeeded
        "The refresh token was used before: by a copy of this login elsewhere, or because an old baton came back"
        "log in anew in a temporary home, and seed: `authbaton restore --seed-file auth.json`; keep no copy of it"
    LoginRolledBack "login-rolled-back" LoginNeeded
        "The slot holds a token that this machine has spent before: somebody put an old baton back; nothing was sent"
        "put the newest baton back, or log in anew and seed: `authbaton restore --seed-file auth.json`; find out what restores old files"
    LoginInvalidated "login-invalidated" LoginNeeded
        "The login was revoked"
        "log in anew in a temporary home, and seed: `authbaton restore --seed-file auth.json`"
    LoginRefused "login-refused" LoginNeeded
        "The authority does not accept the refresh token"
        "log in anew in a temporary home, and seed: `authbaton restore --seed-file auth.json`"
    LoginSuspect "login-suspect" LoginNeeded
        "The authority refused the login without saying why; nobody asks again for ten minutes"
        "try again later; a seed clears it: `authbaton restore --seed-file auth.json`"
    ReplyRefused "reply-refused" LoginNeeded
        "The authority answered with somebody else's tokens, or with an empty one; they were not used"
        "log in anew in a temporary home, and seed: `authbaton restore --seed-file auth.json`"
    RotatedLost "rotated-lost" LoginNeeded
        "The home's login was renewed, and the disk failed before any of it could be written: the new token is gone"
        "mend the disk, and log in anew"
    AuthorityUnreachable "authority-unreachable" Authority
        "The authority could not be asked; the login is as good as before"
        "check network, proxy and `--ca-file`, and try again"
    AuthorityUnclear "authority-unclear" Authority
        "The authority was asked and did not answer; the next refresh will tell whether the login was renewed"
        "try again; if that says `login-reused`, the answer was lost for good"
    AuthorityRefused "authority-refused" Authority
        "The authority refused the request, not the login"
        "try again later; if it stays, update authbaton"
    ReplyUnreadable "reply-unreadable" Authority
        "The authority's answer has no tokens in it; with a store it is kept, sealed, in a journal"
        "check for a proxy that answers in the authority's place, and try again"
    NotRevoked "not-revoked" Authority
        "The login was deleted here, but the authority did not take the revocation"
        "end the session in the account's settings"
    LockTimeout "lock-timeout" Timeout
        "Another process held a lock for too long"
        "wait for it, or raise `--lock-timeout`"
    LeaseTimeout "lease-timeout" Timeout
        "Another job had the lease for too long"
        "wait for it, or raise `--lock-timeout`; a lease whose owner is gone runs out by itself"
    StoreFailed "store-failed" Store
        "The store could not be read or written; nothing is lost"
        "check the path in the message and its file system, and try again"
    StoreNotHere "store-not-here" Usage
        "Something that the store needs is not here: a variable of the platform, or a program"
        "the message names it; a store that belongs to one platform works only there"
    StoreUnreachable "store-unreachable" Store
        "The store did not answer, or is busy; nothing is lost"
        "try again; check the network, and proxies"
    StoreDenied "store-denied" Store
        "The store does not let this run in, or does not let it do this; nothing is lost"
        "check the credential of the store and its permissions"
    StoreGarbled "store-garbled" Store
        "The store answered as no such store does; nothing is lost"
        "check the store's address, and whether a proxy answers in its place"
    StoreHelperFailed "store-helper-failed" Store
        "The program that was given as a store failed; nothing is lost"
        "the message has what it said; run it by hand with the same environment, see docs/exec-store.md"
    StoreUntrusted "store-untrusted" Store
        "The store's directory is a link, belongs to another user, or can be written by others"
        "make it a directory of this user with mode 0700"
    StoreReadOnly "store-read-only" Store
        "This run may not write the store, so it may not renew the login"
        "run `authbaton refresh` where the store can be written"
    StoreNotExclusive "store-not-exclusive" Store
        "The store does not keep two jobs from writing at once, and a lost write is a lost login"
        "use a store that does; for a directory that a CI cache carries, where the CI runs one such job at a time, say so with `?mutex=ci`"
    BatonNotSealed "baton-not-sealed" Store
        "What the slot has was not written by authbaton"
        "check the store and the slot; authbaton does not overwrite what it does not know"
    BatonTruncated "baton-truncated" Store
        "What the slot has is cut short"
        "restore the file from a backup, or use another slot and seed it"
    BatonDamaged "baton-damaged" Store
        "What the slot has was changed after it was sealed"
        "find out who can write the store; use another slot and seed it with a new login"
    BatonInconsistent "baton-inconsistent" Store
        "What the slot has is genuine, but contradicts itself"
        "use another slot and seed it, and report this"
    BatonNewer "baton-newer" Store
        "What the slot has was written by a later version"
        "update authbaton here"
    BatonTooLarge "baton-too-large" Store
        "The slot's content is larger than it may be"
        "use another slot and seed it"
    BatonTooManyHashes "baton-too-many-hashes" Store
        "The slot's content lists more tokens than a slot remembers"
        "use another slot and seed it, and report this"
    BatonUnknownKey "baton-unknown-key" Store
        "The slot was sealed with a key that was not given"
        "add the old key behind the new one in AUTHBATON_SEAL_KEY; without it, use another slot and seed it"
    BatonWrongKey "baton-wrong-key" Store
        "The slot does not open with the key that it names"
        "find out who can write the store; use another slot and seed it with a new login"
    BatonWrongSlot "baton-wrong-slot" Store
        "What the slot has was sealed for another slot: somebody moved it"
        "put it back, or use another slot and seed it"
    BatonWrongAudience "baton-wrong-audience" Store
        "The slot was sealed for another audience"
        "give the same `--audience` everywhere, or use another slot"
    SeedsFull "seeds-full" Store
        "The slot remembers as many seeds as it can"
        "use another slot"
    HomeOccupied "home-occupied" Conflict
        "The home has a login that authbaton did not place; both are kept"
        "use another `--home`, give `--replace`, or, where it is a full ChatGPT login, move it into the store with `authbaton save`"
    TakenNotPlaced "taken-not-placed" Conflict
        "The slot has the login that was given, and the home could not be given its access-only file"
        "delete the copy that was given: the store holds that login now; mend what the message says, and run `authbaton restore`"
    HomeBrokered "home-brokered" Conflict
        "A run uses the home, or it has the handle of a run's broker; nothing in it is ever stored, and it is as it was"
        "log in in another home, and seed from there; where the run was killed, put an access-only file in its place by `authbaton restore`"
    HomeChanged "home-changed" Conflict
        "Somebody changed auth.json meanwhile; it was not overwritten"
        "try again; let only one program at a time log in to this home"
    AccountChange "account-change" Conflict
        "The seed belongs to another account than the slot's login; both are kept"
        "use another slot, or give `--allow-account-change`"
    NotNewer "not-newer" Conflict
        "A login is not newer than what the slot was seeded with; both are kept"
        "log in anew and try again, or use the slot's with `authbaton restore`"
    RescueMovedOn "rescue-moved-on" Conflict
        "The slot no longer holds the login that the rescue text renews; nothing was changed"
        "if the slot's login works, the text is not needed; else seed anew: `authbaton restore --seed-file auth.json`"
    SlotRestless "slot-restless" Conflict
        "The slot kept changing under us"
        "try again; many writers at once are slow, not wrong"
    NotPlaced "rotated-not-placed" NotStored
        "The home's login was renewed, and its auth.json could not be replaced: the new login is only in the file named, beside it"
        "if auth.json was not changed by anybody, run `authbaton refresh` again, which places it; else keep the one of the two that works"
    NotStored "rotated-not-stored" NotStored
        "The login was renewed, and the store did not take it: the new token is only in the journal and in the text printed"
        "keep that text; when the store is back, run `authbaton rescue` on this machine, or anywhere with the text on stdin"
}

/// Returns the page `docs/errors.md`.
#[must_use]
pub fn errors_page() -> String {
    let mut page = String::from(
        "# Errors\n\nEvery failure has a stable id, an exit code, one sentence and a hint. The program prints\n\
         `error[ID]: …` and `hint: …` on stderr; with `--json` the same is in `error` on stdout.\n\
         This page is made from the table in `src/cli/errors.rs`; a test keeps them equal.\n\n\
         | exit | meaning |\n|---|---|\n\
         | 0 | done |\n| 1 | a fault of the program or its machine |\n| 2 | usage or configuration |\n\
         | 3 | no usable credential |\n| 4 | policy mismatch |\n| 5 | login needed: the refresh token is dead |\n\
         | 6 | authority or network failed; the login may still be good |\n| 7 | lock or lease timeout |\n\
         | 8 | store failure; nothing is lost |\n| 9 | conflict: store or home moved on, both are kept |\n\
         | 10 | renewed but not stored: the new login is only here |\n\n\
         | id | exit | what it means | what to do |\n|---|---|---|---|\n",
    );
    for id in ErrorId::ALL {
        let Entry { id, exit, meaning, hint } = id.entry();
        let row = format!("| <a id=\"{id}\"></a>`{id}` | {} | {meaning} | {hint} |\n", exit.code());
        page.push_str(&row.replace(" | authbaton ", " \\| authbaton "));
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_kebab_case() {
        let ids: BTreeSet<&str> = ErrorId::ALL.iter().map(|id| id.entry().id).collect();
        assert_eq!(ids.len(), ErrorId::ALL.len());
        for id in ids {
            assert!(
                id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{id}"
            );
        }
    }

    #[test]
    fn sentences_end_without_a_period_and_hints_say_something() {
        for id in ErrorId::ALL {
            let Entry { id, meaning, hint, exit } = id.entry();
            assert!(!meaning.ends_with('.') && meaning.len() > 10, "{id}");
            assert!(!hint.ends_with('.') && hint.len() > 10, "{id}");
            assert_ne!(*exit, Exit::Ok, "{id}");
        }
    }
}
