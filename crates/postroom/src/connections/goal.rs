//! What a sign-in is for: where it goes on once the permissions are there. A wait for an administrator's approval keeps it, so that
//! nobody starts over. Pure.

use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use uuid::Uuid;

use super::connection_type::ConnectionType;
use crate::web::Section;

/// What a sign-in is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Goal {
    /// To see what was granted, and choose there.
    #[default]
    Account,
    /// A new Message Source.
    Source(Way),
    /// A new Message Outbound.
    Outbound(Way),
    /// To move a source from EWS to Graph, which needs permissions of Graph.
    MoveSource {
        /// Which one.
        id: Uuid,
    },
    /// The same for an outbound.
    MoveOutbound {
        /// Which one.
        id: Uuid,
    },
    /// To try a source again that is there.
    ValidateSource {
        /// Which one.
        id: Uuid,
    },
    /// The same for an outbound.
    ValidateOutbound {
        /// Which one.
        id: Uuid,
    },
}

/// How the mailbox is to be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// Over what.
    #[serde(with = "word")]
    pub over: ConnectionType,
    /// The address of an Exchange server of one's own; empty: that of the app registration.
    #[serde(default)]
    pub ews_url: String,
}

mod word {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::ConnectionType;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde calls")]
    pub(super) fn serialize<S: Serializer>(over: &ConnectionType, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(over.word())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ConnectionType, D::Error> {
        Ok(ConnectionType::of_word(&String::deserialize(from)?))
    }
}

impl Way {
    /// Over Graph.
    pub fn graph() -> Self {
        Self::default()
    }

    /// Over EWS; without an address of one's own, where the app registration has it.
    pub fn ews(ews_url: &str) -> Self {
        Self { over: ConnectionType::Ews, ews_url: ews_url.to_owned() }
    }

    /// As the address of a form carries it, beside the account.
    pub fn query(&self, account: Uuid) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("account", &account.to_string());
        if self.over == ConnectionType::Ews {
            query.append_pair("over", self.over.word());
        }
        if !self.ews_url.is_empty() {
            query.append_pair("ews_url", &self.ews_url);
        }
        query.finish()
    }
}

impl Goal {
    /// As a row keeps it.
    pub fn stored(&self) -> String {
        if *self == Self::Account { String::new() } else { serde_json::to_string(self).unwrap_or_default() }
    }

    /// The goal of a row; one that cannot be read is the account's page.
    pub fn of_stored(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// What an account keeps of it for as long as nothing uses it: where it goes on, for whoever comes to the lists. `is_new` is a
    /// sign-in of somebody new; one that was made to see it work, or for a connection that is there, changes nothing.
    pub fn kept(&self, is_new: bool) -> Option<String> {
        match self {
            Self::Source(_) | Self::Outbound(_) => Some(self.stored()),
            Self::Account => is_new.then(|| self.stored()),
            Self::MoveSource { .. }
            | Self::MoveOutbound { .. }
            | Self::ValidateSource { .. }
            | Self::ValidateOutbound { .. } => None,
        }
    }

    /// Whether it is about sending.
    pub fn is_outbound(&self) -> bool {
        matches!(self, Self::Outbound(_) | Self::MoveOutbound { .. } | Self::ValidateOutbound { .. })
    }

    /// How the mailbox will be reached.
    pub fn over(&self) -> ConnectionType {
        match self {
            Self::Source(way) | Self::Outbound(way) => way.over,
            Self::Account
            | Self::MoveSource { .. }
            | Self::MoveOutbound { .. }
            | Self::ValidateSource { .. }
            | Self::ValidateOutbound { .. } => ConnectionType::Graph,
        }
    }

    /// The page that follows, for an account that has what it takes.
    pub fn page(&self, account: Uuid) -> String {
        match self {
            Self::Account => format!("/sources/new?account={account}"),
            Self::Source(way) => format!("/sources/new?{}", way.query(account)),
            Self::Outbound(way) => format!("/outbounds/new?{}", way.query(account)),
            Self::MoveSource { id } | Self::ValidateSource { id } => format!("/sources/{id}"),
            Self::MoveOutbound { id } | Self::ValidateOutbound { id } => format!("/outbounds/{id}"),
        }
    }

    /// What the button to that page says.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Account | Self::Source(_) => "Choose folder and project",
            Self::Outbound(_) => "Choose the mailbox to send from",
            Self::MoveSource { .. } | Self::ValidateSource { .. } => "See the source",
            Self::MoveOutbound { .. } | Self::ValidateOutbound { .. } => "See the outbound",
        }
    }

    /// The part of the console that it belongs to.
    pub fn section(&self) -> Section {
        if self.is_outbound() { Section::Outbounds } else { Section::Sources }
    }

    /// That part's list, and its name.
    pub fn list(&self) -> (&'static str, &'static str) {
        if self.is_outbound() { ("/outbounds", "Message Outbounds") } else { ("/sources", "Message Sources") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: what a sign-in is for survives the row that keeps it, and leads on to its page with everything that was said.
    #[test]
    fn a_goal_is_kept_and_leads_on() {
        let id = Uuid::from_u128(7);
        let own = "https://mail.contoso.test/EWS/Exchange.asmx?a=b&c";
        let goals = [
            (Goal::Account, format!("/sources/new?account={id}")),
            (Goal::Source(Way::ews("")), format!("/sources/new?account={id}&over=ews")),
            (Goal::Outbound(Way::graph()), format!("/outbounds/new?account={id}")),
            (
                Goal::Outbound(Way::ews(own)),
                format!(
                    "/outbounds/new?account={id}&over=ews&ews_url=https%3A%2F%2Fmail.contoso.test%2FEWS%2FExchange.asmx%3Fa%3Db%26c"
                ),
            ),
            (Goal::MoveSource { id }, format!("/sources/{id}")),
            (Goal::MoveOutbound { id }, format!("/outbounds/{id}")),
            (Goal::ValidateSource { id }, format!("/sources/{id}")),
            (Goal::ValidateOutbound { id }, format!("/outbounds/{id}")),
        ];
        for (goal, page) in goals {
            assert_eq!(Goal::of_stored(&goal.stored()), goal);
            assert_eq!(goal.page(id), page);
            assert_eq!(goal.list().0.starts_with("/outbounds"), goal.is_outbound());
        }
        assert_eq!(Goal::of_stored("of a later version"), Goal::Account);
        assert_eq!(Goal::Account.kept(false), None);
        assert_eq!(Goal::Account.kept(true).as_deref(), Some(""));
        for of_one in [Goal::MoveSource { id }, Goal::ValidateSource { id }, Goal::ValidateOutbound { id }] {
            assert_eq!(of_one.kept(true), None);
        }
        let to_send = Goal::Outbound(Way::graph());
        assert_eq!(to_send.kept(false).map(|kept| Goal::of_stored(&kept)), Some(to_send));
    }
}
