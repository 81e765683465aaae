//! Forwarded mails.

use rstest::rstest;

use super::super::{Cutting, Occasion, Reply, Stays};

const GMAIL: &str = r#"<div>Please take care of it.</div><div class="gmail_signature">Anna Berg</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">---------- Forwarded message ---------<br>From: <strong class="gmail_sendername" dir="auto">Ben Holm</strong> <span dir="auto">&lt;ben@example.com&gt;</span><br>Date: Tue, Mar 3, 2026 at 10:15 AM<br>Subject: Printer<br>To: Anna<br></div><br><br><div>It burns.</div><blockquote class="gmail_quote">older</blockquote></div>"#;
const APPLE: &str = r#"<body>Please take care of it.<div><br><blockquote type="cite"><div>Begin forwarded message:</div><br class="Apple-interchange-newline"><div><b>From: </b>Ben Holm &lt;ben@example.com&gt;</div><div><b>Subject: </b>Printer</div><div><b>Date: </b>3 March 2026 at 10:15</div><br><div>It burns.</div></blockquote></div></body>"#;
const THUNDERBIRD: &str = r#"<body><p>Please take care of it.</p><div class="moz-forward-container"><br>-------- Forwarded Message --------<table class="moz-email-headers-table"><tbody><tr><th>Subject: </th><td>Printer</td></tr><tr><th>Date: </th><td>Tue, 3 Mar 2026 10:15:00 +0100</td></tr><tr><th>From: </th><td>Ben Holm &lt;ben@example.com&gt;</td></tr></tbody></table><br><div>It burns.</div></div></body>"#;
const OUTLOOK: &str = r#"<div>Please take care of it.</div><div id="appendonsend"></div><hr tabindex="-1"><div id="divRplyFwdMsg"><b>From:</b> Ben Holm &lt;ben@example.com&gt;<br><b>Sent:</b> Tuesday, March 3, 2026 10:15 AM<br><b>To:</b> Anna<br><b>Subject:</b> Printer</div><div>It burns.</div>"#;
const OUTLOOK_DESKTOP: &str = "<div class=WordSection1><p class=MsoNormal>Please take care of it.</p><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b>Von:</b> Ben Holm &lt;ben@example.com&gt; <br><b>Gesendet:</b> Dienstag, 3. März 2026 10:15<br><b>An:</b> Anna<br><b>Betreff:</b> Drucker</p></div><p class=MsoNormal>It burns.</p></div>";

/// Promise: a forwarded mail is readable with its header, whichever program forwarded it and though the person added words.
#[rstest]
#[case::gmail(GMAIL)]
#[case::apple(APPLE)]
#[case::thunderbird(THUNDERBIRD)]
#[case::outlook(OUTLOOK)]
#[case::outlook_desktop(OUTLOOK_DESKTOP)]
fn a_forward_is_kept_with_its_header(#[case] html: &str) {
    let reply = Reply::of_html(html, Occasion::of_subject("Fwd: Printer"), &Cutting::default());
    for part in ["Please take care of it.", "Ben Holm", "10:15", "It burns."] {
        assert!(reply.kept.contains(part), "{part}: {reply:#?}");
    }
    assert_eq!(reply.stays, Some(Stays::Forward));
    assert!(!reply.kept.contains("Anna Berg"), "the forwarder's own signature goes");
}

/// Promise: where a program says so, a forward is one also without a prefix in its subject; what it calls an original message is
/// not.
#[rstest]
#[case::gmail(GMAIL, true)]
#[case::apple(APPLE, true)]
#[case::thunderbird(THUNDERBIRD, true)]
#[case::outlook(OUTLOOK, false)]
fn a_forward_needs_no_prefix(#[case] html: &str, #[case] kept: bool) {
    let reply = Reply::of_html(html, Occasion::of_subject("Printer"), &Cutting::default());
    assert_eq!(reply.kept.contains("It burns."), kept, "{reply:#?}");
}

/// Promise: where a forward was answered, it is what is quoted.
#[rstest]
#[case(GMAIL)]
#[case(OUTLOOK)]
fn an_answered_forward_is_a_quote(#[case] html: &str) {
    let reply = Reply::of_html(html, Occasion::of_subject("Re: Fwd: Printer"), &Cutting::default());
    assert_eq!(reply.kept, "Please take care of it.");
}

/// Promise: a forward without a word of one's own is kept whole, header and all.
#[test]
fn a_forward_alone_is_kept() {
    let html = OUTLOOK.replace("Please take care of it.", "");
    for subject in ["FW: Printer", "Printer"] {
        let reply = Reply::of_html(&html, Occasion::of_subject(subject), &Cutting::default());
        assert!(reply.kept.contains("From: Ben Holm") && reply.kept.contains("It burns."), "{reply:#?}");
        assert!(reply.cut.is_empty());
    }
}

/// Promise: a forward in plain text is kept with its header, too.
#[test]
fn a_plain_forward_is_kept() {
    let text = "Please take care of it.\n\n-- \nAnna Berg\n\n---------- Forwarded message ---------\nFrom: Ben <ben@example.com>\nDate: Tue, 3 Mar 2026\nSubject: Printer\nTo: Anna\n\nIt burns.\n\n> older\n";
    let of = |subject| {
        Reply::of_text_in(text, crate::TextFormat::Fixed, Occasion::of_subject(subject), &Cutting::default())
    };
    let reply = of("Fwd: Printer");
    assert!(reply.kept.contains("From: Ben") && reply.kept.contains("> older"), "{reply:#?}");
    assert!(!reply.kept.contains("Anna Berg"));
    assert_eq!(of("Re: Printer").kept, "Please take care of it.");
}

/// Promise: what only resembles a quote stays in a mail that answers nothing: the form of a web site, the output of a program.
#[rstest]
#[case("A new request:\n\nFrom: Anna <anna@example.com>\nSubject: Printer\nDate: 3 March 2026\n\nIt burns.")]
#[case("The build fails:\n\n> npm run build\n> tsc\n")]
fn forms_and_output_stay_in_new_mail(#[case] text: &str) {
    let reply = Reply::of_text_in(
        text,
        crate::TextFormat::Fixed,
        Occasion::of_subject("Printer"),
        &Cutting::default(),
    );
    assert_eq!(reply.kept, text.trim_end());
}

/// Promise: an answer whose subject lost its prefix is still one where a mail's whole header stands above the quote.
#[test]
fn an_answer_needs_no_prefix() {
    let html = "<p>Done.</p><p><b>From:</b> Ben &lt;ben@example.com&gt;<br><b>Sent:</b> Monday<br><b>To:</b> Anna<br><b>Subject:</b> Printer</p><p>It burns.</p>";
    let reply = Reply::of_html(html, Occasion::of_subject("Printer"), &Cutting::default());
    assert_eq!(reply.kept, "Done.");
}
