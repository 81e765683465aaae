//! File names of attachments, made safe.

use crate::words;

/// Longest name in bytes. Jira and every file system take 255; the rest is room for a suffix.
const MAX_NAME: usize = 180;

/// A safe file name from what the sender wrote: no path, no control characters, no characters that a file system or a
/// header would trip over, no leading dot, never empty, at most 180 bytes with the extension kept.
///
/// `fallback` names what has no name, such as `part 3`; `content_type` gives it an extension.
pub(crate) fn safe(given: Option<&str>, fallback: &str, content_type: &str) -> String {
    let name = given.map(clean).unwrap_or_default();
    if !name.is_empty() {
        return shorten(&name);
    }
    let extension = extension_of(content_type);
    let name = clean(fallback);
    let name = if name.is_empty() { "attachment" } else { &name };
    if extension.is_empty() || name.to_ascii_lowercase().ends_with(&format!(".{extension}")) {
        return shorten(name);
    }
    shorten(&format!("{name}.{extension}"))
}

fn clean(given: &str) -> String {
    let line = words::unstructured(given);
    // A path of either system: only its last piece is a name.
    let last = line.rsplit(['/', '\\']).find(|piece| !piece.trim().is_empty()).unwrap_or_default();
    let safe: String = last
        .chars()
        .map(|c| {
            if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\u{FFFD}') || c.is_control() {
                '_'
            } else {
                c
            }
        })
        .filter(|c| !is_invisible(*c))
        .collect();
    safe.trim().trim_start_matches('.').trim_end_matches(['.', ' ']).trim().to_owned()
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}') || words::is_direction_override(c)
}

fn shorten(name: &str) -> String {
    if name.len() <= MAX_NAME {
        return name.to_owned();
    }
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= 20 => name.split_at(dot),
        _ => (name, ""),
    };
    let room = MAX_NAME - extension.len();
    let stem = stem[..stem.floor_char_boundary(room)].trim_end();
    format!("{stem}{extension}")
}

/// The usual extension of a media type; empty where there is none.
fn extension_of(content_type: &str) -> &'static str {
    match content_type {
        "text/plain"
        | "text/rfc822-headers"
        | "message/delivery-status"
        | "message/disposition-notification" => "txt",
        "text/html" => "html",
        "text/calendar" => "ics",
        "text/csv" => "csv",
        "text/vcard" | "text/x-vcard" | "text/directory" => "vcf",
        "text/xml" | "application/xml" => "xml",
        "message/rfc822" | "message/global" => "eml",
        "image/png" => "png",
        "image/jpeg" | "image/jpg" | "image/pjpeg" => "jpg",
        "image/gif" => "gif",
        "image/bmp" => "bmp",
        "image/tiff" => "tiff",
        "image/webp" => "webp",
        "image/svg+xml" => "svg",
        "image/heic" => "heic",
        "application/pdf" => "pdf",
        "application/zip" | "application/x-zip-compressed" => "zip",
        "application/json" => "json",
        "application/rtf" | "text/rtf" => "rtf",
        "application/msword" => "doc",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation" => "pptx",
        "application/ms-tnef" | "application/vnd.ms-tnef" => "dat",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "p7m",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => "p7s",
        "application/pgp-signature" => "asc",
        "application/pgp-encrypted" => "pgp",
        "audio/mpeg" => "mp3",
        "audio/wav" | "audio/x-wav" => "wav",
        "video/mp4" => "mp4",
        text if text.starts_with("text/") => "txt",
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(Some("report.pdf"), "report.pdf")]
    #[case(Some("../../etc/passwd"), "passwd")]
    #[case(Some("C:\\Users\\a\\doc.docx"), "doc.docx")]
    #[case(Some("a\u{0}b\r\nc.txt"), "a b c.txt")]
    #[case(Some("=?utf-8?Q?Gr=C3=BC=C3=9Fe.txt?="), "Grüße.txt")]
    #[case(Some(".htaccess"), "htaccess")]
    #[case(Some("invoice\u{202E}fdp.exe"), "invoicefdp.exe")]
    #[case(Some("a<b>:c?.txt"), "a_b__c_.txt")]
    #[case(Some("..."), "part 3.png")]
    #[case(Some("dir/"), "dir")]
    #[case(None, "part 3.png")]
    fn names_are_safe(#[case] given: Option<&str>, #[case] want: &str) {
        assert_eq!(safe(given, "part 3", "image/png"), want);
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = safe(Some(&format!("{}.docx", "ä".repeat(300))), "x", "text/plain");
        assert!(name.len() <= MAX_NAME && name.ends_with("ä.docx"), "{name}");
    }

    proptest! {
        #[test]
        fn any_name_is_safe(given in any::<String>()) {
            let name = safe(Some(&given), "part 1", "application/x-unknown");
            prop_assert!(!name.is_empty() && name.len() <= MAX_NAME);
            prop_assert!(!name.contains(['/', '\\', ':', '"']) && !name.starts_with('.'));
            prop_assert!(!name.chars().any(char::is_control));
        }
    }
}
