//! The probe behind *ping*: is the token taken, which mailbox, which folder, what is allowed. It changes nothing.

use fault::{Class, Fault};
use tokio::time::Instant;

use super::call::{Ask, SMALL};
use super::change::update;
use super::items::{id_of, items_of};
use super::xml::escaped;
use super::{EwsMailbox, Whose};
use crate::again::Again;
use crate::budget::Priority;
use crate::mailbox::{Check, FolderId, NativeId, ProbeReport};
use crate::quota;

impl EwsMailbox {
    pub(super) async fn probe_all(&self, folder: &FolderId) -> ProbeReport {
        let mut report = ProbeReport::default();
        let begun = Instant::now();
        let token = self.tokens.get().await.map(|_| "there is an access token".to_owned());
        let is_over = token.is_err();
        report.checks.push(Check { name: "Sign-in", outcome: token, took: begun.elapsed() });
        if is_over {
            return report;
        }
        let begun = Instant::now();
        let inbox = self.look_at_folder("inbox").await;
        let is_over = inbox.is_err();
        let outcome =
            inbox.map(|inbox| format!("{} answers; its inbox is called {}", self.named(), inbox.name));
        report.checks.push(Check { name: "Mailbox", outcome, took: begun.elapsed() });
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
        let written = self.may_write(newest.first().map(|item| &item.id)).await;
        report.checks.push(Check { name: "Mark mail", outcome: written.clone(), took: begun.elapsed() });
        let begun = Instant::now();
        let outcome = quota::line(&written, self.size_of_folder(folder.as_str()).await);
        report.checks.push(Check { name: "Quota", outcome, took: begun.elapsed() });
        report
    }

    fn named(&self) -> String {
        match &self.whose {
            Whose::Own(address) => format!("the account's own mailbox {address}"),
            Whose::Shared(address) => format!("the shared mailbox {address}"),
            Whose::Impersonated(address) => format!("the mailbox {address}, as its owner,"),
        }
    }

    /// Whether messages may be changed: the newest one's read mark is written as it is, on the condition that nobody has changed
    /// the message meanwhile.
    async fn may_write(&self, newest: Option<&NativeId>) -> Result<String, Fault> {
        let Some(newest) = newest else {
            return Ok("nothing to try it on: the folder is empty".to_owned());
        };
        let looked =
            self.look_at(std::slice::from_ref(newest), &["message:IsRead"], Priority::Live).await.pop();
        let looked = match looked {
            Some(Ok(looked)) => looked,
            Some(Err(refused)) if !refused.is_gone() => return Err(refused.fault),
            _ => return Ok("nothing to try it on: the newest message has just left".to_owned()),
        };
        let is_read =
            items_of(&looked).find_map(|item| item.text_of("IsRead").map(str::trim)).unwrap_or("true");
        let (Some((id, Some(change_key))), Some(kind)) =
            (id_of(&looked), items_of(&looked).next().map(|item| item.name.clone()))
        else {
            return Ok("nothing to try it on: the newest message has no version".to_owned());
        };
        let part = format!(
            "<t:ItemChange><t:ItemId Id=\"{}\" ChangeKey=\"{}\"/><t:Updates><t:SetItemField>\
             <t:FieldURI FieldURI=\"message:IsRead\"/><t:{kind}><t:IsRead>{is_read}</t:IsRead></t:{kind}>\
             </t:SetItemField></t:Updates></t:ItemChange>",
            escaped(id.as_str()),
            escaped(&change_key)
        );
        let tried = self
            .ask_one(Ask {
                operation: "UpdateItem",
                parts: vec![part],
                body: &|changes| update(changes).replace("AutoResolve", "NeverOverwrite"),
                priority: Priority::Live,
                limit: SMALL,
                again: Again::Never,
            })
            .await;
        match tried {
            Ok(_) => Ok("messages may be marked".to_owned()),
            // Changed or gone since it was looked at: the right to write was there.
            Err(refused) if refused.is_gone() || is_conflict(&refused.fault) => {
                Ok("messages may be marked".to_owned())
            }
            Err(refused) => Err(refused.fault),
        }
    }
}

fn is_conflict(fault: &Fault) -> bool {
    fault.entry.class == Class::Transient && fault.entry.id == "graph.conflict"
}
