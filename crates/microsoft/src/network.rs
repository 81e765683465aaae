//! What went wrong on the way, from the client library's error to a fault.

use std::error::Error;

use fault::{Failure, Fault, Network, NetworkKind};

/// The fault of a request that failed on its way. `host` is the other side's.
pub(crate) fn failed(error: &reqwest::Error, host: &str) -> Fault {
    // An address can carry a code or a token in its query: it is not told.
    let chain = chain(error);
    let kind = NetworkKind::of(&Failure {
        is_timeout: error.is_timeout(),
        is_connect: error.is_connect(),
        is_body: error.is_body() || error.is_decode(),
        io: fault::innermost_io(error),
        words: &chain,
    });
    Fault::network(&Network { kind, host, detail: &chain })
}

/// The fault of an answer that came, but cannot be read.
pub(crate) fn unreadable(host: &str, detail: &str) -> Fault {
    Fault::network(&Network { kind: NetworkKind::Body, host, detail })
}

/// The fault of a success that is no answer: a web page, or something that cannot be read.
pub(crate) fn no_answer(host: &str, body: &[u8], detail: &str) -> Fault {
    if fault::looks_like_a_page(body) {
        return Fault::own("network.portal", &format!("{host}: a web page came in place of an answer"));
    }
    unreadable(host, detail)
}

/// The messages of the error's sources, without the address.
fn chain(error: &reqwest::Error) -> String {
    let mut said = Vec::new();
    let mut next: Option<&(dyn Error + 'static)> = error.source();
    while let Some(source) = next {
        said.push(source.to_string());
        next = source.source();
    }
    if said.is_empty() { "the request failed".to_owned() } else { said.join(": ") }
}
