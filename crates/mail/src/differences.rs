//! Where two readings of one mail differ in what rules see.

use serde::{Deserialize, Serialize};

use crate::{Address, Mail, Rich};

/// A field in which two readings of one mail differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The field, as [`Mail`] names it.
    pub field: String,
    /// Its value in the first reading.
    pub one: String,
    /// Its value in the second reading.
    pub other: String,
}

/// Compares two readings of one mail in what rules may look at: ids, subject, addresses, verdicts and the body as a
/// document. Two mails without a difference here are handled alike.
///
/// Not compared, because the ways of fetching a mail tell them differently: the list of header fields as such, the raw
/// bodies, attachments, problems. Letter case in addresses does not count.
pub fn differences(one: &Mail, other: &Mail) -> Vec<Difference> {
    let mut out = Vec::new();
    let mut compare = |field: &str, left: String, right: String| {
        if left != right {
            out.push(Difference { field: field.into(), one: left, other: right });
        }
    };
    let id = |id: &Option<String>| id.clone().unwrap_or_default();
    compare("message_id", id(&one.message_id), id(&other.message_id));
    compare("in_reply_to", one.in_reply_to.join(" "), other.in_reply_to.join(" "));
    compare("references", one.references.join(" "), other.references.join(" "));
    compare("subject", one.subject.clone(), other.subject.clone());
    compare("from", shown(one.from.as_slice()), shown(other.from.as_slice()));
    compare("sender", shown(one.sender.as_slice()), shown(other.sender.as_slice()));
    compare("reply_to", shown(&one.reply_to), shown(&other.reply_to));
    compare("to", shown(&one.to), shown(&other.to));
    compare("cc", shown(&one.cc), shown(&other.cc));
    compare("verdicts", verdict(one), verdict(other));
    compare(
        "trust",
        one.verdicts.trust.class.name().to_owned(),
        other.verdicts.trust.class.name().to_owned(),
    );
    let (left, right) = (one.rich(), other.rich());
    if left != right {
        compare("rich", dump(&left), dump(&right));
    }
    out
}

fn shown(addresses: &[Address]) -> String {
    let each: Vec<String> = addresses
        .iter()
        .map(|a| Address { name: a.name.clone(), address: a.address.to_lowercase() }.to_string())
        .collect();
    each.join(", ")
}

fn verdict(mail: &Mail) -> String {
    mail.verdicts
        .automatic
        .as_ref()
        .map(|a| format!("{}: {}", a.rule(), a.evidence.name.to_lowercase()))
        .unwrap_or_default()
}

fn dump(rich: &Rich) -> String {
    format!("{:?}", rich.blocks)
}
