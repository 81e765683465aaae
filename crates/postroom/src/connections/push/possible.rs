//! Whether Microsoft can announce a source's mail at all, and if not, why. Pure.

use url::{Host, Url};

/// Why there is no push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No reason: it is on, or was not tried yet.
    Nothing,
    /// `[inbound] push = false`.
    Setting,
    /// A person turned it off for this source.
    SwitchedOff,
    /// The source waits for its confirmation.
    Unconfirmed,
    /// The source is paused.
    Paused,
    /// The source is read over EWS.
    Ews,
    /// Another's mailbox, with a person's rights: Graph announces none of its mail.
    Shared,
    /// The public address cannot be reached from the internet over https.
    Address,
    /// Exchange refused.
    Refused,
    /// Microsoft could not reach the public address.
    Unreachable,
    /// Another installation with the same app registration is subscribed to this folder.
    Taken,
    /// It could not be set up, for a reason that Details tell.
    Failing,
}

impl Why {
    const ALL: [Self; 12] = [
        Self::Nothing,
        Self::Setting,
        Self::SwitchedOff,
        Self::Unconfirmed,
        Self::Paused,
        Self::Ews,
        Self::Shared,
        Self::Address,
        Self::Refused,
        Self::Unreachable,
        Self::Taken,
        Self::Failing,
    ];

    /// As rows and the API name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Setting => "setting",
            Self::SwitchedOff => "switched_off",
            Self::Unconfirmed => "not_confirmed",
            Self::Paused => "paused",
            Self::Ews => "ews",
            Self::Shared => "shared_mailbox",
            Self::Address => "address",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Taken => "taken",
            Self::Failing => "failing",
        }
    }

    /// The reason that a row names.
    pub fn of_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|why| why.word() == word).unwrap_or(Self::Nothing)
    }

    /// Whether it lies in how things are set up here, and not in an answer that may be another one later.
    pub fn is_structural(self) -> bool {
        matches!(
            self,
            Self::Setting
                | Self::SwitchedOff
                | Self::Unconfirmed
                | Self::Paused
                | Self::Ews
                | Self::Shared
                | Self::Address
        )
    }

    /// What a person reads after `off: `, with the mend where there is one.
    pub fn words(self) -> &'static str {
        match self {
            Self::Nothing => "it was not set up yet",
            Self::Setting => "[inbound] push is false in the settings",
            Self::SwitchedOff => "it was turned off for this source",
            Self::Unconfirmed => "the source is not confirmed yet",
            Self::Paused => "the source is paused",
            Self::Ews => "the source is read over EWS, which is polled only",
            Self::Shared => {
                "Microsoft announces mail of another's mailbox to an application permission only, not to a person with rights \
                 on it; it is polled"
            }
            Self::Address => {
                "Microsoft has no way in: it needs an https address that the internet can reach ([server] public_url)"
            }
            Self::Refused => "Exchange does not let Postroom subscribe to this mailbox; it is polled",
            Self::Unreachable => {
                "Microsoft could not reach the public address; let POST requests from the internet to /push/ through, with a \
                 certificate of a public authority"
            }
            Self::Taken => {
                "something else with the same app registration is subscribed to this folder; give each installation a \
                 registration of its own"
            }
            Self::Failing => "it could not be set up; it is tried again by itself",
        }
    }
}

/// What decides whether push is possible.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// `[inbound] push`.
    pub is_allowed: bool,
    /// A person turned it off.
    pub is_switched_off: bool,
    /// The source was confirmed.
    pub is_confirmed: bool,
    /// The source is paused, or was removed.
    pub is_paused: bool,
    /// It is read over Graph.
    pub is_graph: bool,
    /// The account is an application, not a person.
    pub is_application: bool,
    /// The mailbox is the account's own.
    pub is_own: bool,
    /// Where people reach the console.
    pub public_url: &'a Url,
    /// Where Graph is.
    pub graph_url: &'a Url,
}

/// Whether push is possible.
pub fn possible(facts: &Facts<'_>) -> Result<(), Why> {
    if !facts.is_confirmed {
        Err(Why::Unconfirmed)
    } else if facts.is_paused {
        Err(Why::Paused)
    } else if !facts.is_graph {
        Err(Why::Ews)
    } else if !facts.is_allowed {
        Err(Why::Setting)
    } else if facts.is_switched_off {
        Err(Why::SwitchedOff)
    } else if !facts.is_application && !facts.is_own {
        Err(Why::Shared)
    } else if !can_be_reached(facts.public_url, facts.graph_url) {
        Err(Why::Address)
    } else {
        Ok(())
    }
}

/// Whether Graph can reach an address of ours, as far as the address tells: https, and not an address that only this machine or
/// this network knows. A Graph on this very machine (the simulator) reaches loopback, too.
fn can_be_reached(public_url: &Url, graph_url: &Url) -> bool {
    if is_loopback(public_url) {
        return is_loopback(graph_url);
    }
    public_url.scheme() == "https" && !is_private(public_url)
}

/// Whether an address is this machine's own.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn is_private(url: &Url) -> bool {
    match url.host() {
        // Names that no public name server knows.
        Some(Host::Domain(name)) => {
            !name.contains('.')
                || [".local", ".internal", ".lan", ".home.arpa"].iter().any(|end| name.ends_with(end))
        }
        Some(Host::Ipv4(address)) => {
            address.is_private() || address.is_link_local() || address.is_unspecified()
        }
        Some(Host::Ipv6(address)) => {
            address.is_unique_local() || address.is_unicast_link_local() || address.is_unspecified()
        }
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const GRAPH: &str = "https://graph.microsoft.com/";

    fn verdict(change: impl FnOnce(&mut Facts<'_>)) -> Result<(), Why> {
        let (public_url, graph_url) =
            (Url::parse("https://postroom.example.com/").unwrap(), Url::parse(GRAPH).unwrap());
        let mut facts = Facts {
            is_allowed: true,
            is_switched_off: false,
            is_confirmed: true,
            is_paused: false,
            is_graph: true,
            is_application: false,
            is_own: true,
            public_url: &public_url,
            graph_url: &graph_url,
        };
        change(&mut facts);
        possible(&facts)
    }

    /// Promise: push is off by itself where Graph would not announce, and the reason is named.
    #[test]
    fn what_stands_against_it_is_named() {
        assert_eq!(verdict(|_| {}), Ok(()));
        assert_eq!(verdict(|facts| facts.is_own = false), Err(Why::Shared));
        assert_eq!(
            verdict(|facts| (facts.is_own, facts.is_application) = (false, true)),
            Ok(()),
            "an application may subscribe to any mailbox that it reads"
        );
        assert_eq!(verdict(|facts| facts.is_graph = false), Err(Why::Ews));
        assert_eq!(verdict(|facts| facts.is_paused = true), Err(Why::Paused));
        assert_eq!(verdict(|facts| facts.is_confirmed = false), Err(Why::Unconfirmed));
        assert_eq!(verdict(|facts| facts.is_allowed = false), Err(Why::Setting));
        assert_eq!(verdict(|facts| facts.is_switched_off = true), Err(Why::SwitchedOff));
    }

    /// Promise: only an address that Microsoft can reach is given to it.
    #[rstest]
    #[case("https://postroom.example.com/", GRAPH, true)]
    #[case("https://198.51.100.7:8443/", GRAPH, true)]
    #[case("http://postroom.example.com/", GRAPH, false)]
    #[case("https://postroom/", GRAPH, false)]
    #[case("https://postroom.corp.internal/", GRAPH, false)]
    #[case("https://10.1.2.3/", GRAPH, false)]
    #[case("https://[fd00::7]/", GRAPH, false)]
    #[case("http://localhost:8070/", GRAPH, false)]
    #[case("https://127.0.0.1/", GRAPH, false)]
    #[case("http://localhost:8070/", "http://127.0.0.1:9001/", true)]
    #[case("https://[::1]:8070/", "http://localhost:9001/", true)]
    fn addresses_are_judged(#[case] public: &str, #[case] graph: &str, #[case] reached: bool) {
        assert_eq!(can_be_reached(&Url::parse(public).unwrap(), &Url::parse(graph).unwrap()), reached);
    }

    /// Promise: every reason survives its row, and says something.
    #[test]
    fn every_reason_has_words() {
        for why in Why::ALL {
            assert_eq!(Why::of_word(why.word()), why);
            assert!(why.words().len() > 15, "{why:?}");
        }
    }
}
