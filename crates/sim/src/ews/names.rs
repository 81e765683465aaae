//! ResolveNames: people of the tenant by a part of their name or address.

use std::fmt::Write as _;

use super::Call;
use super::answer::{Part, Refusal};
use super::xml::element_of;

/// Most people that are told.
const MOST: usize = 100;

/// ResolveNames.
pub(crate) fn resolve(call: &Call<'_>) -> Part {
    let wanted = call.node.text_of("UnresolvedEntry").unwrap_or_default().to_lowercase();
    let wanted = wanted.strip_prefix("smtp:").unwrap_or(&wanted);
    let fits = |text: &str| {
        let text = text.to_lowercase();
        text.starts_with(wanted) || text.split_whitespace().any(|word| word.starts_with(wanted))
    };
    let found: Vec<_> = call
        .exchange
        .tenant
        .people(call.actor.user.tenant)
        .filter(|user| user.mailbox && (fits(&user.name) || fits(&user.upn)))
        .collect();
    if found.is_empty() || call.node.attribute("SearchScope") == Some("Contacts") {
        return Err(Refusal::new("ErrorNameResolutionNoResults", "No results were found."));
    }
    let mut inside = String::new();
    for user in found.iter().take(MOST) {
        let _ = write!(
            inside,
            "<t:Resolution><t:Mailbox>{}{}<t:RoutingType>SMTP</t:RoutingType><t:MailboxType>Mailbox</t:MailboxType></t:Mailbox></t:Resolution>",
            element_of("Name", &user.name),
            element_of("EmailAddress", &user.upn)
        );
    }
    let shown = found.len().min(MOST);
    Ok(format!(
        "<m:ResolutionSet TotalItemsInView=\"{shown}\" IncludesLastItemInRange=\"{}\">{inside}</m:ResolutionSet>",
        shown == found.len()
    ))
}
