//! The other end of what `commands/handover.rs` makes: a broker takes up options and variables from a pipe, in place of its
//! own.

use std::collections::BTreeMap;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::arguments::{Arguments, Common, Verb};
use crate::commands::Stay;
use crate::job::{Environment, receive_settings};

#[derive(Deserialize)]
struct Handover {
    options: Common,
    environment: BTreeMap<String, Zeroizing<String>>,
    read_only: Option<String>,
    stay: Option<Stay>,
}

/// What a call works with, whoever said it.
pub(super) struct Call {
    pub(super) arguments: Arguments,
    pub(super) environment: Environment,
    pub(super) read_only: Option<String>,
    pub(super) stay: Option<Stay>,
}

/// Takes up what was handed over, where the arguments say that something was.
///
/// # Errors
/// When stdin has something else.
pub(super) fn take_up(arguments: Arguments, own: Environment) -> Result<Call, &'static str> {
    match &arguments.verb {
        Verb::Broker(broker) if broker.handed_over => {}
        _ => return Ok(Call { arguments, environment: own, read_only: None, stay: None }),
    }
    let text = receive_settings().map_err(|_| "nothing was handed over")?;
    let handover: Handover =
        serde_json::from_slice(&text).map_err(|_| "what was handed over cannot be understood")?;
    Ok(Call {
        arguments: Arguments { common: handover.options, verb: arguments.verb },
        environment: Environment::HandedOver(handover.environment),
        read_only: handover.read_only,
        stay: handover.stay,
    })
}
