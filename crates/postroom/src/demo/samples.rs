//! Sample mail for the demo: the kinds that a support mailbox gets in a week.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use mail::Address;
use mail::compose::{self, Draft, DraftAttachment};

/// A small picture: 96 by 48 pixels.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAGAAAAAwCAMAAADZyI/9AAAACVBMVEXw9PjI1ODWVCgM8jkEAAAAZklEQVR42u3Wuw3AQAgE0fP0X7QzS04QcCzRTgMv4nOOc+7rGc6AAODfIEDULUCmNkC+DkCtKkC9CkCvNAD3QgTAgBAAMCEYMCAF5HOgn2T9LtJv04V7sHDRFm7yxlex8hf5N3XOvTiGDr7jJhLzAAAAAElFTkSuQmCC";

/// Mails with a name each, oldest first.
pub fn all(mailbox: &str, now: Timestamp) -> Vec<(&'static str, Vec<u8>)> {
    let samples = Samples { mailbox: mailbox.to_owned(), now };
    vec![
        ("plain text", samples.plain()),
        ("HTML with an inline image and a file", samples.picture()),
        ("a reply to the first mail", samples.reply()),
        ("a reply to the reply", samples.second_reply()),
        ("an absence notice", samples.absence()),
        ("a bounce", samples.bounce()),
        ("a mailing list", samples.list()),
        ("a table, lists and a quote", samples.table()),
        ("longer than Jira takes", samples.long()),
        ("umlauts in an old charset", samples.latin()),
        ("a mail attached to a mail", samples.attached()),
        ("no subject, no text", samples.bare()),
    ]
}

struct Samples {
    mailbox: String,
    now: Timestamp,
}

fn person(name: &str, address: &str) -> Address {
    Address { name: Some(name.to_owned()), address: address.to_owned() }
}

impl Samples {
    fn draft(&self, number: i64, from: Address, subject: &str) -> Draft {
        Draft {
            from: Some(from),
            to: vec![Address { name: None, address: self.mailbox.clone() }],
            cc: Vec::new(),
            reply_to: Vec::new(),
            subject: subject.to_owned(),
            text: None,
            html: None,
            in_reply_to: Vec::new(),
            references: Vec::new(),
            message_id: format!("sample-{number}@customer.example"),
            date: self.now.saturating_sub(SignedDuration::from_mins(60 - number)).unwrap_or(self.now),
            headers: Vec::new(),
            attachments: Vec::new(),
        }
    }

    fn plain(&self) -> Vec<u8> {
        let mut draft = self.draft(
            1,
            person("Ada Byron", "ada@customer.example"),
            "Printer on the third floor is on fire",
        );
        draft.text = Some(
            "Hello,\n\nthe printer beside the kitchen smokes. We have unplugged it.\n\nIt showed:\n\n> PC LOAD LETTER\n\nCould somebody have a look? More at https://intranet.customer.example/printers.\n\nAda\n"
                .to_owned(),
        );
        compose::write(&draft)
    }

    fn picture(&self) -> Vec<u8> {
        let mut draft = self.draft(
            2,
            person("Grace Hopper", "grace@customer.example"),
            "Logo looks wrong on the invoice",
        );
        draft.html = Some(
            "<html><body><p>Dear support,</p><p>the <b>logo</b> on our invoices looks like this since <i>Monday</i>:</p>\
             <p><img src=\"cid:logo@sample\" alt=\"the logo\" width=\"96\" height=\"48\"></p>\
             <p>The invoice is attached.</p><p>Grace</p>\
             <img src=\"https://tracker.customer.example/open.gif\" width=\"1\" height=\"1\" alt=\"\"></body></html>"
                .to_owned(),
        );
        draft.attachments = vec![
            DraftAttachment {
                name: "logo.png".to_owned(),
                content_type: "image/png".to_owned(),
                content_id: Some("logo@sample".to_owned()),
                content: Bytes::from(STANDARD.decode(PICTURE).unwrap_or_default()),
            },
            DraftAttachment {
                name: "invoice 2026-11.csv".to_owned(),
                content_type: "text/csv".to_owned(),
                content_id: None,
                content: Bytes::from_static(b"item;amount\r\npaper;12.50\r\ntoner;89.00\r\n"),
            },
        ];
        compose::write(&draft)
    }

    fn reply(&self) -> Vec<u8> {
        let mut draft = self.draft(
            3,
            person("Ada Byron", "ada@customer.example"),
            "Re: Printer on the third floor is on fire",
        );
        draft.in_reply_to = vec!["sample-1@customer.example".to_owned()];
        draft.references = draft.in_reply_to.clone();
        draft.text = Some("It has stopped smoking. The smell is still there.\n\nAda\n".to_owned());
        compose::write(&draft)
    }

    fn second_reply(&self) -> Vec<u8> {
        let mut draft = self.draft(
            4,
            person("Charles Babbage", "charles@customer.example"),
            "RE: Printer on the third floor is on fire",
        );
        draft.in_reply_to = vec!["sample-3@customer.example".to_owned()];
        draft.references =
            vec!["sample-1@customer.example".to_owned(), "sample-3@customer.example".to_owned()];
        draft.html = Some("<p>I have ordered a new one. Photo of the old one:</p><p><img src=\"cid:old@sample\" alt=\"old printer\"></p>".to_owned());
        draft.attachments = vec![DraftAttachment {
            name: "old printer.png".to_owned(),
            content_type: "image/png".to_owned(),
            content_id: Some("old@sample".to_owned()),
            content: Bytes::from(STANDARD.decode(PICTURE).unwrap_or_default()),
        }];
        compose::write(&draft)
    }

    fn absence(&self) -> Vec<u8> {
        let mut draft =
            self.draft(5, person("Alan Turing", "alan@customer.example"), "Automatic reply: your ticket");
        draft.headers = vec![("Auto-Submitted".to_owned(), "auto-replied".to_owned())];
        draft.text = Some("I am away until Monday.\n".to_owned());
        compose::write(&draft)
    }

    fn bounce(&self) -> Vec<u8> {
        format!(
            "Return-Path: <>\r\nFrom: Mail Delivery System <mailer-daemon@customer.example>\r\nTo: {}\r\n\
             Subject: Undelivered Mail Returned to Sender\r\nMessage-ID: <sample-6@customer.example>\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n--b\r\n\
             Content-Type: text/plain\r\n\r\nThe mail could not be delivered.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns; mail.customer.example\r\n\r\nFinal-Recipient: rfc822; nobody@customer.example\r\n\
             Action: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n",
            self.mailbox
        )
        .into_bytes()
    }

    fn list(&self) -> Vec<u8> {
        let mut draft = self.draft(7, person("Weekly News", "news@list.example"), "This week in printers");
        draft.headers = vec![
            ("List-Id".to_owned(), "Printer news <news.list.example>".to_owned()),
            ("Precedence".to_owned(), "list".to_owned()),
        ];
        draft.text = Some("Printers still print.\n".to_owned());
        compose::write(&draft)
    }

    fn table(&self) -> Vec<u8> {
        let mut draft = self.draft(
            8,
            person("Emmy Noether", "emmy@customer.example"),
            "Order 4711: three items are missing",
        );
        draft.html = Some(
            "<h2>Order 4711</h2><table border=1><tr><th>Item</th><th>Ordered</th><th>Arrived</th></tr>\
             <tr><td>Paper A4</td><td>10</td><td>8</td></tr><tr><td>Toner</td><td>2</td><td>1</td></tr></table>\
             <p>What we need:</p><ul><li>two packs of <b>paper</b></li><li>one toner<ol><li>black</li><li>or cyan</li></ol></li></ul>\
             <p>You wrote:</p><blockquote><p>All items have shipped.</p><blockquote><p>When does it ship?</p></blockquote></blockquote>\
             <pre>tracking: 1Z 999 AA1\nstatus:   lost</pre>\
             <p>See <a href=\"https://shop.example/orders/4711\">the order</a>, <s>yesterday</s> <u>today</u>.</p>"
                .to_owned(),
        );
        compose::write(&draft)
    }

    fn long(&self) -> Vec<u8> {
        use std::fmt::Write as _;
        let mut draft =
            self.draft(9, person("Leo Tolstoy", "leo@customer.example"), "A long story about a short outage");
        let mut text = String::new();
        for line in 1..=900 {
            let _ = writeln!(
                text,
                "{line:>4}  09:{:02}  the network was down, and then it was up again",
                line % 60
            );
        }
        draft.text = Some(text);
        compose::write(&draft)
    }

    fn latin(&self) -> Vec<u8> {
        let mut mail = format!(
            "From: =?iso-8859-1?Q?J=FCrgen_M=FCller?= <juergen@customer.example>\r\nTo: {}\r\n\
             Subject: =?iso-8859-1?Q?=DCbergr=F6=DFe_Umschl=E4ge?=\r\nMessage-ID: <sample-10@customer.example>\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
            self.mailbox
        )
        .into_bytes();
        mail.extend(b"Gr\xfc\xdfe,\r\n\r\nwir brauchen gr\xf6\xdfere Umschl\xe4ge.\r\n\r\nJ\xfcrgen\r\n");
        mail
    }

    fn attached(&self) -> Vec<u8> {
        let mut draft =
            self.draft(11, person("Hedy Lamarr", "hedy@customer.example"), "Fwd: Is this phishing?");
        draft.text = Some("Somebody sent me this. I have attached it as it came.\n\nHedy\n".to_owned());
        draft.attachments = vec![DraftAttachment {
            name: "Your parcel.eml".to_owned(),
            content_type: "message/rfc822".to_owned(),
            content_id: None,
            content: Bytes::from_static(
                b"From: Parcel <parcel@phish.example>\r\nSubject: Your parcel\r\nMessage-ID: <p@phish.example>\r\n\r\nClick here.\r\n",
            ),
        }];
        compose::write(&draft)
    }

    fn bare(&self) -> Vec<u8> {
        format!("From: nobody@customer.example\r\nTo: {}\r\n\r\n", self.mailbox).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_readable() {
        for (name, bytes) in all("support@contoso.test", Timestamp::UNIX_EPOCH) {
            let mail = mail::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(mail.problems.is_empty() || name == "no subject, no text", "{name}: {:?}", mail.problems);
        }
    }
}
