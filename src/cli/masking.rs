//! `--mask`: the masks that somebody asked for, on standard error. There they come before what we say ourselves and before
//! what a command of `run` says there, and what a script takes from standard output has none of them.

use std::cell::Cell;

use super::output::{one_line, stderr_text};
use crate::job::{
    Environment, Hidden, MaskError, Masks, Platform, Wish, complains_into_a_file, explain, for_helper,
};

/// Returns what hides secrets on this platform, as far as that was asked for; `None` where nothing is hidden.
///
/// # Errors
/// Where a mask would be the leak.
pub(super) fn masks(
    wish: Wish,
    here: Platform,
    environment: &Environment,
    secret_variables: &[String],
) -> Result<Option<Masks>, MaskError> {
    let Some(hiding) = wish.hiding(here, complains_into_a_file())? else { return Ok(None) };
    let environment = for_helper(environment.all(), secret_variables);
    let failed = Cell::new(false);
    Ok(Some(Masks::new(Hidden::OfJob, move |secrets| {
        if failed.get() {
            // What does not answer would be waited for again and again.
            return;
        }
        if let Err(error) = hiding.hide(secrets, &environment, stderr_text) {
            failed.set(true);
            let why = one_line(&explain(&error));
            stderr_text(&format!("warning: the tokens of this job are not hidden in the log: {why}\n"));
        }
    })))
}
