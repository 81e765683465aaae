//! Ids of one kind turned into another (`translateExchangeIds`): what a connection over EWS has recorded is known to Graph under
//! other ids.

use std::collections::HashMap;

use bytes::Bytes;
use fault::Fault;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::GraphMailbox;
use super::call::{Ask, SMALL};
use crate::budget::Priority;
use crate::mailbox::NativeId;
use crate::network;

/// Ids in one request at most.
const MOST: usize = 1_000;

/// A kind of id (`exchangeIdFormat`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// As EWS writes it.
    Ews,
    /// As Graph writes it to whoever does not ask for immutable ids.
    Rest,
    /// Graph's immutable id, which Postroom uses.
    RestImmutable,
    /// As MAPI writes it.
    Entry,
}

impl IdKind {
    fn name(self) -> &'static str {
        match self {
            Self::Ews => "ewsId",
            Self::Rest => "restId",
            Self::RestImmutable => "restImmutableEntryId",
            Self::Entry => "entryId",
        }
    }
}

/// What became of one id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Translated {
    /// The other one.
    Id(NativeId),
    /// The mailbox does not translate it, for this reason: the message is gone, or the id is not of this mailbox.
    Unknown(String),
}

#[derive(Deserialize)]
struct Answer {
    value: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    source_id: String,
    #[serde(default)]
    target_id: Option<String>,
    #[serde(default)]
    error_details: Option<Value>,
}

impl GraphMailbox {
    /// Translates ids, any number of them; one result per id, in the same order. A request that is refused as a whole because
    /// of one malformed id is asked for in halves, so that one id costs itself only.
    pub async fn translate_ids(
        &self,
        ids: &[NativeId],
        from: IdKind,
        to: IdKind,
    ) -> Result<Vec<Translated>, Fault> {
        let mut results: Vec<Option<Translated>> = vec![None; ids.len()];
        let mut open: Vec<(usize, usize)> =
            (0..ids.len()).step_by(MOST).map(|begin| (begin, (begin + MOST).min(ids.len()))).collect();
        while let Some((begin, end)) = open.pop() {
            match self.translate_some(&ids[begin..end], from, to).await {
                Ok(mut told) => {
                    for index in begin..end {
                        let missing = || Translated::Unknown("the mailbox left it out".to_owned());
                        results[index] = Some(told.remove(ids[index].as_str()).unwrap_or_else(missing));
                    }
                }
                Err(fault) if matches!(fault.status, Some(400 | 404)) => {
                    if end - begin == 1 {
                        results[begin] = Some(Translated::Unknown(format!("{fault}: {}", fault.detail)));
                    } else {
                        let middle = begin + (end - begin) / 2;
                        open.extend([(begin, middle), (middle, end)]);
                    }
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(results.into_iter().flatten().collect())
    }

    async fn translate_some(
        &self,
        ids: &[NativeId],
        from: IdKind,
        to: IdKind,
    ) -> Result<HashMap<String, Translated>, Fault> {
        let url = self.address(&format!("{}/translateExchangeIds", self.user_path()), "")?;
        let ids: Vec<&str> = ids.iter().map(NativeId::as_str).collect();
        let body = json!({ "inputIds": ids, "sourceIdType": from.name(), "targetIdType": to.name() });
        let ask = Ask {
            method: Method::POST,
            body: Some(Bytes::from(body.to_string())),
            limit: SMALL,
            ..Ask::get("translate ids", url, Priority::Live)
        };
        let answer = self.ask(&ask).await?;
        let answer: Answer = serde_json::from_slice(&answer).map_err(|error| {
            network::unreadable(self.host(), &format!("translated ids that cannot be read: {error}"))
        })?;
        let told = answer.value.into_iter().map(|row| {
            let translated = match row.target_id {
                Some(id) if !id.is_empty() => Translated::Id(NativeId::from(id)),
                _ => Translated::Unknown(row.error_details.map_or_else(String::new, |why| why.to_string())),
            };
            (row.source_id, translated)
        });
        Ok(told.collect())
    }
}
