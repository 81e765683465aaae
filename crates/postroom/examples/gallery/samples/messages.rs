//! Messages.

use postroom::messages::pages::{
    Filter, Jira, MessagePage, MessageRow, MessagesPage, RuleLine, Shown, StepLine,
};
use postroom::web::components::{Action, Empty, FaultView, MailState, Pager, StepState, Tone};
use postroom::web::{Section, Theme};

use super::{Sample, ago, exact, frame, on, post, sample};

/// What the frame of the sample message shows.
pub(crate) const MAIL: &str = "<!doctype html><meta charset=\"utf-8\"><style>body{font:14px/1.5 system-ui,sans-serif;margin:16px}</style>\
     <p>Hello,</p><p>the printer on <b>floor 3</b> is on fire. The extinguisher is empty as well.</p>\
     <table border=1><tr><td>Room</td><td>3.14</td></tr></table><p>Bea</p>";

pub(crate) fn all(theme: Theme) -> Vec<Sample> {
    let empty = MessagesPage {
        rows: Vec::new(),
        search: "invoice 4711".into(),
        pager: Pager::default(),
        ..list(theme)
    };
    vec![
        sample("messages", &list(theme)),
        sample("messages-empty", &empty),
        sample("message-issue", &issue(theme)),
        sample("message-held", &held(theme)),
        sample("message-ignored", &ignored(theme)),
    ]
}

fn list(theme: Theme) -> MessagesPage {
    let filter = |label, href: &str, count, here| Filter { label, href: href.into(), count, here };
    let row = |state, from: &str, subject: &str, issue: &str, why: &str, received| MessageRow {
        id: format!("{}", subject.len()),
        href: "/messages/1".into(),
        state,
        from: from.into(),
        subject: subject.into(),
        issue: issue.into(),
        issue_href: "https://contoso.atlassian.net/browse/SUP-12".into(),
        why: why.into(),
        source: "support@contoso.com".into(),
        received,
    };
    MessagesPage {
        frame: frame(theme, Section::Messages, "Messages").live("messages"),
        filters: vec![
            filter("All", "/messages", None, true),
            filter("Held", "/messages?filter=held", Some(2), false),
            filter("Issues", "/messages?filter=issues", None, false),
            filter("Ignored", "/messages?filter=ignored", None, false),
        ],
        search: String::new(),
        in_text: false,
        source: String::new(),
        sources: vec![
            ("1".into(), "support@contoso.com, Inbox".into()),
            ("2".into(), "billing@contoso.com, Inbox".into()),
        ],
        choose: true,
        exports: [
            ("CSV", "/messages/export?format=csv".into()),
            ("JSON", "/messages/export?format=json".into()),
        ],
        query: "filter=held".into(),
        filter: "",
        rows: vec![
            row(MailState::Waiting, "Chiara Neri", "Fwd: contract", "", "", ago(-4)),
            row(MailState::Acting, "Bea Ruiz", "Printer on floor 3 is on fire", "", "", ago(-40)),
            row(
                MailState::Held,
                "数据服务 <data@example.cn>",
                "Quarterly numbers",
                "",
                "Jira refused it three times: the field Priority is required.",
                ago(-400),
            ),
            row(
                MailState::Issue,
                "Dmitri",
                &"A subject that goes on and on because somebody pasted the whole mail into it ".repeat(4),
                "SUP-1204",
                "",
                ago(-4_000),
            ),
            row(
                MailState::Comment,
                "Bea Ruiz",
                "AW: Printer on floor 3 is on fire",
                "SUP-1199",
                "",
                ago(-9_000),
            ),
            row(
                MailState::Ignored,
                "Mail Delivery System",
                "Undeliverable: Invoice 4711",
                "",
                "bounce: multipart/report",
                ago(-86_000),
            ),
            row(MailState::Rejected, "newsletter@shop.example", "", "", "larger than 25 MiB", ago(-190_000)),
        ],
        pager: Pager {
            shown: "1–50 of 12,904".into(),
            newer: None,
            older: Some("/messages?before=1".into()),
        },
        empty: Empty {
            title: "No mail matches".into(),
            text: "Nothing with “invoice 4711” in subject, sender or issue.".into(),
            action: Some(Action::go("Show all mail", "/messages")),
        },
    }
}

fn rule(name: &str, matched: bool, why: &str) -> RuleLine {
    RuleLine { name: name.into(), matched, why: why.into() }
}

fn facts() -> Vec<(String, String)> {
    vec![
        ("From".into(), "Bea Ruiz <bea.ruiz@customer.example>".into()),
        ("To".into(), "support@contoso.com".into()),
        ("Source".into(), "support@contoso.com, Inbox".into()),
    ]
}

fn issue(theme: Theme) -> MessagePage {
    let step = |what: &str, state, at, result: &str, href: &str| StepLine {
        what: what.into(),
        state,
        at,
        result: result.into(),
        href: href.into(),
    };
    MessagePage {
        frame: frame(theme, Section::Messages, "Printer on floor 3 is on fire").live("messages"),
        state: MailState::Issue,
        end: "Became an issue in SUP.".into(),
        issue: "SUP-1204".into(),
        issue_href: "https://contoso.atlassian.net/browse/SUP-1204".into(),
        fault: None,
        actions: Vec::new(),
        facts: facts(),
        received: ago(-400),
        steps: vec![
            step("Create issue", StepState::Done, Some(exact(-390)), "SUP-1204", "https://contoso.atlassian.net/browse/SUP-1204"),
            step("Attach photo-of-the-fire.jpg", StepState::Done, Some(exact(-389)), "2.4 MB", ""),
            step("Attach a-file-with-a-very-long-name-that-somebody-exported-from-a-system-2026-03-13-final-final.xlsx", StepState::InDoubt, Some(exact(-388)), "the answer was lost; looking for it before it is sent again", ""),
            step("Put pictures in place", StepState::Planned, None, "", ""),
        ],
        rules: vec![
            rule("Our own mail", false, ""),
            rule("Automatic mail", false, ""),
            rule("Reply to a known mail", false, "no In-Reply-To, no References"),
            rule("New issue", true, "SUP, Task"),
        ],
        reasons: vec!["The body was read from HTML; 1 tracking pixel was dropped.".into()],
        shown: Shown::Mail,
        href: "/messages/1".into(),
        mail_href: "/messages/sample/mail".into(),
        source_href: "/messages/1/source".into(),
        text: String::new(),
        jira: Some(Jira {
            title: "SUP-1204".into(),
            href: "https://contoso.atlassian.net/browse/SUP-1204".into(),
            text: "Hello,\n\nthe printer on floor 3 is on fire. The extinguisher is empty as well.\n\nRoom | 3.14\n\nBea".into(),
        }),
        headers: vec![
            ("Received".into(), "from AM0PR04MB1234.eurprd04.prod.outlook.com (2603:10a6:20b:1::12) by VI1PR04MB5678.eurprd04.prod.outlook.com with HTTPS".into()),
            ("Message-ID".into(), "<AM0PR04MB1234@AM0PR04MB1234.eurprd04.prod.outlook.com>".into()),
        ],
        attachments: vec![("photo-of-the-fire.jpg".into(), "2.4 MB".into(), "/messages/1/attachments/0".into())],
        problems: Vec::new(),
    }
}

fn held(theme: Theme) -> MessagePage {
    MessagePage {
        frame: frame(
            theme,
            Section::Messages,
            &"A subject of three hundred characters, more or less, ".repeat(6),
        )
        .live("messages"),
        state: MailState::Held,
        end: "Held for a person.".into(),
        issue: String::new(),
        issue_href: String::new(),
        fault: Some(FaultView {
            tone: Tone::Bad,
            what: "Jira refused to create the issue three times: the field Priority is required.".into(),
            code: "priority".into(),
            since: Some(on(-7_000)),
            who: "An administrator of the Jira site must act.".into(),
            mend: "Make the field optional for Task in SUP, or give it a default; then retry.".into(),
            waiting: "This mail waits; the others go on.".into(),
            actions: vec![
                post("Retry", "/messages/1/retry").primary(),
                post("Discard", "/messages/1/discard").danger(
                    "1 mail ends as discarded. Nothing is written to Jira; the mail stays in the mailbox.",
                ),
            ],
            command: String::new(),
            details: vec![("HTTP status".into(), "400".into())],
        }),
        steps: vec![StepLine {
            what: "Create issue".into(),
            state: StepState::Held,
            at: Some(exact(-7_000)),
            result: "Priority is required".into(),
            href: String::new(),
        }],
        shown: Shown::Source,
        mail_href: String::new(),
        text: "Received: from a by b\r\nSubject: =?utf-8?q?x?=\r\n".repeat(40),
        jira: None,
        problems: vec!["The part 1.2 says that it is UTF-8 and is not; it was read as Windows-1252.".into()],
        ..issue(theme)
    }
}

fn ignored(theme: Theme) -> MessagePage {
    MessagePage {
        frame: frame(theme, Section::Messages, "Undeliverable: Invoice 4711").live("messages"),
        state: MailState::Ignored,
        end: "Ignored by the rule Automatic mail.".into(),
        issue: String::new(),
        steps: Vec::new(),
        actions: vec![post("Handle it as an issue", "/messages/1/again")],
        rules: vec![
            rule("Our own mail", false, ""),
            rule(
                "Automatic mail",
                true,
                "bounce: Content-Type: multipart/report; report-type=delivery-status",
            ),
        ],
        reasons: Vec::new(),
        shown: Shown::Mail,
        mail_href: String::new(),
        jira: None,
        attachments: Vec::new(),
        ..issue(theme)
    }
}
