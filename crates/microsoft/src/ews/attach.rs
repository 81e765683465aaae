//! Files that go along with a draft: CreateAttachment, each in one request whatever its size.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fault::Fault;

use super::EwsMailbox;
use super::call::{Ask, SMALL};
use super::xml::{Element, escaped};
use crate::again::Again;
use crate::budget::Priority;
use crate::mailbox::{Attached, File, NativeId};
use crate::network;

/// Its part of CreateAttachment. The elements come in the schema's order.
fn described(file: &File) -> String {
    let id = file
        .content_id
        .as_deref()
        .map_or_else(String::new, |id| format!("<t:ContentId>{}</t:ContentId>", escaped(id)));
    format!(
        "<t:FileAttachment><t:Name>{}</t:Name><t:ContentType>{}</t:ContentType>{id}<t:IsInline>{}</t:IsInline>\
         <t:Content>{}</t:Content></t:FileAttachment>",
        escaped(&file.name),
        escaped(&file.content_type),
        file.content_id.is_some(),
        STANDARD.encode(&file.content)
    )
}

/// An attachment as GetItem lists it.
fn attached(element: &Element) -> Attached {
    let text = |name: &str| element.text_of(name).map(str::trim).filter(|text| !text.is_empty());
    Attached {
        name: element.text_of("Name").unwrap_or_default().to_owned(),
        content_type: text("ContentType").map(str::to_owned),
        content_id: text("ContentId").map(str::to_owned),
        is_inline: text("IsInline") == Some("true"),
        size: text("Size").and_then(|size| size.parse().ok()).unwrap_or(0),
    }
}

impl EwsMailbox {
    pub(super) async fn list_attachments(&self, id: &NativeId) -> Result<Vec<Attached>, Fault> {
        let looked =
            self.look_at(std::slice::from_ref(id), &["item:Attachments"], Priority::Live).await.pop();
        let looked =
            looked.ok_or_else(|| network::unreadable(self.host(), "a message without an answer"))??;
        let listed = looked.message().all("Attachments").into_iter().next();
        Ok(listed.map(|listed| listed.children.iter().map(attached).collect()).unwrap_or_default())
    }

    pub(super) async fn attach_file(&self, draft: &NativeId, file: &File) -> Result<(), Fault> {
        let parent = escaped(draft.as_str());
        self.ask_one(Ask {
            operation: "CreateAttachment",
            parts: vec![described(file)],
            body: &|files| {
                format!(
                    "<m:CreateAttachment><m:ParentItemId Id=\"{parent}\"/><m:Attachments>{files}</m:Attachments>\
                     </m:CreateAttachment>"
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
