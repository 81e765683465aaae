//! Subscriptions: Graph tells an address of ours that something was created in a folder. Made, renewed, authorised anew, ended
//! and listed. A subscription is made once per call: after a lost answer it is found in the list, by the address it notifies.
//!
//! Facts: Microsoft Graph, subscription resource and change notifications for Outlook. A subscription belongs to the application
//! and, with delegated rights, to the person; whoever else asks for it is told that it is not there.

use bytes::Bytes;
use fault::Fault;
use http::Method;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::call::Ask;
use super::refusal::Refused;
use super::{GraphMailbox, User, encoded};
use crate::again::Again;
use crate::budget::Priority;
use crate::mailbox::FolderId;
use crate::network;

/// Pages of the list that are read at most: an application with more subscriptions than these hold is not one of ours.
const MOST_PAGES: usize = 50;

/// What to subscribe to.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// New mail in this folder is told of.
    pub folder: &'a FolderId,
    /// Where.
    pub notification_url: &'a Url,
    /// Where it is told what becomes of the subscription itself.
    pub lifecycle_url: &'a Url,
    /// What each notice must carry, at most 128 characters.
    pub client_state: &'a SecretString,
    /// When it shall end, unless it is renewed.
    pub expires: Timestamp,
}

/// A subscription as Graph tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// What it is for.
    #[serde(default)]
    pub resource: String,
    /// When it ends. Graph may give less than was asked for.
    #[serde(rename = "expirationDateTime")]
    pub expires: Timestamp,
    /// Whom it notifies.
    #[serde(default)]
    pub notification_url: Option<String>,
}

/// Why there is no subscription, as far as one goes on differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// It is not there any more: make another one.
    Gone,
    /// There is one for the same folder already.
    Exists(Fault),
    /// Exchange does not let this caller subscribe to this mailbox.
    NotAllowed(Fault),
    /// Graph asked our address to prove itself, and got no right answer.
    NoEcho(Fault),
    /// Anything else.
    Fault(Fault),
}

impl Denied {
    /// The fault; none where it is gone.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Gone => None,
            Self::Exists(fault) | Self::NotAllowed(fault) | Self::NoEcho(fault) | Self::Fault(fault) => {
                Some(fault)
            }
        }
    }

    /// What an answer about a subscription that exists means.
    fn of(refused: Refused) -> Self {
        match refused.fault.status {
            // By status: the codes that come with it differ by workload.
            Some(404 | 410) => Self::Gone,
            Some(403) => Self::NotAllowed(refused.fault),
            _ => Self::Fault(refused.fault),
        }
    }

    /// What an answer to the wish for a new one means.
    fn of_new(refused: Refused) -> Self {
        match refused.fault.status {
            Some(409) => Self::Exists(refused.fault),
            Some(403) => Self::NotAllowed(refused.fault),
            // `InvalidRequest` as it was called for years. Our wishes are well formed, so that nothing else is invalid in them.
            Some(400) if refused.says("ValidationError") || refused.says("InvalidRequest") => {
                let entry = Fault::own("graph.subscription_unreachable", "").entry;
                Self::NoEcho(Fault { entry, ..refused.fault })
            }
            _ => Self::Fault(refused.fault),
        }
    }
}

#[derive(Deserialize)]
struct Listed {
    value: Vec<Subscription>,
    #[serde(default, rename = "@odata.nextLink")]
    next: Option<String>,
}

/// As Graph wants it: with `Z` and no more than seven digits of a second.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

impl GraphMailbox {
    /// What a subscription to a folder is for.
    pub fn resource(&self, folder: &FolderId) -> String {
        // In a JSON body, so nothing is percent-encoded; an apostrophe in a key is doubled, as OData has it.
        let user = match &self.user {
            User::Me => "me".to_owned(),
            User::Id(id) => format!("users/{id}"),
        };
        format!("{user}/mailFolders('{}')/messages", folder.as_str().replace('\'', "''"))
    }

    /// Subscribes to new mail in a folder. Before Graph answers it asks both addresses to echo a token.
    pub async fn subscribe(&self, wanted: &Wanted<'_>) -> Result<Subscription, Denied> {
        let body = json!({
            "changeType": "created",
            "notificationUrl": wanted.notification_url.as_str(),
            "lifecycleNotificationUrl": wanted.lifecycle_url.as_str(),
            "resource": self.resource(wanted.folder),
            "expirationDateTime": moment(wanted.expires),
            "clientState": wanted.client_state.expose_secret(),
            "latestSupportedTlsVersion": "v1_2",
        });
        let ask = Ask {
            method: Method::POST,
            body: Some(Bytes::from(body.to_string())),
            again: Again::Never,
            ..Ask::get(
                "subscribe",
                self.address("/subscriptions", "").map_err(Denied::Fault)?,
                Priority::Live,
            )
        };
        let answer = self.ask(&ask).await.map_err(Denied::of_new)?;
        self.read_subscription(&answer)
    }

    /// Moves the end of a subscription, which also authorises it anew. Gives the new end.
    pub async fn renew_subscription(&self, id: &str, expires: Timestamp) -> Result<Timestamp, Denied> {
        let body = json!({ "expirationDateTime": moment(expires) });
        let ask = Ask {
            method: Method::PATCH,
            body: Some(Bytes::from(body.to_string())),
            ..Ask::get(
                "renew subscription",
                self.subscription(id, "").map_err(Denied::Fault)?,
                Priority::Live,
            )
        };
        let answer = self.ask(&ask).await.map_err(Denied::of)?;
        Ok(self.read_subscription(&answer)?.expires)
    }

    /// Authorises a subscription anew with today's token; its end stays.
    pub async fn reauthorize_subscription(&self, id: &str) -> Result<(), Denied> {
        let url = self.subscription(id, "/reauthorize").map_err(Denied::Fault)?;
        let ask = Ask {
            method: Method::POST,
            body: Some(Bytes::new()),
            ..Ask::get("reauthorize subscription", url, Priority::Live)
        };
        self.ask(&ask).await.map_err(Denied::of)?;
        Ok(())
    }

    /// Ends a subscription. One that is not there has ended.
    pub async fn unsubscribe(&self, id: &str) -> Result<(), Fault> {
        let ask = Ask {
            method: Method::DELETE,
            ..Ask::get("unsubscribe", self.subscription(id, "")?, Priority::Backlog)
        };
        match self.ask(&ask).await {
            Err(refused) if !matches!(refused.fault.status, Some(404 | 410)) => Err(refused.fault),
            _ => Ok(()),
        }
    }

    /// The subscriptions that the application has made, with delegated rights those of this person.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, Fault> {
        let mut all = Vec::new();
        let mut url = self.address("/subscriptions", "")?;
        for _ in 0..MOST_PAGES {
            let answer = self.ask(&Ask::get("list subscriptions", url, Priority::Live)).await?;
            let page: Listed = serde_json::from_slice(&answer).map_err(|error| {
                network::unreadable(
                    self.host(),
                    &format!("a list of subscriptions that cannot be read: {error}"),
                )
            })?;
            all.extend(page.value);
            match page.next {
                Some(next) => url = self.followed(&next)?,
                None => break,
            }
        }
        Ok(all)
    }

    fn subscription(&self, id: &str, more: &str) -> Result<Url, Fault> {
        self.address(&format!("/subscriptions/{}{more}", encoded(id)), "")
    }

    fn read_subscription(&self, answer: &[u8]) -> Result<Subscription, Denied> {
        serde_json::from_slice(answer).map_err(|error| {
            let what = format!("a subscription that cannot be read: {error}");
            Denied::Fault(network::unreadable(self.host(), &what))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use rstest::rstest;
    use serde_json::Value;

    use super::*;
    use crate::Budget;
    use crate::graph::User;
    use crate::testing::{CountedTokens, Server, answered, client, mailbox};

    const MADE: &str = r#"{"@odata.context":"x","id":"7f105c7d-2dc5-4530-97cd-4e7ae6534c07","resource":"me/x",
        "applicationId":"24d3b144","changeType":"created","clientState":"SensitiveClientState","notificationUrl":"https://p/push/k",
        "expirationDateTime":"2026-11-27T11:00:00.0000000Z","creatorId":"8ee44408","latestSupportedTlsVersion":"v1_2"}"#;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    async fn wish(mailbox: &GraphMailbox, folder: &str) -> Result<Subscription, Denied> {
        let (notices, lifecycle) = ("https://p.example/push/k", "https://p.example/push/k/lifecycle");
        let (folder, state) = (FolderId::from(folder), SecretString::from("s3cret"));
        let (notices, lifecycle) =
            (notices.parse().expect("an address"), lifecycle.parse().expect("an address"));
        let wanted = Wanted {
            folder: &folder,
            notification_url: &notices,
            lifecycle_url: &lifecycle,
            client_state: &state,
            expires: at("2026-11-27T11:00:00.123456789Z"),
        };
        mailbox.subscribe(&wanted).await
    }

    /// Promise: the wish is what Graph's documentation asks for, with immutable ids, and is sent once whatever the answer.
    #[tokio::test]
    async fn a_subscription_is_wished_for_once() {
        let server = Server::start(|_, before| match before {
            0 => answered(201, &[], MADE),
            _ => answered(503, &[], r#"{"error":{"code":"serviceNotAvailable","message":"m"}}"#),
        })
        .await;
        let (mailbox, _) = mailbox(&server.url);
        let made = wish(&mailbox, "AAk'1").await.expect("it is made");
        assert_eq!(made.id, "7f105c7d-2dc5-4530-97cd-4e7ae6534c07");
        assert_eq!(made.expires, at("2026-11-27T11:00:00Z"));
        assert_eq!(made.notification_url.as_deref(), Some("https://p/push/k"));
        let asked = server.asked().remove(0);
        assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/v1.0/subscriptions"));
        assert_eq!(asked.header("prefer"), "IdType=\"ImmutableId\"");
        let body: Value = serde_json::from_str(&asked.body).expect("JSON");
        assert_eq!(
            body,
            json!({"changeType": "created", "notificationUrl": "https://p.example/push/k",
                "lifecycleNotificationUrl": "https://p.example/push/k/lifecycle",
                "resource": "me/mailFolders('AAk''1')/messages", "expirationDateTime": "2026-11-27T11:00:00.123456Z",
                "clientState": "s3cret", "latestSupportedTlsVersion": "v1_2"})
        );

        assert!(matches!(wish(&mailbox, "f").await, Err(Denied::Fault(_))));
        assert_eq!(server.asked().len(), 2, "a wish whose answer was lost is not repeated blindly");
    }

    /// Promise: another's mailbox is named by its id.
    #[test]
    fn the_resource_names_the_mailbox() {
        let url: Url = "https://graph.example".parse().expect("an address");
        let tokens = Arc::new(CountedTokens::default());
        let budget = Arc::new(Budget::graph());
        let user = User::Id("0b3f".to_owned());
        let mailbox = GraphMailbox::new(client(), url, user, tokens, budget, Duration::from_secs(1));
        assert_eq!(mailbox.resource(&FolderId::from("inbox")), "users/0b3f/mailFolders('inbox')/messages");
    }

    /// Promise: what Graph refuses is told apart as far as one goes on differently.
    #[rstest]
    #[case(400, "ValidationError", "no echo")]
    #[case(400, "InvalidRequest", "no echo")]
    #[case(400, "BadRequest", "fault")]
    #[case(403, "ExtensionError", "not allowed")]
    #[case(403, "ErrorAccessDenied", "not allowed")]
    #[case(404, "ResourceNotFound", "fault")]
    #[case(409, "Conflict", "exists")]
    #[case(429, "ApplicationThrottled", "fault")]
    #[tokio::test]
    async fn a_refused_wish_is_told_apart(
        #[case] status: u16,
        #[case] code: &'static str,
        #[case] told: &str,
    ) {
        let server = Server::start(move |_, _| {
            let body = json!({"error": {"code": code, "message": "m"}});
            answered(status, &[("retry-after", "600")], body.to_string())
        })
        .await;
        let (mailbox, _) = mailbox(&server.url);
        let denied = wish(&mailbox, "inbox").await.expect_err("it is refused");
        let word = match &denied {
            Denied::Gone => "gone",
            Denied::Exists(_) => "exists",
            Denied::NotAllowed(_) => "not allowed",
            Denied::NoEcho(_) => "no echo",
            Denied::Fault(_) => "fault",
        };
        assert_eq!(word, told, "{denied:?}");
        assert_eq!(denied.fault().and_then(|fault| fault.status), Some(status));
    }

    /// Promise: renewing tells the new end, one that is gone is known as gone, and ending it twice is no fault.
    #[tokio::test]
    async fn a_subscription_is_renewed_reauthorized_and_ended() {
        let server = Server::start(|asked, before| match (asked.method.as_str(), before) {
            ("PATCH", 0) => answered(200, &[], MADE),
            ("POST", 1) | ("DELETE", 2) => answered(204, &[], ""),
            _ => answered(404, &[], r#"{"error":{"code":"ResourceNotFound","message":"m"}}"#),
        })
        .await;
        let (mailbox, _) = mailbox(&server.url);
        let to = at("2026-11-30T11:00:00Z");
        assert_eq!(mailbox.renew_subscription("a/b", to).await, Ok(at("2026-11-27T11:00:00Z")));
        assert_eq!(mailbox.reauthorize_subscription("a/b").await, Ok(()));
        assert_eq!(mailbox.unsubscribe("a/b").await, Ok(()));
        assert_eq!(mailbox.unsubscribe("a/b").await, Ok(()), "it has ended");
        assert_eq!(mailbox.renew_subscription("a/b", to).await, Err(Denied::Gone));
        assert_eq!(mailbox.reauthorize_subscription("a/b").await, Err(Denied::Gone));
        let asked = server.asked();
        assert_eq!(asked[0].target, "/v1.0/subscriptions/a%2Fb");
        assert_eq!(asked[0].body, r#"{"expirationDateTime":"2026-11-30T11:00:00.000000Z"}"#);
        assert_eq!(asked[1].target, "/v1.0/subscriptions/a%2Fb/reauthorize");
        assert_eq!(asked[1].header("content-length"), "0");
    }

    /// Promise: the list is read to its end, on the same host only.
    #[tokio::test]
    async fn the_list_is_read_to_its_end() {
        let server = Server::start(|asked, _| {
            if asked.target.contains("skiptoken") {
                return answered(200, &[], format!(r#"{{"value":[{MADE}],"@odata.nextLink":"http://elsewhere.example/x"}}"#));
            }
            let next = format!("http://{}/v1.0/subscriptions?$skiptoken=2", asked.header("host"));
            answered(200, &[], json!({"value": [{"id": "1", "expirationDateTime": "2026-11-27T11:00:00Z"}], "@odata.nextLink": next}).to_string())
        })
        .await;
        let (mailbox, _) = mailbox(&server.url);
        let fault = mailbox.subscriptions().await.expect_err("the second page leads elsewhere");
        assert_eq!(fault.entry.id, "graph.foreign_link");
        assert_eq!(server.asked().len(), 2);
    }
}
