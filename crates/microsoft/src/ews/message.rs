//! The XML of one message, read. Pure, like its counterpart for Graph: the same bytes give the same message at any time.
//!
//! What is stored is the item's element as Exchange wrote it, without the envelope around it. A field of the wrong kind counts as
//! missing, so that one odd field does not cost the message.

use super::xml::{self, Element};
use crate::message::{Body, Message, Recipient, Unreadable};

/// Message classes of plain mail; whatever else begins so is mail with something special about it.
const PLAIN: &str = "IPM.Note";

/// Reads the XML of one message.
pub fn read(raw: &[u8]) -> Result<Message, Unreadable> {
    let text = String::from_utf8_lossy(raw);
    let item = xml::read(&text).map_err(Unreadable::Xml)?;
    of(&item)
}

/// The message that an element describes.
pub(super) fn of(item: &Element) -> Result<Message, Unreadable> {
    let id = item.child("ItemId");
    let text = |name: &str| item.text_of(name).map(str::to_owned);
    let is = |name: &str| item.text_of(name).is_some_and(|text| matches!(text.trim(), "true" | "1"));
    let time = |name: &str| item.text_of(name).and_then(|text| text.trim().parse().ok());
    let several = |name: &str| {
        let mailboxes = item.child(name).map(|list| list.children.iter()).into_iter().flatten();
        mailboxes.filter_map(recipient).collect::<Vec<_>>()
    };
    let one = |name: &str| item.at(&[name, "Mailbox"]).and_then(recipient);
    let class = item.text_of("ItemClass").unwrap_or(PLAIN);
    let kind = if item.name != "Message" {
        Some(item.name.clone())
    } else if class.eq_ignore_ascii_case(PLAIN) {
        None
    } else {
        Some(class.to_owned())
    };
    Ok(Message {
        id: id
            .and_then(|id| id.attribute("Id"))
            .filter(|id| !id.is_empty())
            .ok_or(Unreadable::NoId)?
            .to_owned(),
        internet_message_id: text("InternetMessageId"),
        conversation_id: item.child("ConversationId").and_then(|id| id.attribute("Id")).map(as_graph_writes),
        parent_folder_id: item.child("ParentFolderId").and_then(|id| id.attribute("Id")).map(str::to_owned),
        subject: text("Subject"),
        from: one("From"),
        sender: one("Sender"),
        reply_to: several("ReplyTo"),
        to: several("ToRecipients"),
        cc: several("CcRecipients"),
        bcc: several("BccRecipients"),
        received_at: time("DateTimeReceived"),
        sent_at: time("DateTimeSent"),
        has_attachments: is("HasAttachments"),
        is_draft: is("IsDraft"),
        is_read: is("IsRead"),
        categories: item
            .child("Categories")
            .map(|list| list.children.iter().map(|name| name.text.clone()).collect())
            .unwrap_or_default(),
        body: item.child("Body").map(|body| {
            let is_html = body.attribute("BodyType").is_some_and(|kind| kind.eq_ignore_ascii_case("html"));
            if is_html { Body::Html(body.text.clone()) } else { Body::Text(body.text.clone()) }
        }),
        headers: item
            .child("InternetMessageHeaders")
            .map(|list| {
                let header =
                    |one: &Element| Some((one.attribute("HeaderName")?.to_owned(), one.text.clone()));
                list.children.iter().filter_map(header).collect()
            })
            .unwrap_or_default(),
        kind,
        etag: id.and_then(|id| id.attribute("ChangeKey")).map(str::to_owned),
    })
}

fn recipient(mailbox: &Element) -> Option<Recipient> {
    let name = mailbox.text_of("Name").filter(|name| !name.trim().is_empty()).map(str::to_owned);
    let address = mailbox.text_of("EmailAddress").unwrap_or_default().trim().to_owned();
    (name.is_some() || !address.is_empty()).then_some(Recipient { name, address })
}

/// The same id in the alphabet that Graph uses, so that a conversation stays one when its mailbox is read over Graph later.
fn as_graph_writes(id: &str) -> String {
    id.replace('/', "-").replace('+', "_")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const PLAIN_MAIL: &str = r#"<t:Message><t:ItemId Id="AAM/k=" ChangeKey="CQ=="/><t:ParentFolderId Id="AQ=="/>
        <t:ItemClass>IPM.Note</t:ItemClass><t:Subject>Grüße &amp; mehr</t:Subject>
        <t:Body BodyType="HTML">&lt;p&gt;x&lt;/p&gt;</t:Body><t:DateTimeReceived>2026-11-24T10:00:00Z</t:DateTimeReceived>
        <t:Categories><t:String>VIP</t:String></t:Categories><t:IsDraft>false</t:IsDraft>
        <t:InternetMessageHeaders><t:InternetMessageHeader HeaderName="Content-Type">text/html; charset=utf-8</t:InternetMessageHeader>
          <t:InternetMessageHeader HeaderName="Received">one &#x1;</t:InternetMessageHeader>
          <t:InternetMessageHeader HeaderName="Received">two</t:InternetMessageHeader></t:InternetMessageHeaders>
        <t:HasAttachments>false</t:HasAttachments><t:ConversationId Id="A/b+c="/>
        <t:ToRecipients><t:Mailbox><t:Name/><t:EmailAddress>support@contoso.test</t:EmailAddress></t:Mailbox></t:ToRecipients>
        <t:From><t:Mailbox><t:Name>Ada</t:Name><t:EmailAddress>ada@example.org</t:EmailAddress>
          <t:RoutingType>SMTP</t:RoutingType></t:Mailbox></t:From>
        <t:InternetMessageId>&lt;a@example.org&gt;</t:InternetMessageId><t:IsRead>true</t:IsRead></t:Message>"#;

    #[test]
    fn fields_are_read_as_told() {
        let message = read(PLAIN_MAIL.as_bytes()).expect("reads");
        assert_eq!((message.id.as_str(), message.etag.as_deref()), ("AAM/k=", Some("CQ==")));
        assert_eq!(message.subject.as_deref(), Some("Grüße & mehr"));
        assert_eq!(message.body, Some(Body::Html("<p>x</p>".to_owned())));
        assert_eq!(
            message.from,
            Some(Recipient { name: Some("Ada".into()), address: "ada@example.org".into() })
        );
        assert_eq!(message.to, [Recipient { name: None, address: "support@contoso.test".into() }]);
        assert_eq!(message.received_at, "2026-11-24T10:00:00Z".parse().ok());
        assert_eq!(message.internet_message_id.as_deref(), Some("<a@example.org>"));
        assert_eq!(message.conversation_id.as_deref(), Some("A-b_c="));
        let received: Vec<&str> = message
            .headers
            .iter()
            .filter(|(name, _)| name == "Received")
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(received, ["one \u{fffd}", "two"]);
        assert!(message.is_read && !message.is_draft && !message.needs_mime() && !message.is_bare());
        assert_eq!((message.categories, message.kind), (vec!["VIP".to_owned()], None));
    }

    #[rstest]
    #[case::smime("<t:ItemClass>IPM.Note</t:ItemClass>", "<t:ItemClass>IPM.Note.SMIME</t:ItemClass>")]
    #[case::bounce("<t:ItemClass>IPM.Note</t:ItemClass>", "<t:ItemClass>REPORT.IPM.Note.NDR</t:ItemClass>")]
    #[case::meeting("t:Message>", "t:MeetingRequest>")]
    #[case::attachments("<t:HasAttachments>false", "<t:HasAttachments>true")]
    #[case::inline_image("&lt;p&gt;", "&lt;img src='cid:x'&gt;")]
    #[case::no_body("t:Body", "t:NoBody")]
    #[case::structure("text/html; charset", "multipart/mixed; boundary")]
    fn mime_is_fetched_only_where_it_is_needed(#[case] from: &str, #[case] to: &str) {
        let changed = PLAIN_MAIL.replace(from, to);
        assert_ne!(changed, PLAIN_MAIL);
        assert!(read(changed.as_bytes()).expect("reads").needs_mime());
    }

    #[test]
    fn what_says_nothing_but_its_id_is_bare() {
        let message = read(br#"<t:Message><t:ItemId Id="a"/></t:Message>"#).expect("reads");
        assert!(message.is_bare() && message.needs_mime());
        assert!(matches!(read(b"<t:Message/>"), Err(Unreadable::NoId)));
        assert!(matches!(read(b"<t:Message>"), Err(Unreadable::Xml(_))));
    }

    proptest! {
        #[test]
        fn no_description_makes_it_panic(raw in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&raw);
            let _ = crate::message::read(&raw);
        }
    }
}
