//! The probe behind *ping*: who am I, which mailbox, which folder, what is allowed. It changes nothing.

use bytes::Bytes;
use fault::{Class, Fault};
use http::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::call::Ask;
use super::message;
use super::{GraphMailbox, User};
use crate::budget::Priority;
use crate::mailbox::{Check, FolderId, Item, NativeId, ProbeReport};
use crate::{network, quota};

impl GraphMailbox {
    pub(super) async fn probe_all(&self, folder: &FolderId) -> ProbeReport {
        let mut report = ProbeReport::default();
        let begun = Instant::now();
        let who = self.who().await;
        let is_over = who.as_ref().is_err_and(ends_the_probe);
        report.checks.push(Check { name: "Sign-in", outcome: who, took: begun.elapsed() });
        if is_over {
            return report;
        }
        let begun = Instant::now();
        let mailbox = self.which_mailbox().await;
        let is_over = mailbox.is_err();
        report.checks.push(Check { name: "Mailbox", outcome: mailbox, took: begun.elapsed() });
        if is_over {
            return report;
        }
        let begun = Instant::now();
        let looked = self.look_at_folder(folder.as_str()).await;
        let is_over = looked.is_err();
        let outcome = looked.map(|folder| folder.in_words());
        report.checks.push(Check { name: "Folder", outcome, took: begun.elapsed() });
        if is_over {
            return report;
        }
        let begun = Instant::now();
        let newest = self.list_newest(folder, 1).await;
        let outcome = newest.as_ref().map_err(Clone::clone).map(|items| match items.first() {
            Some(item) => {
                format!("the newest message is of {}", item.received_at.strftime("%Y-%m-%d %H:%M UTC"))
            }
            None => "the folder is empty".to_owned(),
        });
        report.checks.push(Check { name: "Read mail", outcome, took: begun.elapsed() });
        let Ok(newest) = newest else { return report };
        let begun = Instant::now();
        let written = self.may_write(newest.first()).await;
        report.checks.push(Check { name: "Mark mail", outcome: written.clone(), took: begun.elapsed() });
        let begun = Instant::now();
        let outcome = quota::line(&written, self.size_of_folder(folder.as_str()).await);
        report.checks.push(Check { name: "Quota", outcome, took: begun.elapsed() });
        report
    }

    /// Whether the token is taken, and whose it is where that may be read.
    async fn who(&self) -> Result<String, Fault> {
        self.tokens.get().await?;
        let url = self.address("/me", "$select=id,displayName,userPrincipalName")?;
        match self.ask(&Ask::get("who am I", url, Priority::Live)).await {
            Ok(body) => {
                let me: Value = serde_json::from_slice(&body).map_err(|error| {
                    network::unreadable(self.host(), &format!("an account that cannot be read: {error}"))
                })?;
                let told = |field: &str| me.get(field).and_then(Value::as_str).unwrap_or_default();
                Ok(format!("{} <{}>", told("displayName"), told("userPrincipalName")).trim().to_owned())
            }
            // `User.Read` is not among what a mailbox needs: without it the name is not told, and an application has none.
            Err(refused) if matches!(refused.fault.status, Some(400 | 403)) => {
                Ok("the token is accepted; the account's name may not be read".to_owned())
            }
            Err(refused) => Err(refused.fault),
        }
    }

    async fn which_mailbox(&self) -> Result<String, Fault> {
        let inbox = self.look_at_folder("inbox").await?;
        let whose = match &self.user {
            User::Me => "the account's own mailbox".to_owned(),
            User::Id(id) => format!("the mailbox {id}"),
        };
        Ok(format!("{whose} answers; its inbox is called {}", inbox.name))
    }

    /// Whether messages may be changed: the newest one's read mark is written as it is, on the condition that nobody has changed
    /// the message meanwhile. Where there is none, a message that does not exist must be refused as such, not as forbidden.
    async fn may_write(&self, newest: Option<&Item>) -> Result<String, Fault> {
        let read = newest.and_then(|item| message::read(&item.raw).ok());
        let etag = read.as_ref().and_then(|message| message.etag.clone());
        let is_real = read.is_some();
        let (id, is_read) = match &read {
            Some(message) => (NativeId::from(message.id.as_str()), message.is_read),
            None => (NativeId::from("AAAAAAAAAAAAAAAAAAAAAA=="), true),
        };
        let url = self.address(&self.message_path(&id), "")?;
        let ask = Ask {
            method: Method::PATCH,
            body: Some(Bytes::from(json!({ "isRead": is_read }).to_string())),
            if_match: etag,
            ..Ask::get("try to mark", url, Priority::Live)
        };
        match self.ask(&ask).await {
            Ok(_) => Ok("messages may be marked".to_owned()),
            // Changed or gone since it was listed: the right to write was there.
            Err(refused) if matches!(refused.fault.status, Some(404 | 409 | 412)) => {
                Ok("messages may be marked".to_owned())
            }
            Err(refused) if !is_real && refused.fault.status == Some(400) => {
                Ok("messages may be marked, as far as can be seen without one".to_owned())
            }
            Err(refused) => Err(refused.fault),
        }
    }
}

/// Whether nothing else can be found out after this.
fn ends_the_probe(fault: &Fault) -> bool {
    matches!(fault.entry.class, Class::SignIn | Class::Transient | Class::Configuration)
}
