//! The size of an image in pixels, read from its first bytes: Jira shows inline media only with width and height.

/// Width and height of a PNG, GIF or JPEG; `None` for anything else, or where the header is broken.
pub fn of(content: &[u8]) -> Option<(u32, u32)> {
    png(content)
        .or_else(|| gif(content))
        .or_else(|| jpeg(content))
        .filter(|(width, height)| *width > 0 && *height > 0)
}

fn be(bytes: &[u8], at: usize, len: usize) -> Option<u32> {
    bytes.get(at..at + len).map(|bytes| bytes.iter().fold(0, |value, byte| (value << 8) | u32::from(*byte)))
}

fn png(content: &[u8]) -> Option<(u32, u32)> {
    content.starts_with(b"\x89PNG\r\n\x1a\n").then_some(())?;
    Some((be(content, 16, 4)?, be(content, 20, 4)?))
}

fn gif(content: &[u8]) -> Option<(u32, u32)> {
    (content.starts_with(b"GIF87a") || content.starts_with(b"GIF89a")).then_some(())?;
    let le = |at: usize| Some(u32::from(*content.get(at)?) | (u32::from(*content.get(at + 1)?) << 8));
    Some((le(6)?, le(8)?))
}

fn jpeg(content: &[u8]) -> Option<(u32, u32)> {
    content.starts_with(b"\xff\xd8").then_some(())?;
    let mut at = 2;
    // Each marker moves on by at least two bytes, so this ends.
    while let Some(&0xff) = content.get(at) {
        let marker = *content.get(at + 1)?;
        let frame = matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
        if frame {
            return Some((be(content, at + 7, 2)?, be(content, at + 5, 2)?));
        }
        at += 2 + usize::try_from(be(content, at + 2, 2)?.max(2)).ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::of;
    use proptest::prelude::*;

    #[test]
    fn reads_the_usual_formats() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend([0, 0, 1, 44, 0, 0, 0, 150]);
        assert_eq!(of(&png), Some((300, 150)));
        assert_eq!(of(b"GIF89a\x10\x00\x20\x00"), Some((16, 32)));
        let jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x00\x40\x00\x80\x03";
        assert_eq!(of(jpeg), Some((128, 64)));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), head in 0usize..3) {
            let head: &[u8] = [b"\xff\xd8".as_slice(), b"\x89PNG\r\n\x1a\n", b"GIF89a"][head];
            let mut content = head.to_vec();
            content.extend(bytes);
            let _ = of(&content);
        }
    }
}
