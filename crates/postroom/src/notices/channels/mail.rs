//! Mail, sent from a Message Outbound. It says of itself that it is automatic (RFC 3834), so that nothing answers it.

use ::mail::Address;
use ::mail::compose::Draft;

use super::Message;

/// The mail, as plain text.
pub fn draft(message: &Message, from: Address, to: Vec<Address>) -> Draft {
    let mut text = String::new();
    let (shown, more) = message.shown();
    if message.is_test {
        text.push_str("This channel works. Notices of Postroom come here.\n\n");
    }
    for item in shown {
        let code = if item.code.is_empty() { String::new() } else { format!(" ({})", item.code) };
        let pages = item.pages.iter().map(|page| format!("{}: {}", page.title, page.address));
        let command = item.command.as_ref().map(|command| format!("Command: {command}"));
        let lines = [item.title.clone(), format!("{}{code}", item.text)]
            .into_iter()
            .chain(pages)
            .chain(command)
            .chain([item.url.clone(), String::new()]);
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
    }
    if more > 0 {
        text.push_str(&Message::rest(more));
        text.push('\n');
    }
    text.push_str(&message.url);
    text.push('\n');
    let host = from.address.rsplit('@').next().unwrap_or("postroom.invalid").to_owned();
    Draft {
        to,
        subject: message.title(),
        text: Some(text),
        message_id: format!("{}@{host}", message.id),
        date: message.at,
        from: Some(from),
        headers: vec![
            ("Auto-Submitted".to_owned(), "auto-generated".to_owned()),
            ("X-Auto-Response-Suppress".to_owned(), "All".to_owned()),
        ],
        ..Draft::default()
    }
}

/// The addresses that a channel's target names, separated by commas.
pub fn addresses(target: &str) -> Vec<Address> {
    let parts = target.split([',', ';']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| Address { name: None, address: part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::message;
    use super::*;

    /// Promise: the mail says that it is automatic, and tells each notice with the way to its page.
    #[test]
    fn the_mail_is_automatic() {
        let from = Address { name: Some("Postroom".to_owned()), address: "postroom@contoso.test".to_owned() };
        let draft = draft(&message(2), from, addresses("a@contoso.test, b@contoso.test"));
        let mime = String::from_utf8(::mail::compose::write(&draft)).unwrap();
        assert!(mime.contains("Auto-Submitted: auto-generated"), "{mime}");
        assert!(mime.contains("a@contoso.test") && mime.contains("b@contoso.test"), "{mime}");
        assert!(mime.contains("https://postroom.test/sources/1"), "{mime}");
        let text = draft.text.as_deref().unwrap();
        assert!(
            text.contains("\nLicenses | <admin center>: https://portal.azure.us/#view/Blade/~/Licenses\n"),
            "{text}"
        );
        assert!(text.contains("\nCommand: Get-Mailbox -Identity box@contoso.test"), "{text}");
    }
}
