//! The other end of what `commands/handover.rs` makes: a broker takes up options and variables from a pipe, in place of its
//! own.

use std::collections::BTreeMap;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::arguments::{Arguments, Common, Verb};
use crate::job::{Environment, receive_settings};

#[derive(Deserialize)]
struct Handover {
    options: Common,
    environment: BTreeMap<String, Zeroizing<String>>,
}

/// Takes up what was handed over, where the arguments say that something was.
///
/// # Errors
/// When stdin has something else.
pub(super) fn take_up(
    arguments: Arguments,
    own: Environment,
) -> Result<(Arguments, Environment), &'static str> {
    match &arguments.verb {
        Verb::Broker(broker) if broker.handed_over => {}
        _ => return Ok((arguments, own)),
    }
    let text = receive_settings().map_err(|_| "nothing was handed over")?;
    let handover: Handover =
        serde_json::from_slice(&text).map_err(|_| "what was handed over cannot be understood")?;
    let taken = Arguments { common: handover.options, verb: arguments.verb };
    Ok((taken, Environment::HandedOver(handover.environment)))
}
