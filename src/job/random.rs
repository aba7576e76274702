//! The one place that asks the operating system for randomness. The pure rooms are handed the bytes.

#![expect(clippy::disallowed_methods, reason = "this file owns the randomness")]

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness(#[from] getrandom::Error);

/// Returns `N` random bytes of cryptographic quality.
///
/// # Errors
/// When the operating system has none to give (early boot, a sandbox without `getrandom(2)`).
pub fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
