//! Bytes in a named character set to text. Never fails: what has no meaning becomes U+FFFD.

use mail_parser::decoders::charsets::map::charset_decoder;

/// Text from `bytes`, and whether every byte had a meaning.
///
/// Without a name, or with one that nobody knows, valid UTF-8 is taken as UTF-8 and anything else as Windows-1252.
pub(crate) fn decode(bytes: &[u8], charset: Option<&str>) -> (String, bool) {
    let name = charset.map(clean_name).unwrap_or_default();
    if name.is_empty() || name == "utf-8" || name == "utf8" || name == "us-ascii" || name == "ascii" {
        return decode_unnamed(bytes);
    }
    // Mail that names a Latin set and holds UTF-8 is common; the reverse reading of valid multi-byte UTF-8 is not.
    if let Some(encoding) = encoding_rs::Encoding::for_label(name.as_bytes())
        && encoding != encoding_rs::REPLACEMENT
    {
        let (text, _, bad) = encoding.decode(bytes);
        return (text.into_owned(), !bad);
    }
    // UTF-7, IBM 850 and spellings that the web does not know.
    if let Some(decoder) = charset_decoder(name.as_bytes()) {
        let text = decoder(bytes);
        let good = !text.contains('\u{FFFD}');
        return (text, good);
    }
    (decode_unnamed(bytes).0, bytes.is_ascii())
}

/// Text from bytes of which nobody says what they are.
pub(crate) fn decode_unnamed(bytes: &[u8]) -> (String, bool) {
    match std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)) {
        Ok(text) => (text.to_owned(), true),
        Err(error) => {
            let lossy = String::from_utf8_lossy(bytes);
            // Mostly UTF-8 with a few broken bytes stays UTF-8; else it is a Latin text without a label.
            if error.valid_up_to() > 0 && multi_byte_share(bytes) {
                (lossy.into_owned(), false)
            } else {
                (encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(), true)
            }
        }
    }
}

/// Whether most of the non-ASCII characters are well-formed UTF-8 sequences.
fn multi_byte_share(bytes: &[u8]) -> bool {
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += chunk.invalid().len();
    }
    good > bad
}

fn clean_name(name: &str) -> String {
    let name =
        name.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';')).to_ascii_lowercase();
    // Exchange and old mailers write `charset=unicode-1-1-utf-8`, `x-user-defined`, `iso-8859-8-i` and the like;
    // encoding_rs knows most of them as labels. What it does not know is mapped here.
    match name.as_str() {
        "unicode-1-1-utf-8" | "x-unicode20utf8" => "utf-8".into(),
        "cp-850" | "cp850" | "850" | "ibm850" => "ibm850".into(),
        "cp1250" => "windows-1250".into(),
        "cp936" | "cp-936" | "ms936" => "gbk".into(),
        "cp949" | "ks_c_5601-1987" | "ms949" => "euc-kr".into(),
        "cp932" | "ms932" => "shift_jis".into(),
        "unknown-8bit" | "x-unknown" | "default" | "_autodetect" | "8bit" | "binary" => String::new(),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(b"Gr\xfc\xdfe", Some("ISO-8859-1"), "Grüße")]
    #[case("Grüße".as_bytes(), Some("utf-8"), "Grüße")]
    #[case(b"\x80 5", Some("iso-8859-1"), "€ 5")]
    #[case(b"\xcf\xf0\xe8\xe2\xe5\xf2", Some("windows-1251"), "Привет")]
    #[case(b"\x1b$B%O%m!<\x1b(B", Some("ISO-2022-JP"), "ハロー")]
    #[case(b"\xc4\xe3\xba\xc3", Some("gb2312"), "你好")]
    #[case(b"+ZeVnLIqe-", Some("utf-7"), "日本語")]
    #[case(b"\x9b\x9c\x9d", Some("cp850"), "ø£Ø")]
    #[case(b"Gr\xfc\xdfe", None, "Grüße")]
    #[case("Grüße".as_bytes(), None, "Grüße")]
    #[case("Grüße".as_bytes(), Some("no-such-set"), "Grüße")]
    #[case(b"Gr\xfc\xdfe", Some("us-ascii"), "Grüße")]
    fn text_is_read_in_its_character_set(
        #[case] bytes: &[u8],
        #[case] charset: Option<&str>,
        #[case] want: &str,
    ) {
        assert_eq!(decode(bytes, charset).0, want);
    }

    #[test]
    fn an_unknown_set_is_told() {
        assert!(!decode(b"\xfc", Some("no-such-set")).1);
        assert!(decode(b"plain", Some("no-such-set")).1);
    }
}
