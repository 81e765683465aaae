//! What mail programs write into a page around what they quote, sign and add: the names and styles by which each is known.

use crate::html::tree::{Id, Tree};

/// What an element is, by its name, its attributes or its style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A sentence that announces a quote, and below it the quote in a `blockquote`.
    Wrapper,
    /// A `blockquote` that quotes; answers may stand between two of them.
    Cite,
    /// A `blockquote` with a bar at its side: a quote, or an indented text of the person's own.
    Bar,
    /// A `blockquote` that nothing tells.
    Indent,
    /// Quoted from its beginning to its end.
    Quoted,
    /// As `Quoted`, if it begins with a header block.
    Container,
    /// Quoted from here to the end of the page.
    Boundary,
    /// As `Boundary`, if it holds lines like those of a header.
    HeaderBox,
    /// A sentence that announces a quote.
    Intro,
    /// A forwarded mail.
    Forwarded,
    /// A signature.
    Signature,
    /// A signature begins here.
    SignatureStart,
    /// Something that a program adds.
    Footer,
}

/// A mark, and the rule by which it is known, in words of the trace.
pub(super) type Known = (Mark, &'static str);

/// Whether an address is that of Exchange's tip about a first contact, which is written into the body.
pub(super) fn is_sender_tip(href: &str) -> bool {
    href.len() < 300 && href.to_ascii_lowercase().contains("aka.ms/learnaboutsenderidentification")
}

/// What is known of an element.
pub(super) fn known(tree: &Tree, id: Id, name: &str) -> Option<Known> {
    let mut found: Option<Known> = None;
    let mut style = None;
    let mut cites = false;
    for attribute in tree.attributes(id) {
        let value = &*attribute.value;
        let by_attribute = match &*attribute.name.local {
            "id" => by_id(name, value.trim()),
            "class" => value.split_ascii_whitespace().take(20).find_map(|class| by_class(name, class)),
            "name" => by_name(value.trim()),
            "data-marker" => by_marker(value.trim()),
            "data-signatureblock" => Some((Mark::Signature, "Windows Mail: data-signatureblock")),
            "data-smartmail" => by_class(name, value.trim()),
            "data-o-mail-quote" => Some((Mark::Quoted, "Odoo: data-o-mail-quote")),
            "itemtype" if value.ends_with("/QuotedText") => Some((Mark::Cite, "Outlook: QuotedText")),
            "type" => {
                cites |= value.trim().eq_ignore_ascii_case("cite");
                None
            }
            "cite" => {
                cites |= !value.trim().is_empty();
                None
            }
            "style" => {
                style = Some(value);
                None
            }
            _ => None,
        };
        found = found.or(by_attribute);
    }
    if found.is_some() {
        return found;
    }
    match name {
        "blockquote" if cites => Some((Mark::Cite, "blockquote type=cite")),
        "blockquote" if style.is_some_and(has_bar) => Some((Mark::Bar, "blockquote with a bar")),
        "blockquote" => Some((Mark::Indent, "blockquote behind an announcement")),
        "signature" => Some((Mark::Signature, "signature element")),
        "div" | "td" | "p" if style.is_some_and(has_line_above) => {
            Some((Mark::HeaderBox, "Outlook: line above a header block"))
        }
        _ => None,
    }
}

/// A name without what web mailers put before it when they show a mail in a page of their own, and quote that page:
/// `x_`, `m_-123`, `ecx`, `yiv123`, `gmail-`.
fn bare(mut name: &str) -> &str {
    loop {
        let digits = |rest: &str| rest.bytes().take_while(u8::is_ascii_digit).count();
        let rest = if let Some(rest) = name.strip_prefix("x_").or_else(|| name.strip_prefix("gmail-")) {
            rest
        } else if let Some(rest) = name.strip_prefix("m_") {
            let rest = rest.strip_prefix('-').unwrap_or(rest);
            let count = digits(rest);
            if count < 6 {
                return name;
            }
            &rest[count..]
        } else if let Some(rest) = name.strip_prefix("yiv") {
            let count = digits(rest);
            if count < 6 {
                return name;
            }
            &rest[count..]
        } else if let Some(rest) = name.strip_prefix("ecx") {
            rest
        } else {
            return name;
        };
        name = rest;
    }
}

fn by_id(element: &str, id: &str) -> Option<Known> {
    if id.len() > 120 {
        return None;
    }
    Some(match bare(id) {
        "divRplyFwdMsg" => (Mark::Boundary, "Outlook: #divRplyFwdMsg"),
        "mail-editor-reference-message-container" => {
            (Mark::Container, "Outlook: #mail-editor-reference-message-container")
        }
        "OLK_SRC_BODY_SECTION" => (Mark::Quoted, "Outlook for Mac: #OLK_SRC_BODY_SECTION"),
        "stopSpelling" if element == "hr" => (Mark::Boundary, "Hotmail: hr#stopSpelling"),
        "zwchr" if element == "hr" => (Mark::Boundary, "Zimbra: hr#zwchr"),
        "replySplit" if element == "hr" => (Mark::Boundary, "hr#replySplit"),
        "isReplyContent" => (Mark::Cite, "NetEase: #isReplyContent"),
        "isForwardContent" => (Mark::Forwarded, "NetEase: #isForwardContent"),
        "origbody" => (Mark::Quoted, "Sina: #origbody"),
        "mailcontent" if element == "div" => (Mark::Quoted, "#mailcontent"),
        "reply139content" => (Mark::Quoted, "139: #reply139content"),
        "oriMsgHtmlSeperator" => (Mark::Quoted, "#oriMsgHtmlSeperator"),
        "reply-intro" => (Mark::Intro, "Roundcube: #reply-intro"),
        "Signature" | "signature" => (Mark::Signature, "Outlook: #Signature"),
        "ms-outlook-mobile-signature" => (Mark::Signature, "Outlook mobile: #ms-outlook-mobile-signature"),
        "protonmail_signature_block" => (Mark::Signature, "Proton: protonmail_signature_block"),
        "composer_signature" => (Mark::Signature, "Samsung: #composer_signature"),
        "Zm-_Id_-Sgn" => (Mark::Signature, "Zoho: signature"),
        "Zm-_Id_-Sgn1" => (Mark::Intro, "Zoho: announcement"),
        "lineBreakAtBeginningOfSignature" => (Mark::SignatureStart, "Apple Mail: signature"),
        "DAB4FAD8-2DD7-40BB-A1B8-4E2AA1F9FDF2" => (Mark::Footer, "virus scanner's footer"),
        bare if bare.starts_with("bloop_sign") => (Mark::Signature, "Airmail: signature"),
        bare if bare.starts_with("cm_replymail") => (Mark::Quoted, "Newton: cm_replymail"),
        "cm_signature" => (Mark::Signature, "Newton: cm_signature"),
        "cm_footer" => (Mark::Footer, "Newton: cm_footer"),
        bare if bare.contains("yahoo_quoted") => (Mark::Quoted, "Yahoo: yahoo_quoted"),
        _ => return None,
    })
}

fn by_class(element: &str, class: &str) -> Option<Known> {
    if class.len() > 120 {
        return None;
    }
    let cite_or_wrapper = if element == "blockquote" { Mark::Cite } else { Mark::Wrapper };
    Some(match bare(class) {
        "gmail_quote" | "gmail_quote_container" => (cite_or_wrapper, "Gmail: gmail_quote"),
        "gmail_attr" => (Mark::Intro, "Gmail: gmail_attr"),
        "gmail_signature" | "gmail_signature_prefix" => (Mark::Signature, "Gmail: gmail_signature"),
        "moz-cite-prefix" => (Mark::Intro, "Thunderbird: moz-cite-prefix"),
        "moz-forward-container" => (Mark::Forwarded, "Thunderbird: moz-forward-container"),
        "moz-signature" => (Mark::Signature, "Thunderbird: moz-signature"),
        "protonmail_quote" => (cite_or_wrapper, "Proton: protonmail_quote"),
        "protonmail_signature_block" => (Mark::Signature, "Proton: protonmail_signature_block"),
        "tutanota_quote" => (cite_or_wrapper, "Tuta: tutanota_quote"),
        "zmail_extra" => (Mark::Wrapper, "Zoho: zmail_extra"),
        "skiff_quote" => (cite_or_wrapper, "Skiff: skiff_quote"),
        "iosymail" => (Mark::Cite, "Yahoo: iosymail"),
        "spark_quote" => (cite_or_wrapper, "Spark: spark_quote"),
        "ik_mail_quote" => (Mark::Wrapper, "Infomaniak: ik_mail_quote"),
        "forwardContentMessage" => (Mark::Forwarded, "Infomaniak: forwardContentMessage"),
        "editorUserSignature" => (Mark::Signature, "Infomaniak: editorUserSignature"),
        "mailspring-quote" => (cite_or_wrapper, "Mailspring: mailspring-quote"),
        "front-blockquote" => (Mark::Cite, "Front: front-blockquote"),
        "front-signature" => (Mark::Signature, "Front: front-signature"),
        "missive_quote" => (cite_or_wrapper, "Missive: missive_quote"),
        "missive_signature" => (Mark::Signature, "Missive: missive_signature"),
        "cm_quote" => (Mark::Quoted, "Newton: cm_quote"),
        "cm_signature" => (Mark::Signature, "Newton: cm_signature"),
        "sh-signature" => (Mark::Signature, "Superhuman: sh-signature"),
        "ms-outlook-mobile-reference-message" => {
            (Mark::Container, "Outlook mobile: ms-outlook-mobile-reference-message")
        }
        "ms-outlook-mobile-signature" | "acompli_signature" => {
            (Mark::Signature, "Outlook mobile: ms-outlook-mobile-signature")
        }
        "OutlookMessageHeader" => (Mark::Boundary, "Outlook: OutlookMessageHeader"),
        bare if bare.contains("yahoo_quoted") => (Mark::Quoted, "Yahoo: yahoo_quoted"),
        _ => return None,
    })
}

fn by_name(name: &str) -> Option<Known> {
    Some(match bare(name) {
        "quote" => (Mark::Quoted, "GMX: name=quote"),
        "messageReplySection" => (Mark::Wrapper, "Spark: messageReplySection"),
        "messageSignatureSection" => (Mark::Signature, "Spark: messageSignatureSection"),
        "divRplyFwdMsg" => (Mark::Boundary, "Outlook: #divRplyFwdMsg"),
        "_MailOriginal" => (Mark::HeaderBox, "Outlook: _MailOriginal"),
        "_MailAutoSig" => (Mark::SignatureStart, "Outlook: _MailAutoSig"),
        _ => return None,
    })
}

fn by_marker(marker: &str) -> Option<Known> {
    Some(match marker {
        "__QUOTED_TEXT__" | "__HEADERS__" => (Mark::Quoted, "Zimbra: data-marker"),
        "__DIVIDER__" => (Mark::Boundary, "Zimbra: hr#zwchr"),
        "__SIG_POST__" | "__SIG_PRE__" => (Mark::Signature, "Zimbra: signature"),
        _ => return None,
    })
}

/// A bar at the side where lines begin.
fn has_bar(style: &str) -> bool {
    let style = style[..style.floor_char_boundary(2_000)].to_ascii_lowercase();
    let sided =
        ["border-left", "border-inline-start", "border-right"].iter().any(|side| style.contains(side));
    sided
        && ["solid", "double", "px", "pt", "thin", "medium"].iter().any(|width| style.contains(width))
        && !style.contains("border-left:none")
}

/// The line that Outlook draws over the mail that is answered, in its colours.
fn has_line_above(style: &str) -> bool {
    const COLOURS: [&str; 5] =
        ["#e1e1e1", "#b5c4df", "rgb(225,225,225)", "rgb(181,196,223)", "rgb(229,229,229)"];
    let draws = ["order-top", "ORDER-TOP", "order-style", "ORDER-STYLE", "order-block", "Order"];
    if style.len() > 2_000 || !draws.iter().any(|words| style.contains(words)) {
        return false;
    }
    let style: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    style.contains("solid")
        && COLOURS.iter().any(|colour| style.contains(colour))
        && !style.contains("border:solid")
        && !style.contains("border-left:solid")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn first(html: &str) -> Option<Mark> {
        let tree = Tree::parse(html);
        let known = tree.descendants(crate::html::tree::ROOT).find_map(|id| {
            let name = tree.name(id);
            (!matches!(name, "" | "html" | "head" | "body")).then(|| known(&tree, id, name)).flatten()
        });
        known.map(|(mark, _)| mark)
    }

    /// Promise: an element is known by what its program calls it, also where another program put a prefix before it.
    #[rstest]
    #[case("<div class='gmail_quote gmail_quote_container'>x</div>", Mark::Wrapper)]
    #[case("<blockquote class=gmail_quote>x</blockquote>", Mark::Cite)]
    #[case("<blockquote class=x_gmail_quote>x</blockquote>", Mark::Cite)]
    #[case("<div class=m_-8123456789012345678gmail_quote>x</div>", Mark::Wrapper)]
    #[case("<div id=m_2465269450974321714divRplyFwdMsg>x</div>", Mark::Boundary)]
    #[case("<div id=x_x_divRplyFwdMsg>x</div>", Mark::Boundary)]
    #[case("<div class=ydp12ab34cdyahoo_quoted>x</div>", Mark::Quoted)]
    #[case("<div class=yiv1234567890gmail_quote>x</div>", Mark::Wrapper)]
    #[case("<div class=ecxgmail_quote>x</div>", Mark::Wrapper)]
    #[case("<blockquote cite='mid:1@example.com'>x</blockquote>", Mark::Cite)]
    #[case("<blockquote type=CITE>x</blockquote>", Mark::Cite)]
    #[case("<blockquote style='BORDER-LEFT: #000 2px solid'>x</blockquote>", Mark::Bar)]
    #[case("<blockquote style='margin-left: 40px; border: none'>x</blockquote>", Mark::Indent)]
    #[case(
        "<div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'>x</div>",
        Mark::HeaderBox
    )]
    #[case(
        "<div style='border-width: 1pt medium medium; border-style: solid none none; border-color: rgb(225, 225, 225) currentcolor currentcolor'>x</div>",
        Mark::HeaderBox
    )]
    #[case("<div style='border-top: 1px solid rgb(181, 196, 223)'>x</div>", Mark::HeaderBox)]
    #[case("<a name=_MailOriginal>x</a>", Mark::HeaderBox)]
    #[case("<div name=quote>x</div>", Mark::Quoted)]
    #[case("<div data-marker=__QUOTED_TEXT__>x</div>", Mark::Quoted)]
    #[case("<hr id=zwchr>", Mark::Boundary)]
    fn programs_are_known(#[case] html: &str, #[case] want: Mark) {
        assert_eq!(first(html), Some(want));
    }

    /// Promise: what only resembles a name of a program is nobody's.
    #[rstest]
    #[case("<div class='quote gmail'>x</div>")]
    #[case("<div id=stopSpelling>x</div>")]
    #[case("<table id=mailcontent><tr><td>x</table>")]
    #[case("<div style='border:solid red 1pt'>x</div>")]
    #[case("<div style='border-top:solid #cccccc 1px'>x</div>")]
    #[case("<div class=m_12gmail_quote>x</div>")]
    fn strangers_are_not(#[case] html: &str) {
        assert_eq!(first(html), None);
    }
}
