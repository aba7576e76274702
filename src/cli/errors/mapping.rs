//! Every error of every room and its row of the table, in one place, so that none is forgotten.

use super::ErrorId;
use crate::baton::{DeadReason, KeyError, OpenError};
use crate::commands::CommandError;
use crate::credential::{InputError, NotFull, ParseError};
use crate::disk::DiskError;
use crate::home::HomeError;
use crate::job::ChildError;
use crate::policy::{GateError, Mismatch, PolicyError};
use crate::relay::{ExchangeError, RelayError};
use crate::store::StoreError;
use crate::transport::TransportError;

impl ErrorId {
    /// Finds the row of an error.
    #[must_use]
    pub fn of(error: &CommandError) -> Self {
        match error {
            CommandError::Relay(error) => of_relay(error),
            CommandError::Policy(error) => of_policy(error),
            CommandError::Terminal { .. } => Self::StdinIsTerminal,
            CommandError::Stdin(_) => Self::StdinUnreadable,
            CommandError::SecretAsName { .. } => Self::SecretOnArgv,
            CommandError::NoSecretFile(_) => Self::SecretFileMissing,
            CommandError::SecretFile(_) => Self::SecretFileUnreadable,
            CommandError::NoSecretVariable(_) => Self::SecretVariableMissing,
            CommandError::Input { problem, .. } => of_input(*problem),
            CommandError::Unusable(_) => Self::CredentialUnusable,
            CommandError::NotFull(error) => of_not_full(*error),
            CommandError::TakenNotPlaced(_) => Self::TakenNotPlaced,
            CommandError::NotForLlmx => Self::NotForLlmx,
            CommandError::Forbidden { mismatch, .. } => of_mismatch(mismatch),
            CommandError::Gate(error) => of_gate(error),
            CommandError::ForbiddenAmbient { mismatch, .. } if mismatch.is_undecided() => {
                Self::PolicyUndecidable
            }
            CommandError::ForbiddenAmbient { .. } => Self::PolicyEnvironment,
            CommandError::AmbientUnreadable(_) => Self::EnvironmentUnusable,
            CommandError::Undecidable(_) => Self::PolicyUndecidable,
            CommandError::LoggedOut(_) => Self::PolicyLoggedOut,
            CommandError::WouldLogOut(_) => Self::PolicyWouldLogOut,
            CommandError::NotLoggedOut { .. } => Self::PolicyNotLoggedOut,
            CommandError::StoreNotConfigured => Self::StoreNotConfigured,
            CommandError::StoreNeeded(_) => Self::StoreNeeded,
            CommandError::SealKey(KeyError::Missing) => Self::SealKeyMissing,
            CommandError::SealKey(KeyError::NotAKey(_) | KeyError::TooMany) => Self::SealKeyMalformed,
            CommandError::SealKeyFile(_) => Self::SealKeyUnreadable,
            CommandError::EventRefused { .. } => Self::EventRefused,
            CommandError::Mask(_) => Self::MaskMisplaced,
            CommandError::RivalCredential(_) => Self::RivalCredential,
            CommandError::NoRunnerFile(_) | CommandError::RunnerFile(_) | CommandError::FileCommand(_) => {
                Self::RunnerUnusable
            }
            CommandError::BrokerNotStored => Self::NotStored,
            CommandError::HomeBrokered => Self::HomeBrokered,
            CommandError::NoTemporaryDirectory => Self::TemporaryDirectoryMissing,
            CommandError::NotHandedOver => Self::Usage,
            CommandError::Broker(_) | CommandError::Signals(_) => Self::Internal,
            CommandError::BrokerProcess(_) => Self::BrokerFailed,
            CommandError::Child(ChildError::NotFound { .. }) => Self::CommandNotFound,
            CommandError::Child(ChildError::NotExecutable { .. }) => Self::CommandNotExecutable,
            CommandError::Child(ChildError::Lost(_)) => Self::Internal,
            CommandError::NoRescueText => Self::RescueUnreadable,
            CommandError::RescueRefused => Self::ReplyRefused,
            CommandError::RescueMovedOn => Self::RescueMovedOn,
            CommandError::NotRevoked(_) => Self::NotRevoked,
            CommandError::Unwell(_) => Self::Unwell,
            CommandError::Rehearsal { .. } => Self::RehearsalFailed,
            CommandError::Reported { error, .. } => Self::of(error),
            CommandError::RehearsalSetup(_) => Self::Internal,
        }
    }
}

fn of_relay(error: &RelayError) -> ErrorId {
    match error {
        RelayError::Home(error) => of_home(error),
        RelayError::Store(error) => of_store(error),
        RelayError::Sealed(error) => of_sealed(error),
        RelayError::Randomness(_) | RelayError::Interrupted | RelayError::Signals(_) => ErrorId::Internal,
        RelayError::SlotEmpty => ErrorId::SlotEmpty,
        RelayError::RolledBack => ErrorId::LoginRolledBack,
        RelayError::Dead(reason) => of_dead(*reason),
        RelayError::Suspect(_) => ErrorId::LoginSuspect,
        RelayError::LeaseTimeout { .. } => ErrorId::LeaseTimeout,
        RelayError::ReadOnly(_) => ErrorId::StoreReadOnly,
        RelayError::NotExclusive => ErrorId::StoreNotExclusive,
        RelayError::Gate(error) => of_gate(error),
        RelayError::Exchange(error) => of_exchange(error),
        RelayError::SlotGone => ErrorId::StoreFailed,
        RelayError::Restless => ErrorId::SlotRestless,
        RelayError::AccountChange => ErrorId::AccountChange,
        RelayError::TooManySeeds => ErrorId::SeedsFull,
        RelayError::HomeOccupied => ErrorId::HomeOccupied,
        RelayError::NotNewer => ErrorId::NotNewer,
        RelayError::TooShort { .. } | RelayError::UnknownEnd => ErrorId::TokenTooShort,
        RelayError::Unproven => ErrorId::RefreshFirst,
        RelayError::NoLogin => ErrorId::NotLoggedIn,
        RelayError::Unparsable(error) => of_parse(*error),
        RelayError::Unusable(_) => ErrorId::CredentialUnusable,
        RelayError::NotFull(error) => of_not_full(*error),
        RelayError::HolderElsewhere => ErrorId::AccessOnlyGiven,
        RelayError::ReplyKept(_) => ErrorId::ReplyRefused,
        RelayError::Lost(_) => ErrorId::RotatedLost,
        RelayError::NotPlaced { .. } => ErrorId::NotPlaced,
        RelayError::NotStored { .. } => ErrorId::NotStored,
    }
}

fn of_exchange(error: &ExchangeError) -> ErrorId {
    match error {
        ExchangeError::Client(error) => of_transport(error),
        ExchangeError::Unreachable(_) => ErrorId::AuthorityUnreachable,
        ExchangeError::Unclear(_) => ErrorId::AuthorityUnclear,
        ExchangeError::Refused(_) => ErrorId::AuthorityRefused,
        ExchangeError::Dead(reason) => of_dead(*reason),
        ExchangeError::Unauthorized => ErrorId::LoginSuspect,
        ExchangeError::Unreadable => ErrorId::ReplyUnreadable,
        ExchangeError::ReplyRefused(_) | ExchangeError::ReplySpent => ErrorId::ReplyRefused,
    }
}

fn of_transport(error: &TransportError) -> ErrorId {
    match error {
        TransportError::CaFile(_) | TransportError::NoCertificate(_) => ErrorId::CaFileUnusable,
        TransportError::Build | TransportError::Runtime(_) => ErrorId::Internal,
    }
}

fn of_dead(reason: DeadReason) -> ErrorId {
    match reason {
        DeadReason::Expired => ErrorId::LoginExpired,
        DeadReason::Reused => ErrorId::LoginReused,
        DeadReason::Invalidated => ErrorId::LoginInvalidated,
        DeadReason::InvalidGrant | DeadReason::Unauthorized => ErrorId::LoginRefused,
        DeadReason::ReplyRefused => ErrorId::ReplyRefused,
    }
}

fn of_home(error: &HomeError) -> ErrorId {
    match error {
        HomeError::Disk(DiskError::Locked { .. }) => ErrorId::LockTimeout,
        HomeError::Disk(DiskError::Randomness(_)) => ErrorId::Internal,
        HomeError::Disk(_)
        | HomeError::JournalTooLarge(_)
        | HomeError::NotOurLock(_)
        | HomeError::NoRunHome(_) => ErrorId::HomeUnusable,
        HomeError::NotThere { .. } | HomeError::NoHome(_) => ErrorId::HomeNotFound,
        HomeError::NoStateDirectory => ErrorId::StateDirectoryUnknown,
        HomeError::Obstacle { .. } => ErrorId::HomeObstacle,
        HomeError::Mounted(_) => ErrorId::HomeMounted,
        HomeError::Changed(_) => ErrorId::HomeChanged,
    }
}

fn of_store(error: &StoreError) -> ErrorId {
    match error {
        StoreError::Disk(DiskError::Locked { .. }) => ErrorId::LockTimeout,
        StoreError::Disk(_) => ErrorId::StoreFailed,
        StoreError::Untrusted(
            DiskError::Symlink(_)
            | DiskError::Foreign(_)
            | DiskError::Shared(_)
            | DiskError::NotADirectory(_),
        ) => ErrorId::StoreUntrusted,
        StoreError::Untrusted(_) => ErrorId::StoreFailed,
        StoreError::Transport(error) => of_transport(error),
        StoreError::NotHere(_) => ErrorId::StoreNotHere,
        StoreError::Unreachable(_) => ErrorId::StoreUnreachable,
        StoreError::Denied(_) => ErrorId::StoreDenied,
        StoreError::Garbled(_) => ErrorId::StoreGarbled,
        StoreError::Helper(_) => ErrorId::StoreHelperFailed,
        StoreError::NotExclusive(_) => ErrorId::StoreNotExclusive,
    }
}

fn of_sealed(error: &OpenError) -> ErrorId {
    match error {
        OpenError::NotSealed => ErrorId::BatonNotSealed,
        OpenError::Truncated => ErrorId::BatonTruncated,
        OpenError::Damaged => ErrorId::BatonDamaged,
        OpenError::NewerVersion(_) => ErrorId::BatonNewer,
        OpenError::TooLarge(_) => ErrorId::BatonTooLarge,
        OpenError::TooManyHashes => ErrorId::BatonTooManyHashes,
        OpenError::UnknownKey(_) => ErrorId::BatonUnknownKey,
        OpenError::WrongKey => ErrorId::BatonWrongKey,
        OpenError::WrongSlot(_) => ErrorId::BatonWrongSlot,
        OpenError::WrongAudience => ErrorId::BatonWrongAudience,
        OpenError::Inconsistent => ErrorId::BatonInconsistent,
    }
}

fn of_gate(error: &GateError) -> ErrorId {
    match error {
        GateError::Mismatch(mismatch) => of_mismatch(mismatch),
        GateError::Policy(error) => of_policy(error),
        GateError::NotRead { .. } => ErrorId::CredentialsStoreUnsupported,
    }
}

fn of_mismatch(mismatch: &Mismatch) -> ErrorId {
    if mismatch.is_undecided() { ErrorId::PolicyUndecidable } else { ErrorId::PolicyForbidden }
}

fn of_policy(error: &PolicyError) -> ErrorId {
    match error {
        PolicyError::Unreadable(_) | PolicyError::NoManagedConfig | PolicyError::NoDirectory(_) => {
            ErrorId::PolicyUnreadable
        }
        PolicyError::Invalid { .. } => ErrorId::PolicyInvalid,
        PolicyError::Impossible(_) => ErrorId::PolicyImpossible,
    }
}

fn of_input(error: InputError) -> ErrorId {
    match error {
        InputError::Empty => ErrorId::InputEmpty,
        InputError::Blank => ErrorId::InputBlank,
        InputError::NotUtf8 => ErrorId::InputNotUtf8,
        InputError::TooLarge(_) => ErrorId::InputTooLarge,
        InputError::SeveralLines => ErrorId::ApiKeySeveralLines,
        InputError::NotAnAccessToken => ErrorId::AccessTokenMalformed,
        InputError::Document(error) => of_parse(error),
    }
}

fn of_parse(error: ParseError) -> ErrorId {
    match error {
        ParseError::Blank => ErrorId::AuthJsonBlank,
        ParseError::TooLarge(_) => ErrorId::AuthJsonTooLarge,
        ParseError::NotUtf8 => ErrorId::AuthJsonNotUtf8,
        ParseError::NotJson { .. } => ErrorId::AuthJsonNotJson,
        ParseError::NotACredential { .. } => ErrorId::AuthJsonInvalid,
        ParseError::IdTokenNotJwt => ErrorId::IdTokenNotJwt,
    }
}

fn of_not_full(error: NotFull) -> ErrorId {
    match error {
        NotFull::OtherMode(_) | NotFull::ExternallyManaged => ErrorId::NotAFullLogin,
        NotFull::AccessOnly => ErrorId::AccessOnlyGiven,
        NotFull::Handle => ErrorId::HandleGiven,
        NotFull::NoAccountId => ErrorId::AccountIdMissing,
        NotFull::NoLastRefresh => ErrorId::LastRefreshMissing,
    }
}
