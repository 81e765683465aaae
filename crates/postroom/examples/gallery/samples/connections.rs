//! Message Sources and Jira.

use postroom::connections::enterprise::EnterpriseView;
use postroom::connections::pages::{
    ConfirmPage, ConnectJiraPage, DryRun, DryRunRow, Expiry, GrantedView, JiraConnectionPage, JiraPage,
    MovingToGraph, ProjectRow, Said, Setting, SignInFailedPage, SignedInPage, SourcePage, SourceRow,
    SourcesPage, StepView, SwapPage, WriterRow,
};
use postroom::connections::store::uses::Uses;
use postroom::web::chart::{Bar, Chart};
use postroom::web::components::{
    Action, CheckView, Health, Icon, MailState, Mark, Menu, PingView, Timeline, TimelineEntry, Tone,
};
use postroom::web::form::{Choice, Field, Fields};
use postroom::web::tree::{Branch, Twigs};
use postroom::web::{Flash, Frame, Section, Theme};

use super::{Sample, ago, exact, frame, jira_down, on, password_reset, post, sample};

pub(crate) fn all(theme: Theme) -> Vec<Sample> {
    let mut failed = connect(theme);
    failed
        .fields
        .fail("base_url", "There is no Jira at this address: it answered with a page of another kind.");
    failed.ping = Some(ping(false));
    let empty = SourcesPage { rows: Vec::new(), ..sources(theme) };
    let mut paused = sources(theme);
    paused.rows.iter_mut().for_each(|row| row.result = None);
    paused.rows.truncate(1);
    paused.rows[0].health = Health::Paused;
    paused.rows[0].beside = "since 09:12 by anna@contoso.com".into();
    vec![
        sample("sources", &sources(theme)),
        sample("sources-empty", &empty),
        sample("sources-paused", &paused),
        sample("source-online", &source(theme, true)),
        sample("source-offline", &source(theme, false)),
        sample("confirm", &confirm(theme)),
        sample("signed-in", &signed_in(theme)),
        sample(
            "sign-in-failed",
            &SignInFailedPage {
                frame: frame(theme, Section::Sources, "Not signed in"),
                fault: password_reset(),
                to_sources: true,
            },
        ),
        sample("account-swapped", &swapped(theme)),
        sample("jira", &jira(theme)),
        sample(
            "jira-empty",
            &JiraPage {
                frame: frame(theme, Section::Jira, "Jira"),
                rows: Vec::new(),
                empty: JiraPage::nothing(),
            },
        ),
        sample("jira-connection", &jira_connection(theme)),
        sample("jira-new", &connect(theme)),
        sample("jira-new-failed", &failed),
    ]
}

fn sign_in() -> Action {
    post("Sign in with Microsoft", "/sources/sign-in").primary().with_icon(Icon::Grid)
}

fn sources_frame(theme: Theme) -> Frame {
    let create = Menu::named(
        "Create",
        vec![
            Action::go("For an account that is signed in", "/sources/new"),
            Action::go("From a shared mailbox", "/sources/new?shared"),
        ],
    );
    frame(theme, Section::Sources, "Message Sources").with(create).with(sign_in()).live("sources source-")
}

fn row(mailbox: &str, health: Health, target: &str, connection_type: &'static str) -> SourceRow {
    SourceRow {
        id: mailbox.split('@').next().unwrap_or_default().into(),
        mailbox: mailbox.into(),
        href: "/sources/1".into(),
        folder: "Inbox".into(),
        connection_type,
        target: target.into(),
        health,
        last_mail: Some(ago(-120)),
        beside: String::new(),
        said: Vec::new(),
        ping: Some(post("Ping", "/sources/1/ping").icon_only(Icon::Ping).in_place()),
        validate: Some(post("Validate: sign in again, then test", "/sources/1/validate").icon_only(Icon::Validate)),
        menu: Menu::more(
            format!("More for {mailbox}"),
            vec![
                Action::go("Settings", "/sources/1/settings"),
                post("Pause", "/sources/1/pause"),
                post("Read now", "/sources/1/read").in_place(),
                post("Delete", "/sources/1/delete").danger(
                    "1,204 messages stay on record; the mailbox is no longer read. Mail that comes meanwhile stays in it.",
                ),
            ],
        ),
        result: None,
    }
}

fn ping(good: bool) -> PingView {
    let check = |name: &str, mark, text: &str, mend: &str, took: &str| CheckView {
        name: name.into(),
        mark,
        text: text.into(),
        mend: mend.into(),
        ways: Vec::new(),
        took: took.into(),
    };
    let jira = if good {
        check("Jira project SUP", Mark::Good, "issues can be created; type Task", "", "143 ms")
    } else {
        let mend = "Give the user of the token the permission Create Issues in SUP.";
        check("Jira project SUP", Mark::Bad, "the token may not create issues in SUP", mend, "143 ms")
    };
    PingView {
        at: ago(-2),
        checks: vec![
            check("Token", Mark::Good, "renewed, good for 72 min", "", "212 ms"),
            check("Mailbox", Mark::Good, "support@contoso.com, signed in as anna@contoso.com", "", "88 ms"),
            check("Folder", Mark::Good, "Inbox: 12 mails, 3 unread", "", "61 ms"),
            jira,
        ],
        close: "/sources".into(),
    }
}

/// A ping of an outbound whose mail may have gone, or where nobody wanted one sent.
fn open_ping(tried: bool) -> PingView {
    let mark = if tried { Mark::Unknown } else { Mark::NotTried };
    let text = if tried { "no answer came; look whether a test mail arrives" } else { "not tried" };
    let open = CheckView {
        name: "Right to send".into(),
        mark,
        text: text.into(),
        mend: String::new(),
        ways: Vec::new(),
        took: if tried { "5004 ms".into() } else { String::new() },
    };
    let mut ping = ping(true);
    ping.checks.pop();
    ping.checks.push(open);
    ping
}

fn sources(theme: Theme) -> SourcesPage {
    let mut support = row("support@contoso.com", Health::Online, "SUP", "Graph");
    support.result = Some(ping(true));
    let mut sender = row("post@contoso.com", Health::Online, "", "Graph");
    sender.result = Some(open_ping(true));
    let mut untried = row("news@contoso.com", Health::Online, "", "Graph");
    untried.result = Some(open_ping(false));
    let mut billing = row("billing@contoso.com", Health::Degraded, "BILL", "Graph");
    billing.beside = "retrying in 14 s".into();
    billing.said.push(Said {
        tone: Tone::Warn,
        since: None,
        text: "The mail server timed out, for the third time.".into(),
        code: String::new(),
        action: Some(post("Try now", "/sources/2/read").in_place()),
        ways: Vec::new(),
    });
    let mut legacy = row("legacy@contoso.com", Health::Offline, "OPS", "EWS");
    legacy.beside = "41 mails waiting".into();
    legacy.said.push(Said {
        tone: Tone::Bad,
        since: Some(on(-3600 * 5)),
        text: "Microsoft ended this sign-in because the password was reset.".into(),
        code: "AADSTS50173".into(),
        action: Some(post("Sign in again", "/sources/3/sign-in")),
        ways: Vec::new(),
    });
    legacy.said.push(Said {
        tone: Tone::Quiet,
        since: None,
        text: "EWS ends 2027-04-01: 128 days.".into(),
        code: String::new(),
        action: Some(post("Move to Graph", "/sources/3/move")),
        ways: Vec::new(),
    });
    let mut hr = row("hr@contoso.com", Health::ApprovalNeeded, "", "Graph");
    hr.folder = String::new();
    hr.last_mail = None;
    hr.said.push(Said {
        tone: Tone::Warn,
        since: None,
        text: "An administrator of contoso.com has to approve Postroom once. Send them the link.".into(),
        code: "AADSTS90094".into(),
        action: Some(Action::copy(
            "Copy link for the administrator",
            "https://login.microsoftonline.com/contoso.com/v2.0/adminconsent",
        )),
        ways: vec![
            Action::leave(
                "Admin consent requests",
                fault::Page::ConsentRequests.address(fault::Cloud::Global, None),
            ),
            Action::copy("Copy the command", "Get-Mailbox -Identity hr@contoso.com"),
        ],
    });
    let mut long = row(
        "customer-relations-and-returns-department-emea@subsidiary-with-a-long-name.contoso.com",
        Health::Online,
        "CUSTOMERRELATIONS",
        "Graph",
    );
    long.folder = "Posteingang/Kunden/Rücksendungen und Reklamationen".into();
    long.beside = "no mail yet".into();
    SourcesPage {
        frame: sources_frame(theme),
        rows: vec![support, billing, legacy, hr, long, sender, untried],
        empty: SourcesPage::nothing(Some(sign_in())),
    }
}

fn source(theme: Theme, well: bool) -> SourcePage {
    let title = if well { "support@contoso.com" } else { "legacy@contoso.com" };
    let frame = frame(theme, Section::Sources, title)
        .with(post("Ping", "/sources/1/ping").with_icon(Icon::Ping).in_place())
        .with(post("Validate", "/sources/1/validate").with_icon(Icon::Validate))
        .live("sources source-1");
    let bars = |count: u64, label: &dyn Fn(u64) -> String| -> Vec<Bar> {
        (0..count)
            .map(|n| Bar {
                label: label(n),
                ended: (n * 7919) % 43 * u64::from(n % 24 > 6),
                held: u64::from(n % 11 == 9) * 2,
            })
            .collect()
    };
    let entry = |at, tone, text: &str, who: &str, detail: &str| TimelineEntry {
        at,
        tone,
        text: text.into(),
        who: who.into(),
        detail: detail.into(),
    };
    let mut entries = vec![
        entry(exact(-3600 * 6), Tone::Good, "Online again; 3 mails had waited and were handled.", "", ""),
        entry(
            exact(-3600 * 6 - 300),
            Tone::Warn,
            "Degraded: the mail server timed out.",
            "",
            "ErrorTimeoutExpired",
        ),
        entry(
            exact(-86_400 * 3),
            Tone::Good,
            "Confirmed: Inbox to SUP, from now on.",
            "anna@contoso.com",
            "",
        ),
        entry(
            exact(-86_400 * 3 - 60),
            Tone::Quiet,
            "Signed in as support@contoso.com.",
            "anna@contoso.com",
            "",
        ),
    ];
    if !well {
        entries.insert(
            0,
            entry(
                exact(-3600 * 5),
                Tone::Bad,
                "Offline: Microsoft ended this sign-in because the password was reset.",
                "",
                "AADSTS50173",
            ),
        );
    }
    SourcePage {
        frame,
        health: if well { Health::Online } else { Health::Offline },
        since: ago(-3600 * 5),
        facts: vec![
            ("Waiting".into(), if well { "nothing".into() } else { "41 mails".into() }),
            ("Handled in all".into(), "12,904".into()),
        ],
        last_mail: Some(ago(-120)),
        last_success: Some(ago(-8)),
        faults: if well { Vec::new() } else { vec![password_reset(), jira_down()] },
        moving: well.then(|| MovingToGraph {
            progress: Some((3_500, 12_904)),
            text: "Is being moved to Graph: 3,500 of 12,904 ids. It is read over EWS until all of them are known.".into(),
            action: Some(post("Stay with EWS", "/sources/1/convert/cancel")),
        }),
        ping: well.then(|| ping(true)),
        timeline: Timeline { entries, empty: "Nothing yet." },
        charts: vec![
            Chart {
                caption: "Last 24 hours".into(),
                span: "Hour",
                bars: bars(24, &|n| format!("{n:02}:00")),
            },
            Chart {
                caption: "Last 30 days".into(),
                span: "Day",
                bars: bars(30, &|n| format!("{} March", n + 1)),
            },
        ],
        expires: vec![Expiry {
            what: "Client secret".into(),
            at: Some(ago(86_400 * 23)),
            text: "Without a new one every sign-in of this app registration ends then.".into(),
            action: Some(Action::go("Add a second one", "/settings")),
        }],
        settings: vec![
            Setting::new("Read as", "anna@contoso.com").at("/accounts/1"),
            Setting::new("Folder", "Inbox"),
            Setting::new("Connection type", "Graph"),
            Setting::new("Starts with", "mail that came after 13 March 2026 10:12"),
            Setting::new("Project", "SUP"),
            Setting::new("Handled mail", "is marked as read"),
        ],
        edit: Some(Action::go("Change", "/sources/1/settings")),
        dangers: vec![
            post("Pause", "/sources/1/pause"),
            post("Delete", "/sources/1/delete")
                .danger("1,204 messages stay on record; the mailbox is no longer read."),
        ],
    }
}

fn folders() -> Twigs {
    let branch = |value: &str, label: &str, note: &str| Branch {
        value: value.into(),
        label: label.into(),
        note: note.into(),
        ..Branch::default()
    };
    let inside = vec![
        branch("customers", "Kunden", "3 mails, 1 unread"),
        branch("long", "Rücksendungen, Reklamationen und alles andere, was zurückkommt", "1,204 mails"),
    ];
    let inbox = Branch {
        is_open: true,
        inside: Twigs { shown: inside, more: 41 },
        ..branch("inbox", "Posteingang", "Inbox · 12 mails, 3 unread")
    };
    let junk = Branch {
        hint: "What Exchange takes for junk lies here, and a source of the Inbox does not read it.".into(),
        ..branch("junk", "Junk-E-Mail", "Junk · 2 mails")
    };
    Twigs { shown: vec![inbox, branch("archive", "Archiv", "Archive · empty"), junk], more: 0 }
}

fn confirm(theme: Theme) -> ConfirmPage {
    let row = |received, from: &str, subject: &str, end, why: &str| DryRunRow {
        received,
        from: from.into(),
        subject: subject.into(),
        end,
        why: why.into(),
    };
    ConfirmPage {
        frame: frame(theme, Section::Sources, "What shall this source do?"),
        action: "/sources/1/confirm".into(),
        account: "support@contoso.com".into(),
        granted: Some(granted()),
        from: Fields::new(vec![
            Field::email("mailbox", "Mailbox")
                .value("support@contoso.com")
                .hint("A shared mailbox's address can stand here, where the account may open it."),
            Field::tree("folder", "Folder", folders())
                .value("customers")
                .hint("Folders inside it are not read with it: each is a source of its own."),
            Field::line("folder_path", "Or its path").optional().placeholder("Inbox/Invoices"),
        ]),
        start: Fields::new(vec![
            Field::radio("start", "Begin with", ConfirmPage::start_choices(Some(12))).value("now"),
            Field::date("since", "Since").optional(),
        ]),
        to: Fields::new(vec![
            Field::select(
                "project",
                "Project",
                vec![Choice::new("SUP", "SUP · Support"), Choice::new("OPS", "OPS · Operations")],
            ),
            Field::select(
                "issue_type",
                "Issue type",
                vec![Choice::new("1", "Task"), Choice::new("2", "Bug")],
            ),
        ]),
        after: Fields::new(vec![
            Field::radio("handled", "Handled mail", ConfirmPage::handled_choices()).value("read"),
            ConfirmPage::handled_target(),
        ]),
        dry_run: Some(DryRun::Rows(vec![
            row(
                ago(-300),
                "Bea Ruiz",
                "Printer on floor 3 is on fire",
                MailState::Issue,
                "no earlier mail known: new issue in SUP",
            ),
            row(
                ago(-4000),
                "Bea Ruiz",
                "AW: Printer on floor 3 is on fire",
                MailState::Comment,
                "answers a mail that is known",
            ),
            row(
                ago(-9000),
                "Mail Delivery System",
                &"Undeliverable: ".repeat(12),
                MailState::Ignored,
                "bounce: Content-Type: multipart/report; report-type=delivery-status",
            ),
        ])),
        junk: Some("2 mails lie in Junk.".into()),
        lying: Some(12),
        is_change: false,
    }
}

fn granted() -> GrantedView {
    GrantedView {
        username: "support@contoso.com".into(),
        display_name: "Contoso Support".into(),
        tenant: "contoso.com (9f8c2b1e-6f0a-4c57-9d3b-1f1c8a5e7d20)".into(),
        granted: vec!["read and change mail in this mailbox".into(), "stay signed in".into()],
        missing: vec!["mailboxes shared with this account".into()],
        lost: vec!["Shared mailboxes cannot be read; the account's own can.".into()],
        consent: "An administrator's consent covers it.",
        enterprise: Some(EnterpriseView {
            name: "Postroom".into(),
            client_id: "6babcaad-604b-40ac-a9d7-9fd97c0b779f".into(),
            object_id: "0d6b1a52-33c5-4c1e-8f0e-5a9d6f2b7c11".into(),
            tenant: "contoso.com".into(),
            by: "admin@contoso.com".into(),
            permissions: Action::leave("Its permissions in the portal", "https://portal.azure.com/"),
        }),
    }
}

fn signed_in(theme: Theme) -> SignedInPage {
    let mut frame = frame(theme, Section::Sources, "Signed in");
    frame.flash = None;
    SignedInPage {
        frame,
        granted: granted(),
        links: vec![Action::go("Let its owner sign in by a link", "/sign-in-links/new?account=1")],
        list: ("/sources", "Message Sources"),
        next: vec![Action::go("Choose what it shall do", "/sources/1/confirm").primary()],
    }
}

fn swapped(theme: Theme) -> SwapPage {
    SwapPage {
        frame: frame(theme, Section::Sources, "Another account signed in"),
        before: "support@contoso.com".into(),
        now: "anna@contoso.com".into(),
        uses: Uses { sources: 2, outbounds: 1 },
        list: "/sources",
        stay: post("Sign in as support@contoso.com", "/accounts/1/sign-in").primary(),
        replace: post("Let anna@contoso.com take over", "/accounts/1/replace"),
    }
}

fn jira(theme: Theme) -> JiraPage {
    let mut frame = frame(theme, Section::Jira, "Jira connections")
        .with(Action::go("Connect Jira", "/jira/new").with_icon(Icon::Plus))
        .live("jira");
    frame.flash = Some(Flash::done("contoso.atlassian.net is connected."));
    let site = |id: &str, name: &str, health, faulty: bool| SourceRow {
        id: id.into(),
        mailbox: name.into(),
        href: format!("/jira/{id}"),
        folder: if faulty { String::new() } else { "SUP, BILL".into() },
        connection_type: if faulty { "Data Center" } else { "Service account" },
        target: "Postroom Bot".into(),
        health,
        last_mail: None,
        beside: if faulty { "trying again in 8 s".into() } else { "answered 2 min ago".into() },
        said: if faulty {
            vec![Said {
                tone: Tone::Warn,
                since: Some(on(-120)),
                text: "Jira does not answer as it should.".into(),
                code: "HTTP 503".into(),
                action: None,
                ways: Vec::new(),
            }]
        } else {
            Vec::new()
        },
        ping: Some(post("Ping", "/jira/1/ping").icon_only(Icon::Ping).in_place()),
        validate: None,
        menu: Menu::more(
            format!("More for {name}"),
            vec![Action::go("Change or replace the secret", "/jira/1/edit")],
        ),
        result: (!faulty).then(|| PingView { close: "/jira".into(), at: exact(0), ..ping(true) }),
    };
    JiraPage {
        frame,
        rows: vec![
            site("1", "contoso.atlassian.net", Health::Online, false),
            site("2", "jira.subsidiary.contoso.com", Health::Degraded, true),
        ],
        empty: JiraPage::nothing(),
    }
}

fn jira_connection(theme: Theme) -> JiraConnectionPage {
    let project = |key: &str, name: &str, health, text: &str, sources| ProjectRow {
        key: key.into(),
        name: name.into(),
        health,
        text: text.into(),
        sources,
    };
    let writer = |name: &str, project: &str, is_read_twice| WriterRow {
        href: "/sources/1".into(),
        name: name.into(),
        project: project.into(),
        issue_type: "Task".into(),
        is_read_twice,
    };
    JiraConnectionPage {
        frame: frame(theme, Section::Jira, "contoso.atlassian.net"),
        health: Health::Degraded,
        since: ago(-120),
        faults: vec![jira_down()],
        last_success: Some(ago(-130)),
        next_try: Some("in 8 s".into()),
        waiting: 41,
        limits: vec![
            ("Rate limit".into(), "no pause".into()),
            ("Calls left".into(), "88 of 100, for “create issue”, 4 s ago".into()),
        ],
        ping: Some(PingView { close: String::new(), at: exact(0), ..ping(true) }),
        projects: vec![
            project("SUP", "Support", Health::Online, "", 1),
            project(
                "BILL",
                "Billing and everything around invoices",
                Health::Offline,
                "the issue type Task is gone",
                2,
            ),
        ],
        writers: vec![
            writer("support@contoso.com · Inbox", "SUP", true),
            writer("billing@contoso.com · Inbox", "BILL", false),
        ],
        timeline: Timeline {
            entries: vec![TimelineEntry {
                at: ago(-120),
                tone: Tone::Warn,
                text: "Looked at: Reachable: Jira does not answer as it should".into(),
                who: String::new(),
                detail: String::new(),
            }],
            empty: "Nothing has happened yet.",
        },
        expires: vec![Expiry {
            what: "API token".into(),
            at: Some(on(86_400 * 20)),
            text: "Make a new token before and put it in under Jira.".into(),
            action: Some(Action::go("Put a new one in", "/jira/1/edit")),
        }],
        settings: vec![
            Setting::new("Site", "https://contoso.atlassian.net"),
            Setting::new("Kind", "Jira Cloud, scoped API token"),
        ],
        edit: Some(Action::go("Change", "/jira/1/edit").with_icon(Icon::Settings)),
        dangers: vec![post("Pause", "/jira/1/pause").with_icon(Icon::Paused)],
        is_used: true,
    }
}

fn connect(theme: Theme) -> ConnectJiraPage {
    ConnectJiraPage {
        frame: frame(theme, Section::Jira, "Connect Jira"),
        action: "/jira/new".into(),
        kind: "cloud_token",
        kind_name: "Jira Cloud, API token",
        steps: vec![
            StepView {
                text: "Make a Jira user for Postroom, and give it the permissions below in each project that mail goes to.",
                link: None,
            },
            StepView {
                text: "As that user: Create API token, without scopes.",
                link: Some(Action::leave("API tokens", "https://id.atlassian.com/")),
            },
        ],
        scopes: Vec::new(),
        needed: vec!["Browse projects", "Create issues", "Add comments", "Create attachments"],
        useful: vec!["Modify reporter", "Manage watchers", "Transition issues", "Link issues"],
        other: "/jira/new?kind=choose".into(),
        cancel: "/jira".into(),
        fields: Fields::new(vec![
            Field::url("base_url", "Address of the site").placeholder("https://company.atlassian.net"),
            Field::line("username", "User").hint("The address that the token belongs to."),
            Field::secret("token", "API token").autocomplete("new-password"),
            Field::date("ends", "Ends on").optional(),
        ]),
        fault: None,
        ping: None,
        is_change: false,
    }
}
