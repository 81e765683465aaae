//! Open pages follow what happens: a bus of topics inside the process, and a stream of them to the browser.
//!
//! A topic is a word such as `sources`, `source-<id>` or `messages`. Only the word travels; the page then fetches itself
//! and replaces its live parts, so that what may be seen is decided where it always is.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use futures::StreamExt;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

use crate::access::Viewer;

/// Topics kept for a slow listener before it is told to look at everything.
const KEPT: usize = 256;
/// How often a silent stream says that it is alive; shorter than the idle time-outs of usual proxies.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// A stream ends after this time and the browser begins a new one, so that a session that has ended does not listen on.
const LONGEST: Duration = Duration::from_mins(15);

/// Tells open pages what has changed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bus(broadcast::Sender<String>);

impl Default for Bus {
    fn default() -> Self {
        Self::new()
    }
}

impl Bus {
    /// A bus that nobody listens to yet.
    pub fn new() -> Self {
        Self(broadcast::channel(KEPT).0)
    }

    /// Something happened under this topic. Does nothing when no page is open.
    pub fn tell(&self, topic: &str) {
        // The error only says that nobody listens.
        let _ = self.0.send(topic.to_owned());
    }

    /// What is told from now on. A listener that fell behind hears `*`: look at everything.
    pub fn topics(&self) -> impl Stream<Item = String> + Send + use<> {
        BroadcastStream::new(self.0.subscribe()).map(|topic| match topic {
            Ok(topic) => topic,
            Err(BroadcastStreamRecvError::Lagged(_)) => "*".to_owned(),
        })
    }
}

/// The bus's topics as server-sent events: first `*`, because the page may be older than the stream.
pub(super) fn stream(
    bus: &Bus,
    _viewer: &Viewer,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let topics = futures::stream::once(async { "*".to_owned() })
        .chain(bus.topics())
        .take_until(tokio::time::sleep(LONGEST))
        .map(|topic| Ok(Event::default().data(topic)));
    Sse::new(topics).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a page hears what happens, and one that fell behind is told to look at everything.
    #[tokio::test]
    async fn topics_reach_listeners_and_gaps_are_told() {
        let bus = Bus::new();
        bus.tell("nobody listens");
        let mut topics = Box::pin(bus.topics());
        bus.tell("sources");
        assert_eq!(topics.next().await.as_deref(), Some("sources"));
        for n in 0..=KEPT {
            bus.tell(&format!("source-{n}"));
        }
        assert_eq!(topics.next().await.as_deref(), Some("*"));
    }
}
