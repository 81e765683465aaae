//! The message class of a mail (`PidTagMessageClass`, `ItemClass` of EWS): what kind of item Exchange takes it for.
//!
//! By [MS-OXCMAIL]: 2.1.3.2.1 (which MIME structure a class has), 2.1.3.2.2 (content classes), 2.2.3.7.1.1 (reports, by the gravest
//! `Action`), and [MS-OXOMSG] 2.2.2.1 (receipts). A class that stands in no MIME gets lost on the way between organizations: that of an
//! automatic reply is there inside the tenant only, where Exchange's own agent made it.

use mail_parser::{Message, MessagePart, MimeHeaders, PartType};

/// Ordinary mail.
pub(crate) const NOTE: &str = "IPM.Note";

/// `Action` of a delivery status, least grave first, and what it makes of the class of what it reports on.
const ACTIONS: [(&str, &str); 5] = [
    ("delivered", "DR"),
    ("expanded", "Expanded.DR"),
    ("relayed", "Relayed.DR"),
    ("delayed", "Delayed.DR"),
    ("failed", "NDR"),
];

/// Content classes with a message class of their own.
const CONTENT_CLASSES: [(&str, &str); 6] = [
    ("fax", "IPM.Note.Microsoft.Fax"),
    ("fax-ca", "IPM.Note.Microsoft.Fax.CA"),
    ("missedcall", "IPM.Note.Microsoft.Missed.Voice"),
    ("voice-uc", "IPM.Note.Microsoft.Conversation.Voice"),
    ("voice-ca", "IPM.Note.Microsoft.Voicemail.UM.CA"),
    ("voice", "IPM.Note.Microsoft.Voicemail.UM"),
];

/// How deep mails in mails are looked into.
const DEEPEST: usize = 8;

/// The class of a message with these header fields.
pub(crate) fn of(message: &Message<'_>, headers: &[(String, String)]) -> String {
    let field = |name: &str| {
        let own = headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        own.map_or(String::new(), |(_, value)| value.trim().to_ascii_lowercase())
    };
    let by_structure = of_structure(message, 0);
    if by_structure != NOTE {
        return by_structure;
    }
    let content_class = field("content-class");
    if let Some((_, class)) = CONTENT_CLASSES.iter().find(|(name, _)| *name == content_class) {
        return (*class).to_owned();
    }
    if let Some(custom) = content_class.strip_prefix("urn:content-class:custom.") {
        return format!("{NOTE}.Custom.{custom}");
    }
    let is_of_agent = field("x-ms-exchange-generated-message-source") == "mailbox rules agent"
        && field("auto-submitted").starts_with("auto-");
    if is_of_agent && field("x-ms-exchange-organization-authas") == "internal" {
        return format!("{NOTE}.Rules.OofTemplate.Microsoft");
    }
    NOTE.to_owned()
}

fn of_structure(message: &Message<'_>, depth: usize) -> String {
    let Some(root) = message.parts.first() else { return NOTE.to_owned() };
    match kind(root).as_str() {
        "multipart/signed" => return format!("{NOTE}.SMIME.MultipartSigned"),
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => return format!("{NOTE}.SMIME"),
        // Clients that know no better name the file only (RFC 8551 §3.10).
        "application/octet-stream" if root.attachment_name().is_some_and(is_p7m) => {
            return format!("{NOTE}.SMIME");
        }
        "multipart/report" => return report(message, depth),
        _ => {}
    }
    // A mail that is attached is its own matter: what is looked at are the parts of this one.
    let calendar = message.parts.iter().find(|part| kind(part) == "text/calendar");
    calendar.map_or_else(|| NOTE.to_owned(), meeting)
}

fn kind(part: &MessagePart<'_>) -> String {
    let Some(kind) = part.content_type() else { return String::new() };
    format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()).to_ascii_lowercase()
}

fn is_p7m(name: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("p7m"))
}

/// A report: its class is that of what it reports on, with what it says of it.
fn report(message: &Message<'_>, depth: usize) -> String {
    let inner = message.parts.iter().find_map(|part| match &part.body {
        PartType::Message(inner) if depth < DEEPEST => Some(of_structure(inner, depth + 1)),
        _ => None,
    });
    let about = inner.filter(|class| class.starts_with(NOTE)).unwrap_or_else(|| NOTE.to_owned());
    let text = |wanted: &str| {
        let part = message.parts.iter().find(|part| kind(part) == wanted)?;
        Some(String::from_utf8_lossy(part.contents()).to_ascii_lowercase())
    };
    if let Some(status) = text("message/delivery-status") {
        let actions = status.lines().filter_map(|line| line.strip_prefix("action:")).map(str::trim);
        let gravest =
            actions.filter_map(|told| ACTIONS.iter().position(|(action, _)| told.starts_with(action)));
        return match gravest.max() {
            Some(at) => format!("REPORT.{about}.{}", ACTIONS[at].1),
            None => NOTE.to_owned(),
        };
    }
    if let Some(told) = text("message/disposition-notification") {
        let is_read = told
            .lines()
            .filter_map(|line| line.strip_prefix("disposition:"))
            .any(|line| line.contains("displayed"));
        return format!("REPORT.{about}.{}", if is_read { "IPNRN" } else { "IPNNRN" });
    }
    NOTE.to_owned()
}

/// What a calendar in a mail makes of it.
fn meeting(part: &MessagePart<'_>) -> String {
    let text = String::from_utf8_lossy(part.contents()).to_ascii_uppercase();
    let named = part.content_type().and_then(|kind| kind.attribute("method")).map(str::to_ascii_uppercase);
    let written =
        || text.lines().find_map(|line| line.strip_prefix("METHOD:")).map(|method| method.trim().to_owned());
    let answer = |word: &str| text.contains(&format!("PARTSTAT={word}"));
    let end = match named.or_else(written).unwrap_or_default().as_str() {
        "REQUEST" => "Request",
        "CANCEL" => "Canceled",
        "REPLY" if answer("DECLINED") => "Resp.Neg",
        "REPLY" if answer("TENTATIVE") => "Resp.Tent",
        "REPLY" => "Resp.Pos",
        _ => return NOTE.to_owned(),
    };
    format!("IPM.Schedule.Meeting.{end}")
}

/// The element that EWS has for items of a class.
pub(crate) fn element(class: &str) -> &'static str {
    match class.strip_prefix("IPM.Schedule.Meeting.") {
        Some("Request") => "MeetingRequest",
        Some("Canceled") => "MeetingCancellation",
        Some(_) => "MeetingResponse",
        None => "Message",
    }
}

/// Graph's type for items of a class, and the `meetingMessageType` of those that are of one derived from `message`.
pub(crate) fn graph_type(class: &str) -> (&'static str, Option<&'static str>) {
    match class.strip_prefix("IPM.Schedule.Meeting.") {
        Some("Request") => ("eventMessageRequest", Some("meetingRequest")),
        Some("Canceled") => ("eventMessage", Some("meetingCancelled")),
        Some("Resp.Neg") => ("eventMessageResponse", Some("meetingDeclined")),
        // The name is spelled so.
        Some("Resp.Tent") => ("eventMessageResponse", Some("meetingTenativelyAccepted")),
        Some(_) => ("eventMessageResponse", Some("meetingAccepted")),
        None => ("message", None),
    }
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::*;

    fn class(mail: &str) -> String {
        let raw = mail.replace('\n', "\r\n");
        let message = MessageParser::default().parse(raw.as_bytes()).expect("a mail");
        of(&message, &super::super::ingest::headers(raw.as_bytes()))
    }

    fn dsn(actions: &[&str], original: &str) -> String {
        let recipient =
            |action: &&str| ["\nFinal-Recipient: rfc822;a@x.test\nAction: ", action, "\n"].concat();
        let recipients = actions.iter().map(recipient).collect::<Vec<_>>().concat();
        format!(
            "Subject: r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\nno\n--b\n\
             Content-Type: message/delivery-status\n\nReporting-MTA: dns;x.test\n{recipients}\n--b\nContent-Type: message/rfc822\n\n{original}\n--b--\n"
        )
    }

    const PLAIN: &str = "Subject: s\nContent-Type: text/plain\n\nx";
    const SIGNED: &str = "Subject: s\nContent-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=c\n\n--c\nContent-Type: text/plain\n\nx\n--c\nContent-Type: application/pkcs7-signature; name=smime.p7s\n\nAA==\n--c--";

    /// Promise: a mail's class is the one that Exchange reads out of its MIME.
    #[test]
    fn a_class_is_read_out_of_the_structure() {
        let pkcs7 = "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n\nAA==";
        let octets = "Content-Type: application/octet-stream; name=smime.p7m\n\nAA==";
        for (mail, wanted) in [
            (PLAIN, "IPM.Note"),
            (SIGNED, "IPM.Note.SMIME.MultipartSigned"),
            (pkcs7, "IPM.Note.SMIME"),
            (octets, "IPM.Note.SMIME"),
            ("Content-Class: voice\n\nx", "IPM.Note.Microsoft.Voicemail.UM"),
            ("Content-Class: urn:content-class:custom.order\n\nx", "IPM.Note.Custom.order"),
            ("", "IPM.Note"),
        ] {
            assert_eq!(class(&format!("X: y\n{mail}")), wanted, "{mail}");
        }
        for (actions, original, wanted) in [
            (&["failed"][..], PLAIN, "REPORT.IPM.Note.NDR"),
            (&["delivered"], PLAIN, "REPORT.IPM.Note.DR"),
            (&["delayed"], PLAIN, "REPORT.IPM.Note.Delayed.DR"),
            (&["relayed"], PLAIN, "REPORT.IPM.Note.Relayed.DR"),
            // The gravest counts.
            (&["delivered", "failed", "delayed"], PLAIN, "REPORT.IPM.Note.NDR"),
            (&["failed"], SIGNED, "REPORT.IPM.Note.SMIME.MultipartSigned.NDR"),
        ] {
            assert_eq!(class(&dsn(actions, original)), wanted, "{actions:?}");
        }
        let receipt = |what: &str| {
            format!(
                "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\nContent-Type: text/plain\n\nread\n--b\n\
                 Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;a@x.test\nDisposition: manual-action/MDN-sent-manually; {what}\n--b--\n"
            )
        };
        assert_eq!(class(&receipt("displayed")), "REPORT.IPM.Note.IPNRN");
        assert_eq!(class(&receipt("deleted")), "REPORT.IPM.Note.IPNNRN");
    }

    /// Promise: a mail with a calendar is a meeting's, by its method and its answer.
    #[test]
    fn meetings_are_told_apart() {
        let mail = |head: &str, calendar: &str| {
            format!(
                "Content-Type: text/calendar; charset=utf-8{head}\n\nBEGIN:VCALENDAR\n{calendar}\nEND:VCALENDAR\n"
            )
        };
        for (head, calendar, wanted) in [
            ("; method=REQUEST", "", "Request"),
            ("", "METHOD:request", "Request"),
            ("; method=CANCEL", "", "Canceled"),
            ("; method=REPLY", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@x.test", "Resp.Pos"),
            ("; method=REPLY", "ATTENDEE;PARTSTAT=DECLINED:mailto:a@x.test", "Resp.Neg"),
            ("; method=REPLY", "ATTENDEE;PARTSTAT=TENTATIVE:mailto:a@x.test", "Resp.Tent"),
        ] {
            assert_eq!(class(&mail(head, calendar)), format!("IPM.Schedule.Meeting.{wanted}"));
        }
        assert_eq!(class(&mail("; method=PUBLISH", "")), "IPM.Note");
        assert_eq!(
            (element("IPM.Schedule.Meeting.Request"), element("IPM.Note.SMIME")),
            ("MeetingRequest", "Message")
        );
        assert_eq!(
            graph_type("IPM.Schedule.Meeting.Resp.Neg"),
            ("eventMessageResponse", Some("meetingDeclined"))
        );
        assert_eq!(graph_type("REPORT.IPM.Note.NDR"), ("message", None));
    }

    /// Promise: an automatic reply of Exchange has its class inside the tenant, and is ordinary mail from outside.
    #[test]
    fn automatic_replies_have_a_class_inside_only() {
        let mail = |auth: &str| {
            format!(
                "X-MS-Exchange-Organization-AuthAs: {auth}\nSubject: Automatic reply: s\nAuto-Submitted: auto-generated\n\
                 X-Auto-Response-Suppress: All\nX-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent\n\naway\n"
            )
        };
        assert_eq!(class(&mail("Internal")), "IPM.Note.Rules.OofTemplate.Microsoft");
        assert_eq!(class(&mail("Anonymous")), "IPM.Note");
        let ours = "X-MS-Exchange-Organization-AuthAs: Internal\nAuto-Submitted: auto-replied\n\nx\n";
        assert_eq!(class(ours), "IPM.Note", "whoever answers by itself is not Exchange's agent");
    }
}
