//! Reading an answer's body, never more of it than was allowed for.

use std::time::Duration;

use http::HeaderMap;

use crate::retry_after::{http_date, retry_after};

/// Why a body could not be read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It is larger than allowed.
    TooLarge,
    /// The connection failed under it.
    Failed(reqwest::Error),
}

/// Reads the body up to `limit` bytes (after decompression).
pub(crate) async fn body(mut response: reqwest::Response, limit: usize) -> Result<Vec<u8>, Unread> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(Unread::TooLarge);
    }
    // What is announced is believed up to a point: a lie must not cost memory.
    let mut read = Vec::with_capacity(announced.unwrap_or(0).min(1 << 20));
    while let Some(chunk) = response.chunk().await.map_err(Unread::Failed)? {
        if read.len() + chunk.len() > limit {
            return Err(Unread::TooLarge);
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read)
}

/// A header as text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// How long the answer asks to wait; a date is held against the answer's own.
pub(crate) fn asked_to_wait(headers: &HeaderMap) -> Option<Duration> {
    let date = header(headers, "date").and_then(http_date);
    retry_after(header(headers, "retry-after")?, date)
}
