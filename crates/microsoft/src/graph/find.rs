//! Finding messages by what they carry.

use std::fmt::Write as _;

use fault::Fault;
use serde::Deserialize;

use super::call::Ask;
use super::{GraphMailbox, STAMP, query_value};
use crate::budget::Priority;
use crate::mailbox::{Find, NativeId};
use crate::network;

/// More than this many messages with one id are not told apart by listing more.
const MOST: usize = 200;

#[derive(Deserialize)]
struct Found {
    value: Vec<Row>,
    #[serde(default, rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
}

/// A text in an OData filter.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn filter(by: &Find) -> String {
    match by {
        Find::MessageId(id) => {
            let bare = id.trim().trim_start_matches('<').trim_end_matches('>');
            format!("internetMessageId eq {}", literal(&format!("<{bare}>")))
        }
        Find::Stamp { value } => format!(
            "singleValueExtendedProperties/Any(ep: ep/id eq {} and ep/value eq {})",
            literal(STAMP),
            literal(value)
        ),
    }
}

impl GraphMailbox {
    pub(super) async fn find_ids(&self, by: &Find) -> Result<Vec<NativeId>, Fault> {
        let mut query = format!("$filter={}", query_value(&filter(by)));
        let _ = write!(query, "&$select=id&$top=50");
        let mut url = self.address(&format!("{}/messages", self.user_path()), &query)?;
        let mut ids: Vec<NativeId> = Vec::new();
        loop {
            let body = self.ask(&Ask::get("find messages", url, Priority::Backlog)).await?;
            let found: Found = serde_json::from_slice(&body).map_err(|error| {
                network::unreadable(self.host(), &format!("a listing that cannot be read: {error}"))
            })?;
            ids.extend(found.value.into_iter().map(|row| NativeId::from(row.id)));
            match found.next {
                Some(next) if ids.len() < MOST => url = self.followed(&next)?,
                _ => return Ok(ids),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_mark_does_not_end_the_literal() {
        let by = Find::MessageId("o'neil@example.org".to_owned());
        assert_eq!(filter(&by), "internetMessageId eq '<o''neil@example.org>'");
        assert_eq!(filter(&Find::MessageId("<a@b>".to_owned())), "internetMessageId eq '<a@b>'");
        let stamp = filter(&Find::Stamp { value: "x' or 1 eq 1".to_owned() });
        assert!(stamp.ends_with("ep/value eq 'x'' or 1 eq 1')"), "{stamp}");
    }

    #[test]
    fn what_would_break_the_query_is_encoded() {
        let value = query_value("internetMessageId eq '<a&b#c+d=e@f>'");
        assert!(!value.contains(['&', '#', '+', ' ', '<', '\'']), "{value}");
    }
}
