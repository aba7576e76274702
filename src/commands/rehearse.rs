//! `rehearse`
use super::{Bench, CommandError, Report};
/// x
/// # Errors
/// x
pub fn rehearse(_bench: &Bench<'_>) -> Result<Report, CommandError> {
    Ok(Report::default())
}
