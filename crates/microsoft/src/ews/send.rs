//! Drafts and sending. Neither is asked for twice: a draft made twice is a draft too many, a mail sent twice is worse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fault::Fault;

use super::EwsMailbox;
use super::call::{Ask, SMALL};
use super::change::stamped;
use super::items::id_of;
use super::xml::escaped;
use crate::again::Again;
use crate::budget::Priority;
use crate::mailbox::{Draft, NativeId};
use crate::network;

impl EwsMailbox {
    /// The stamp is saved together with the mail.
    pub(super) async fn save_draft(&self, draft: &Draft) -> Result<NativeId, Fault> {
        let mime = STANDARD.encode(&draft.mime);
        let stamp = draft.stamp.as_deref().map(stamped).unwrap_or_default();
        let message = format!(
            "<t:Message><t:MimeContent CharacterSet=\"UTF-8\">{mime}</t:MimeContent>{stamp}</t:Message>"
        );
        let folder = self.folder_id("drafts");
        let told = self
            .ask_one(Ask {
                operation: "CreateItem",
                parts: vec![message],
                body: &|message| {
                    format!(
                        "<m:CreateItem MessageDisposition=\"SaveOnly\"><m:SavedItemFolderId>{folder}\
                         </m:SavedItemFolderId><m:Items>{message}</m:Items></m:CreateItem>"
                    )
                },
                priority: Priority::Live,
                limit: SMALL,
                again: Again::Never,
            })
            .await?;
        let id = id_of(&told).ok_or_else(|| network::unreadable(self.host(), "a draft without an id"))?;
        Ok(id.0)
    }

    pub(super) async fn look_at_draft(&self, id: &NativeId) -> Result<Option<bool>, Fault> {
        let looked = self.look_at(std::slice::from_ref(id), &["item:IsDraft"], Priority::Live).await.pop();
        let looked =
            match looked.ok_or_else(|| network::unreadable(self.host(), "a message without an answer"))? {
                Ok(looked) => looked,
                Err(refused) if refused.is_gone() => return Ok(None),
                Err(refused) => return Err(refused.fault),
            };
        let is_draft =
            looked.message().all("IsDraft").into_iter().next().map(|told| told.text.trim() == "true");
        is_draft.map(Some).ok_or_else(|| network::unreadable(self.host(), "a message without IsDraft"))
    }

    /// Exchange sends a version: which one there is now is read first.
    pub(super) async fn send_saved(&self, id: &NativeId) -> Result<(), Fault> {
        let looked = self.look_at(std::slice::from_ref(id), &["item:IsDraft"], Priority::Live).await.pop();
        let looked =
            looked.ok_or_else(|| network::unreadable(self.host(), "a draft without an answer"))??;
        let draft = looked.message().all("IsDraft").into_iter().next();
        if draft.is_some_and(|is_draft| is_draft.text.trim() == "false") {
            // Exchange would send it once more.
            return Err(Fault::own("graph.request", "the message is no draft: it has been sent before"));
        }
        let change_key = id_of(&looked).and_then(|(_, change_key)| change_key);
        let change_key =
            change_key.ok_or_else(|| network::unreadable(self.host(), "a draft without a change key"))?;
        let part =
            format!("<t:ItemId Id=\"{}\" ChangeKey=\"{}\"/>", escaped(id.as_str()), escaped(&change_key));
        let folder = self.folder_id("sentitems");
        self.ask_one(Ask {
            operation: "SendItem",
            parts: vec![part],
            body: &|id| {
                format!(
                    "<m:SendItem SaveItemToFolder=\"true\"><m:ItemIds>{id}</m:ItemIds><m:SavedItemFolderId>{folder}\
                     </m:SavedItemFolderId></m:SendItem>"
                )
            },
            priority: Priority::Live,
            limit: SMALL,
            again: Again::Never,
        })
        .await?;
        Ok(())
    }
}
