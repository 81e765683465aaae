//! Every real mail at hand is read, and what comes out keeps its promises.

use std::fs;
use std::path::{Path, PathBuf};

use mail::{Body, Mail, Parts, Rich, differences, from_parts, parse};

/// The shared data, beside the workspace unless `POSTROOM_SHARED` says otherwise.
fn shared(below: &str) -> Option<PathBuf> {
    let root = std::env::var_os("POSTROOM_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = root.join(below);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: {below} (shared data not present)");
    None
}

fn files(below: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(below).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

fn keeps_promises(mail: &Mail, bytes: usize) -> Result<(), String> {
    mail.rich().check()?;
    if let Some(text) = &mail.text {
        Rich::from_text(text).check()?;
    }
    for attachment in &mail.attachments {
        if attachment.name.is_empty() || attachment.name.contains(['/', '\\']) || attachment.name.len() > 180
        {
            return Err(format!("attachment name {:?}", attachment.name));
        }
        if attachment.size != attachment.content.len() as u64 || attachment.sha256.len() != 64 {
            return Err(format!("attachment {} does not add up", attachment.name));
        }
    }
    for header in &mail.headers {
        if header.name.is_empty() || header.value.chars().any(char::is_control) {
            return Err(format!("header {header:?}"));
        }
    }
    let total: usize = mail.attachments.iter().map(|a| a.content.len()).sum();
    if total > bytes * 2 + 1_024 {
        return Err(format!("{bytes} bytes became {total} bytes of attachments"));
    }
    let json = serde_json::to_string(mail).map_err(|e| e.to_string())?;
    let mut back: Mail = serde_json::from_str(&json).map_err(|e| e.to_string())?;
    for (read, own) in back.attachments.iter_mut().zip(&mail.attachments) {
        read.content = own.content.clone();
    }
    if back != *mail {
        return Err("it does not come back from JSON as it was".into());
    }
    Ok(())
}

/// The mail as a mailbox API would tell it in fields.
fn told(mail: &Mail) -> Parts {
    Parts {
        headers: mail.headers.iter().map(|h| (h.name.clone(), h.value.clone())).collect(),
        subject: Some(mail.subject.clone()),
        from: mail.from.clone(),
        // Exchange repeats the author as the sender.
        sender: mail.sender.clone().or_else(|| mail.from.clone()),
        to: mail.to.clone(),
        cc: mail.cc.clone(),
        bcc: mail.bcc.clone(),
        reply_to: mail.reply_to.clone(),
        message_id: mail.message_id.as_ref().map(|id| format!("<{id}>")),
        body: match (&mail.html, &mail.text) {
            (Some(html), _) => Body::Html(html.clone()),
            (None, Some(text)) => Body::Text(text.clone()),
            (None, None) => Body::None,
        },
        ..Parts::default()
    }
}

#[test]
fn every_mail_of_the_corpora_is_read() {
    let Some(root) = shared("corpora") else { return };
    let mut all = Vec::new();
    files(&root.join("mail"), &mut all);
    files(&root.join("replies"), &mut all);
    let mut failures = Vec::new();
    let mut read = 0;
    for path in &all {
        let bytes = fs::read(path).expect("a readable file");
        match parse(&bytes) {
            Ok(mail) => {
                read += 1;
                if let Err(error) = keeps_promises(&mail, bytes.len()) {
                    failures.push(format!("{}: {error}", path.display()));
                }
            }
            Err(mail::Unreadable::Empty) => assert!(bytes.trim_ascii().is_empty(), "{}", path.display()),
            Err(reason) => failures.push(format!("{}: {reason}", path.display())),
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), all.len(), failures.join("\n"));
    assert!(read > 400, "only {read} of {} were read", all.len());
}

#[test]
fn mail_told_in_fields_is_the_same_mail() {
    let Some(root) = shared("corpora/mail") else { return };
    let mut all = Vec::new();
    files(&root, &mut all);
    let mut failures = Vec::new();
    for path in all.iter().filter(|path| path.extension().is_some_and(|e| e == "eml")) {
        let Ok(mail) = parse(&fs::read(path).expect("a readable file")) else { continue };
        // A flowed text within a multipart is an odd structure, which is always fetched in bytes.
        let whole =
            mail.header("Content-Type").is_none_or(|kind| !kind.to_lowercase().starts_with("multipart"));
        if mail.html.is_none() && mail.text_format != mail::TextFormat::Fixed && !whole {
            continue;
        }
        let found = differences(&mail, &from_parts(told(&mail)));
        for difference in found {
            failures.push(format!(
                "{}: {} {:?} / {:?}",
                path.display(),
                difference.field,
                difference.one,
                difference.other
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_page_of_the_corpora_becomes_a_document() {
    let Some(root) = shared("corpora/replies") else { return };
    let mut all = Vec::new();
    files(&root, &mut all);
    let pages = all.iter().filter(|path| path.extension().is_some_and(|e| e == "html"));
    let mut seen = 0;
    for path in pages {
        let html = String::from_utf8_lossy(&fs::read(path).expect("a readable file")).into_owned();
        let rich = Rich::from_html(&html);
        rich.check().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(!rich.is_empty(), "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 9);
}

/// Promise: what a person wrote is told from what was quoted as people would, in nineteen of twenty real replies.
#[test]
fn replies_are_cut_as_people_would() {
    let Some(root) = shared("corpora/replies/email_reply_trimmer/test") else { return };
    let mut names: Vec<_> =
        std::fs::read_dir(root.join("emails")).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut wrong = Vec::new();
    for name in &names {
        let mail = std::fs::read_to_string(root.join("emails").join(name)).unwrap();
        let wanted = std::fs::read_to_string(root.join("trimmed").join(name)).unwrap();
        let kept = mail::Reply::of_text(&mail).kept;
        if plain(&kept) != plain(&wanted) {
            wrong.push(format!("{}: {kept:?}", name.to_string_lossy()));
        }
    }
    assert!(!names.is_empty());
    eprintln!("{} of {} replies are cut as people would", names.len() - wrong.len(), names.len());
    assert!(wrong.len() * 20 <= names.len(), "{} of {}:\n{}", wrong.len(), names.len(), wrong.join("\n"));
}

/// Promise: in every HTML reply of real clients the quote is found, and nothing of what the person wrote goes with it.
#[test]
fn the_quote_is_found_in_every_page() {
    let Some(root) = shared("corpora/replies/talon/tests/fixtures") else { return };
    let cutting = mail::Cutting::default();
    let mut all = Vec::new();
    files(&root, &mut all);
    let mut seen = 0;
    for path in &all {
        let bytes = fs::read(path).expect("a readable file");
        let html = match path.extension().and_then(|kind| kind.to_str()) {
            Some("html") => String::from_utf8_lossy(&bytes).into_owned(),
            Some("eml") => match parse(&bytes).expect("a mail").html {
                Some(html) => html,
                None => continue,
            },
            _ => continue,
        };
        let reply = mail::Reply::of_html(&html, mail::Occasion::Unknown, &cutting);
        let name = path.display();
        let quote = reply.cut.iter().find(|piece| piece.kind == mail::CutKind::Quote);
        let quote = quote.unwrap_or_else(|| panic!("{name}: no quote found: {}", reply.kept));
        assert!(!quote.text.is_empty() && quote.html.is_some(), "{name}");
        assert!(reply.stays.is_none(), "{name}: {:?}", reply.stays);
        let own = ["Hi. I am fine.", "Hello", "Hi", "Reply", "Allo! Follow up MIME!"];
        assert!(own.iter().any(|own| reply.kept.starts_with(own)), "{name}: {}", reply.kept);
        for quoted in ["Hello! How are you?", "Sasha", "wrote:", "Sent:", "Subject"] {
            assert!(!reply.kept.contains(quoted), "{name}: {}", reply.kept);
        }
        seen += 1;
    }
    assert!(seen >= 16, "{seen}");
}
