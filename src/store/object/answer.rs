//! What an answer of the service means for us, in our own words.

use super::super::StoreError;
use super::wire::{Outcome, What, Whose};

/// What became of a request that was no success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// There is no such object, and the service says so.
    NoSuchObject,
    /// A condition was not met: somebody was quicker.
    Lost,
    /// The service is in the middle of another write of the same object, or has the object.
    Contended,
    /// By itself: it may go well a moment later.
    Passing(Passing),
    /// It does not let us in, or not do this.
    Denied,
    /// There are no credentials, and this machine gives none.
    NoCredentials,
    /// Who gives out credentials does not.
    CredentialsDenied(u16),
    /// The credentials that are here cannot be used at all.
    Unusable,
    /// The bucket, the container or the account is not there.
    NoBucket,
    /// It points elsewhere.
    Elsewhere,
    /// It answered with a status that makes no sense.
    Odd(u16),
    /// It answered as if all were well, and not as such a service does.
    Garbled,
    /// What is there is larger than a baton may be.
    TooLarge,
    /// It would have been asked in plain text.
    Plain,
}

/// A failure that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passing {
    Busy(u16),
    NoConnection,
    TooLong,
    Broken,
    Credentials,
}

impl Failure {
    /// Judges what became of the last request; `asks_machine`: the machine itself is to say who we are.
    pub(super) fn of(outcome: Option<Outcome>, asks_machine: bool) -> Self {
        let Some(Outcome { whose, what }) = outcome else { return Self::Unusable };
        match (whose, what) {
            (_, What::Plain) => Self::Plain,
            (Whose::Credentials, _) if asks_machine => Self::NoCredentials,
            (Whose::Credentials, What::Answer { status: status @ 400..=499, .. }) if status != 429 => {
                Self::CredentialsDenied(status)
            }
            (Whose::Credentials, What::Answer { status: 200..=299, .. } | What::TooLarge) => Self::Unusable,
            (Whose::Credentials, _) => Self::Passing(Passing::Credentials),
            (Whose::Store, What::NoConnection) => Self::Passing(Passing::NoConnection),
            (Whose::Store, What::TooLong) => Self::Passing(Passing::TooLong),
            (Whose::Store, What::Broken) => Self::Passing(Passing::Broken),
            (Whose::Store, What::TooLarge) => Self::TooLarge,
            (Whose::Store, What::Answer { status, no_such_object }) => match status {
                200..=299 => Self::Garbled,
                304 | 412 => Self::Lost,
                300..=399 => Self::Elsewhere,
                401 | 403 => Self::Denied,
                404 if no_such_object => Self::NoSuchObject,
                404 => Self::NoBucket,
                409 => Self::Contended,
                408 | 429 | 500..=599 => Self::Passing(Passing::Busy(status)),
                _ => Self::Odd(status),
            },
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        let text = match failure {
            Failure::Passing(Passing::Busy(status)) => format!("it answered {status}"),
            Failure::Passing(Passing::NoConnection) => "no connection".to_owned(),
            Failure::Passing(Passing::TooLong) => "it takes too long to answer".to_owned(),
            Failure::Passing(Passing::Broken) => "the connection broke".to_owned(),
            Failure::Passing(Passing::Credentials) => {
                "who gives out its credentials does not answer".to_owned()
            }
            Failure::Contended => "it is busy with other writes of the slot".to_owned(),
            Failure::Denied => {
                "the credentials of this run may not do this; to find out that a slot is empty takes \
                                the right to list it"
                    .to_owned()
            }
            Failure::NoCredentials => {
                "there are no credentials for it, and this machine gives none".to_owned()
            }
            Failure::CredentialsDenied(status) => format!("who gives out its credentials answered {status}"),
            Failure::NoBucket => {
                "there is no such bucket or container, or it is not such a service".to_owned()
            }
            Failure::Unusable => "the credentials for it cannot be used".to_owned(),
            Failure::Plain => {
                "it, or who gives out its credentials, can be asked in plain text only".to_owned()
            }
            Failure::Elsewhere => "it points elsewhere; the region or the endpoint may be wrong".to_owned(),
            Failure::Odd(status) => format!("it answered {status}; the region or the endpoint may be wrong"),
            Failure::Garbled => "it does not name the version of what it holds".to_owned(),
            Failure::TooLarge => "what it holds is larger than a baton may be".to_owned(),
            Failure::NoSuchObject => "the slot is not there any more".to_owned(),
            Failure::Lost => "it refuses what was not conditional".to_owned(),
        };
        match failure {
            Failure::Passing(_) | Failure::Contended => Self::Unreachable(text),
            Failure::Denied | Failure::NoCredentials | Failure::CredentialsDenied(_) | Failure::NoBucket => {
                Self::Denied(text)
            }
            Failure::Unusable | Failure::Plain => Self::NotHere(text),
            Failure::Elsewhere
            | Failure::Odd(_)
            | Failure::Garbled
            | Failure::TooLarge
            | Failure::NoSuchObject
            | Failure::Lost => Self::Garbled(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_means_one_thing() {
        let store = |what| Failure::of(Some(Outcome { whose: Whose::Store, what }), false);
        let table = [
            (200, Failure::Garbled),
            (301, Failure::Elsewhere),
            (304, Failure::Lost),
            (400, Failure::Odd(400)),
            (401, Failure::Denied),
            (403, Failure::Denied),
            (404, Failure::NoBucket),
            (408, Failure::Passing(Passing::Busy(408))),
            (409, Failure::Contended),
            (412, Failure::Lost),
            (429, Failure::Passing(Passing::Busy(429))),
            (503, Failure::Passing(Passing::Busy(503))),
        ];
        for (status, expected) in table {
            assert_eq!(store(What::Answer { status, no_such_object: false }), expected, "{status}");
        }
        assert_eq!(store(What::Answer { status: 404, no_such_object: true }), Failure::NoSuchObject);
        assert_eq!(store(What::TooLong), Failure::Passing(Passing::TooLong));
        assert_eq!(Failure::of(None, false), Failure::Unusable);
    }

    #[test]
    fn credentials_that_cannot_be_had_are_no_fault_of_the_stores() {
        let of =
            |what, asks_machine| Failure::of(Some(Outcome { whose: Whose::Credentials, what }), asks_machine);
        let answer = |status| What::Answer { status, no_such_object: false };
        assert_eq!(of(answer(404), true), Failure::NoCredentials);
        assert_eq!(of(What::NoConnection, true), Failure::NoCredentials);
        assert_eq!(of(answer(403), false), Failure::CredentialsDenied(403));
        assert_eq!(of(answer(500), false), Failure::Passing(Passing::Credentials));
        assert_eq!(of(What::TooLong, false), Failure::Passing(Passing::Credentials));
        assert_eq!(of(What::Plain, true), Failure::Plain);
    }
}
