//! Reads the body of a response, up to a limit, into memory that is wiped.

use reqwest::Response;
use zeroize::Zeroizing;

/// What there is of a body.
pub enum Body {
    /// All of it.
    Whole(Zeroizing<Vec<u8>>),
    /// The beginning of one that is longer than the limit.
    Cut(Zeroizing<Vec<u8>>),
    /// The beginning of one that broke off.
    Broken(Zeroizing<Vec<u8>>),
}

/// Reads at most `max` bytes. The buffer has its full size at once: one that grows leaves copies behind.
pub async fn read_body(response: &mut Response, max: usize) -> Body {
    let mut body = Zeroizing::new(Vec::with_capacity(max));
    loop {
        match response.chunk().await {
            Ok(None) => return Body::Whole(body),
            Ok(Some(chunk)) => {
                let room = max - body.len();
                body.extend(chunk.iter().take(room));
                if chunk.len() > room {
                    return Body::Cut(body);
                }
            }
            Err(_) => return Body::Broken(body),
        }
    }
}
