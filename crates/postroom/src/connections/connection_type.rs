//! How a mailbox is reached: over Graph, or over Exchange Web Services.

use std::fmt;

use ledger::record::IdKind;
use url::Url;

/// What is told wherever a connection over EWS is made or shown.
pub const WARNING: &str = "Microsoft has blocked EWS in Exchange Online since 2026-10-01, unless your administrator has listed \
     this app in EwsAllowedAppIDs, and turns it off for good on 2027-04-01. Exchange servers of your own are not affected. In \
     Exchange Online use Graph.";

/// How a mailbox is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnectionType {
    /// Microsoft Graph.
    #[default]
    Graph,
    /// Exchange Web Services.
    Ews,
}

impl ConnectionType {
    /// As it is stored and posted.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Ews => "ews",
        }
    }

    /// The type with this word; Graph for any other.
    pub fn of_word(word: &str) -> Self {
        if word == "ews" { Self::Ews } else { Self::Graph }
    }

    /// As people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Graph => "Graph",
            Self::Ews => "EWS",
        }
    }

    /// Whose ids the ledger keeps of its messages.
    pub const fn ids(self) -> IdKind {
        match self {
            Self::Graph => IdKind::Graph,
            Self::Ews => IdKind::Ews,
        }
    }
}

/// How a mailbox is reached, as its page says it; with the address of a server of its own.
pub fn in_words(stored: &str, ews_url: &str) -> String {
    let over = ConnectionType::of_word(stored);
    if ews_url.is_empty() { over.to_string() } else { format!("{over}, {ews_url}") }
}

impl fmt::Display for ConnectionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The permission to reach mailboxes over EWS at this address: the resource is the address's origin.
pub fn ews_scope(ews_url: &Url) -> String {
    format!("{}/EWS.AccessAsUser.All", ews_url.origin().ascii_serialization())
}

/// Whether an address is that of Exchange Online, whichever cloud's.
pub fn is_online(ews_url: &Url) -> bool {
    use super::cloud::Cloud;
    let host = ews_url.host_str();
    [Cloud::Global, Cloud::GccHigh, Cloud::Dod, Cloud::China]
        .into_iter()
        .any(|cloud| Url::parse(cloud.ews()).is_ok_and(|online| online.host_str() == host))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a token is asked for the very server that it is sent to.
    #[test]
    fn the_resource_is_the_addresss_origin() {
        let online = Url::parse("https://outlook.office365.com/EWS/Exchange.asmx").expect("an address");
        assert_eq!(ews_scope(&online), "https://outlook.office365.com/EWS.AccessAsUser.All");
        let own = Url::parse("https://mail.contoso.test:8443/EWS/Exchange.asmx").expect("an address");
        assert_eq!(ews_scope(&own), "https://mail.contoso.test:8443/EWS.AccessAsUser.All");
        assert!(is_online(&online) && !is_online(&own));
    }

    #[test]
    fn words_lead_back() {
        for kind in [ConnectionType::Graph, ConnectionType::Ews] {
            assert_eq!(ConnectionType::of_word(kind.word()), kind);
            assert_eq!(kind.ids().column(), kind.word());
        }
    }
}
