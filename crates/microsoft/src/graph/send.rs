//! Drafts and sending. Neither is asked for twice: a draft made twice is a draft too many, a mail sent twice is worse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fault::Fault;
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::call::Ask;
use super::content::is_gone;
use super::{GraphMailbox, STAMP};
use crate::again::Again;
use crate::budget::{Charge, Priority};
use crate::mailbox::{Draft, NativeId};
use crate::network;

#[derive(Deserialize)]
struct Saved {
    id: String,
}

#[derive(Deserialize)]
struct Looked {
    #[serde(rename = "isDraft")]
    is_draft: bool,
}

impl GraphMailbox {
    /// Graph takes no stamp together with MIME: it is written right after.
    pub(super) async fn save_draft(&self, draft: &Draft) -> Result<NativeId, Fault> {
        let url = self.address(&format!("{}/messages", self.user_path()), "")?;
        let body = Bytes::from(STANDARD.encode(&draft.mime));
        let ask = Ask {
            method: Method::POST,
            charge: Charge { upload_bytes: body.len() as u64, ..Charge::ONE },
            body: Some(body),
            content_type: "text/plain",
            again: Again::Never,
            ..Ask::get("save draft", url, Priority::Live)
        };
        let answer = self.ask(&ask).await?;
        let saved: Saved = serde_json::from_slice(&answer)
            .map_err(|error| network::unreadable(self.host(), &format!("a draft without an id: {error}")))?;
        let id = NativeId::from(saved.id);
        if let Some(stamp) = &draft.stamp {
            let body = json!({ "singleValueExtendedProperties": [{ "id": STAMP, "value": stamp }] });
            let ask = Ask {
                method: Method::PATCH,
                body: Some(Bytes::from(body.to_string())),
                again: Again::IfRefused,
                ..Ask::get("stamp draft", self.address(&self.message_path(&id), "")?, Priority::Live)
            };
            self.ask(&ask).await?;
        }
        Ok(id)
    }

    pub(super) async fn look_at_draft(&self, id: &NativeId) -> Result<Option<bool>, Fault> {
        let url = self.address(&self.message_path(id), "$select=isDraft")?;
        let answer = match self.ask(&Ask::get("look at draft", url, Priority::Live)).await {
            Ok(answer) => answer,
            Err(refused) if is_gone(&refused) => return Ok(None),
            Err(refused) => return Err(refused.fault),
        };
        let looked: Looked = serde_json::from_slice(&answer).map_err(|error| {
            network::unreadable(self.host(), &format!("a message without isDraft: {error}"))
        })?;
        Ok(Some(looked.is_draft))
    }

    pub(super) async fn send_saved(&self, id: &NativeId) -> Result<(), Fault> {
        let url = self.address(&format!("{}/send", self.message_path(id)), "")?;
        let ask = Ask {
            method: Method::POST,
            body: Some(Bytes::new()),
            again: Again::Never,
            ..Ask::get("send draft", url, Priority::Live)
        };
        self.ask(&ask).await?;
        Ok(())
    }
}
