//! What doctor can find: a table of stable ids, each with its severity, its meaning and what to do about it. What
//! another verb would stop at is no row here: such a finding carries that verb's error, with its id and hint.

use serde_json::{Map, Value};

use crate::commands::CommandError;

/// How much a finding matters. In the order of gravity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It was looked at, and is well.
    Ok,
    /// Good to know. Nothing has to be done.
    Info,
    /// It works now, and may fail, or do harm, later.
    Warning,
    /// A job that meets it fails, or loses something.
    Error,
}

/// What a finding is about, in the order of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The program and the platform that runs it.
    Runner,
    /// The clocks.
    Clock,
    /// The client's home and the login in it.
    Home,
    /// The client.
    Client,
    /// Locks of the home, and whether they exclude anybody.
    Locks,
    /// The store.
    Store,
    /// The slot in it.
    Slot,
    /// Who may use a login here.
    Policy,
}

/// One row of the table.
pub struct Row {
    /// The stable id.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it means.
    pub meaning: &'static str,
    /// What to do; empty where nothing has to be done.
    pub hint: &'static str,
}

/// What stands behind a finding.
pub enum About {
    /// A row of our table.
    Row(FindingId),
    /// What another verb would say when it meets this.
    Error(Box<CommandError>),
}

/// One thing that was found. No secret is ever put into one.
pub struct Finding {
    /// What it is about.
    pub topic: Topic,
    /// How much it matters.
    pub severity: Severity,
    /// What stands behind it.
    pub about: About,
    /// One sentence.
    pub text: String,
    /// The same in parts, for programs.
    pub details: Map<String, Value>,
}

impl Finding {
    /// Makes a finding of a row of the table.
    #[must_use]
    pub fn new(topic: Topic, id: FindingId, text: impl Into<String>) -> Self {
        let severity = id.row().severity;
        Self { topic, severity, about: About::Row(id), text: text.into(), details: Map::new() }
    }

    /// Makes a finding of what another verb would stop at.
    #[must_use]
    pub fn of(topic: Topic, severity: Severity, error: impl Into<CommandError>) -> Self {
        let error = error.into();
        let text = crate::job::explain(&error);
        Self { topic, severity, about: About::Error(Box::new(error)), text, details: Map::new() }
    }

    /// The same, where the error is one in any case.
    #[must_use]
    pub fn error(topic: Topic, error: impl Into<CommandError>) -> Self {
        Self::of(topic, Severity::Error, error)
    }

    /// Adds a part for programs.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

impl Severity {
    /// Returns the name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Topic {
    /// Returns the name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Runner => "runner",
            Self::Clock => "clock",
            Self::Home => "home",
            Self::Client => "client",
            Self::Locks => "locks",
            Self::Store => "store",
            Self::Slot => "slot",
            Self::Policy => "policy",
        }
    }
}

macro_rules! finding_table {
    ($($name:ident $id:literal $severity:ident $meaning:literal $hint:literal)*) => {
        /// The stable id of a finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the table below says what each means")]
        pub enum FindingId { $($name),* }

        impl FindingId {
            /// Every id, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the row of the table.
            #[must_use]
            pub const fn row(self) -> &'static Row {
                match self {
                    $(Self::$name => &Row {
                        id: $id, severity: Severity::$severity, meaning: $meaning, hint: $hint,
                    }),*
                }
            }
        }
    };
}

finding_table! {
    Program "program" Ok
        "Which program this is, and for which system it was built"
        ""
    Platform "platform" Ok
        "Which platform runs the program, and what says so"
        ""
    HomesVanish "homes-vanish" Info
        "This is a CI, where homes vanish with the job; the store keeps the login"
        ""
    HomeIsHolder "home-is-holder" Info
        "There is no store, so the home holds the login, as the client keeps it"
        ""
    TemporaryDirectory "temporary-directory" Ok
        "Where `run` makes its homes: a temporary directory outside of the workspace"
        ""
    Hardened "hardened" Ok
        "No core dump of this program is written, and other processes of this user cannot read its memory"
        ""
    NotHardened "not-hardened" Warning
        "The system lets a core dump of this program be written, or its memory be read by other processes of this user"
        "run it where it may set its own limits; `ulimit -c 0` before it forbids core dumps"
    RunsAsRoot "runs-as-root" Info
        "The program runs as root: every other process of root on this machine can read its memory and its files"
        "let jobs of different trust run as different users"
    Git "git" Ok
        "Which git the store uses"
        ""
    ClockRead "clock" Ok
        "What the wall clock says, in UTC"
        ""
    ClockBehind "clock-behind" Warning
        "This machine's clock is behind: something was made later than it says that it is now"
        "set the clock, with NTP where there is one; the end of a token is judged by it"
    BootClockSleeps "boot-clock-sleeps" Info
        "Leases are measured by a clock that may stand still while the machine sleeps; that makes waiting longer, never shorter"
        ""
    HomeFound "home" Ok
        "Which directory the client's home is, and what names it"
        ""
    HomeMissing "home-missing" Info
        "The client's home is not there yet; the first login makes it, with mode 0700"
        ""
    HomeInWorkspace "home-in-workspace" Warning
        "The home is in the workspace, from where files get into commits, caches and artifacts"
        "name a directory outside of it by `--home` or the client's variable"
    HomeShared "home-shared" Warning
        "Other users can write into the home, and put a login of theirs in the place of yours"
        "`chmod go-w` the directory that the message names"
    HomeForeign "home-foreign" Warning
        "The home belongs to another user"
        "run this as the user who runs the client"
    DiskFull "disk-full" Error
        "There is no room on the file system: a renewed login could not be written"
        "free some space on it; 1 MiB is enough"
    AuthJson "auth-json" Ok
        "What is in the home's auth.json, and when it ends"
        ""
    AuthJsonReadable "auth-json-readable" Warning
        "Other users can read auth.json"
        "`chmod 600` the file; if strangers have accounts here, log in anew"
    AuthJsonLinked "auth-json-linked" Info
        "auth.json is a symbolic link: logins are written beside its target, and a logout deletes the link alone"
        ""
    AccessTokenEnded "access-token-ended" Warning
        "The access token in the home has ended, and nothing in the home can renew it"
        "run `authbaton refresh` with the store, or `authbaton restore`"
    RenewalDue "renewal-due" Info
        "The login is due to be renewed; the next `authbaton refresh`, or run that needs it, does that"
        ""
    BrokerServes "broker-serves" Info
        "A broker serves the home: a run uses it now"
        ""
    RenewedLeft "renewed-left" Warning
        "A renewal was interrupted, or its reply could not be used; what came back is beside auth.json"
        "run `authbaton refresh` without a store, which takes up what it can; a file that stays is for a person to look at"
    StateDirectory "state-directory" Ok
        "Where this machine keeps journals until a store has what is in them"
        ""
    JournalLeft "journal-left" Warning
        "This machine has a journal that no process was seen to hold: a renewed login may be only there"
        "run `authbaton rescue` with the same store, slot and seal key"
    JournalBlank "journal-blank" Info
        "A renewal on this machine ended before its reply came; whoever renews next finds out what became of it"
        ""
    JournalHeld "journal-held" Info
        "A process on this machine is renewing a login"
        ""
    ClientFound "client" Ok
        "Which client is on the `PATH`, and its version"
        ""
    ClientMissing "client-missing" Warning
        "The client is not on the `PATH`"
        "install it before the steps that use it"
    ClientUnclear "client-unclear" Warning
        "The program by the client's name does not say its version, as the client does"
        "run it by hand with `--version`; another program may stand in its place on the `PATH`"
    ClientInWorkspace "client-in-workspace" Warning
        "The client on the `PATH` is in the workspace: whoever changes the sources changes the program that gets the login"
        "install the client elsewhere, from where the job cannot be steered"
    ClientTooOld "client-too-old" Error
        "The client is older than 0.20.0, which the login with ChatGPT needs"
        "update it: `npm install -g @openai/codex`"
    ClientWithoutPolicy "client-without-policy" Warning
        "The client does not know the keys of its configuration that restrict the login (`forced_…` or `allowed_…`), and passes over them in silence"
        "update it: `npm install -g @openai/codex`; until then only authbaton keeps to these restrictions"
    ClientWithoutAccessOnly "client-without-access-only" Warning
        "The client does not know the mode of access-only files, and would try to renew them when they end"
        "update it: `npm install -g @openai/codex`"
    ClientWithoutBroker "client-without-broker" Warning
        "The client cannot be told to renew at a broker, so a run must be over before its access token ends"
        "update it, or use `--broker never` for jobs that are short"
    ClientWithoutLocks "client-without-locks" Warning
        "The client writes auth.json in place and without locks, so that others can see it half written, or overwrite it"
        "update it; with an older one let one process at a time use a home that holds a login"
    ClientUntested "client-untested" Info
        "The client is newer than the one that this version of authbaton was tested against"
        ""
    ClientLlmx "client-llmx" Info
        "LLMX was read and never run by our tests: it takes no locks, renews by age alone, and reads no `auth_mode`"
        ""
    NoLockHeld "locks" Ok
        "Nobody holds a lock of the home"
        ""
    LockHeld "lock-held" Info
        "A process holds a lock of the home; whoever needs it waits"
        ""
    LocksNotKept "locks-not-kept" Error
        "The file system of the home grants a lock to two at once: nothing keeps writers apart there"
        "put the home on a local file system, or mount this one with working `flock`"
    NetworkFileSystem "network-file-system" Info
        "The home is on a network file system: locks and times are as good as its server"
        ""
    StoreFound "store" Ok
        "Which store it is, what it can do here, and how long one look took"
        ""
    StoreSlow "store-slow" Warning
        "The store took long to answer"
        "try again; if it stays, choose a store that is nearer: leases are long where stores are slow"
    StoreAtJobEnd "store-at-job-end" Warning
        "What is stored is safe only when the CI has uploaded it, after the job: if the machine is lost before, so is the login"
        "let the upload run whatever becomes of the job, or use a store that is written at once"
    StoreMutexDeclared "store-mutex-declared" Info
        "The store relies on the CI to let one job at a time have it, as `?mutex=ci` says"
        "make sure that the CI does: a concurrency group, or a resource group"
    StoreUnproven "store-unproven" Info
        "The service has not been seen to keep its conditions yet; the first renewal proves it before a token is spent"
        ""
    SlotFound "slot" Ok
        "What the slot holds, and when it is renewed next"
        ""
    LeaseHeld "lease-held" Info
        "A job has the lease: it is renewing the login"
        ""
    LeaseOverdue "lease-overdue" Warning
        "A lease has lasted longer than it may: its owner has gone, or its clock is ahead"
        "nothing by hand: who needs the lease takes it over after it has watched it for as long as it lasts"
    SealKeyOld "seal-key-old" Info
        "The slot is sealed with an older key; its next write seals it with the newest"
        ""
    TwoHolders "two-holders" Error
        "The home has the very refresh token that the slot holds, or one that it held: the first to renew ends it for the other"
        "run `authbaton restore --replace`, which leaves an access-only file; keep no copy elsewhere"
    HomeOfOtherSlot "home-of-other-slot" Warning
        "What was placed in the home came from another store or slot than the ones given"
        "give the same `--store` and `--slot`, or use another `--home`"
    HomeBehind "home-behind" Info
        "The home has an older generation than the slot"
        "run `authbaton restore`"
    PolicyFound "policy" Ok
        "What the policy allows, and where it comes from"
        ""
    PolicyNote "policy-note" Warning
        "A key in a configuration file looks as if it restricted something, and does nothing"
        "mend or delete the key that the message names"
    UnknownKeys "unknown-keys" Info
        "Keys in a configuration file are none that Codex 0.169.0 knows; it passes over them"
        ""
    KeyringFirst "keyring-first" Info
        "The client looks into a keyring before auth.json; where there is one with a login in it, what is placed is not used"
        "set `cli_auth_credentials_store = \"file\"`"
    CloudConfiguration "cloud-configuration" Info
        "The workspace's cloud configuration may restrict more than the files here; it cannot be read offline"
        "ask the workspace's administrator; what Codex itself says counts"
    CredentialInVariable "credential-in-variable" Info
        "A variable has a credential, and the client uses it"
        ""
    PassedOver "credential-passed-over" Warning
        "A variable has a credential that the policy does not allow, and that the client passes over"
        "unset the variable"
    RefreshSentElsewhere "refresh-sent-elsewhere" Warning
        "A variable tells the client to send refresh tokens to another address; authbaton does not follow it"
        "unset the variable, unless a broker of yours answers there"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rows_have_unique_ids_and_say_what_to_do_where_something_is_wrong() {
        let mut ids = BTreeSet::new();
        for id in FindingId::ALL {
            let Row { id, severity, meaning, hint } = id.row();
            assert!(ids.insert(*id), "two findings `{id}`");
            assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{id}");
            assert!(meaning.len() > 10 && !meaning.ends_with('.') && !hint.ends_with('.'), "{id}");
            assert!(*severity < Severity::Warning || hint.len() > 10, "{id} has no hint");
        }
    }
}
