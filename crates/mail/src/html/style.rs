//! What matters of an element's inline style.

/// A text colour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Color {
    /// The reader's own.
    Default,
    /// `#rrggbb`.
    Rgb(String),
}

/// The parts of a `style` attribute that show in [`crate::Rich`], and those that decide whether anything shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) hidden: bool,
    pub(super) strong: Option<bool>,
    pub(super) em: Option<bool>,
    pub(super) underline: Option<bool>,
    pub(super) strike: Option<bool>,
    pub(super) sub: bool,
    pub(super) sup: bool,
    pub(super) color: Option<Color>,
    /// White space and line breaks are kept.
    pub(crate) pre: Option<bool>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    /// No margin above and below.
    pub(super) no_margin: bool,
    pub(super) border: bool,
    /// A mark that Word writes before a list item.
    pub(super) list_mark: bool,
}

impl Style {
    pub(crate) fn parse(style: &str) -> Self {
        let mut out = Self::default();
        let (mut clipped, mut no_height, mut margins) = (false, false, 0);
        for declaration in style.split(';').take(100) {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            let name = name.trim().to_ascii_lowercase();
            let value = value.trim().trim_end_matches("!important").trim().to_ascii_lowercase();
            let value = value.as_str();
            match name.as_str() {
                "display" => out.hidden |= value == "none",
                "visibility" => out.hidden |= matches!(value, "hidden" | "collapse"),
                "mso-hide" => out.hidden |= value == "all",
                "overflow" => clipped = value == "hidden",
                "max-height" => no_height |= is_zero(value),
                "height" => {
                    no_height |= is_zero(value);
                    out.height = pixels(value);
                }
                "width" => out.width = pixels(value),
                "font-weight" => out.strong = weight(value),
                "font-style" => out.em = Some(value.starts_with("italic") || value.starts_with("oblique")),
                "font" => {
                    let mut words = value.split_whitespace();
                    if words.clone().any(|w| w == "bold" || w == "bolder") {
                        out.strong = Some(true);
                    }
                    if words.any(|w| w == "italic") {
                        out.em = Some(true);
                    }
                }
                "text-decoration" | "text-decoration-line" => {
                    out.underline = Some(value.contains("underline"));
                    out.strike = Some(value.contains("line-through"));
                }
                "vertical-align" => {
                    out.sub = value == "sub";
                    out.sup = value == "super";
                }
                "color" => out.color = Some(color(value).map_or(Color::Default, Color::Rgb)),
                "white-space" => {
                    out.pre = Some(matches!(value, "pre" | "pre-wrap" | "pre-line" | "break-spaces"));
                }
                "margin" => {
                    let parts: Vec<&str> = value.split_whitespace().collect();
                    let below = parts.get(2).or(parts.first());
                    out.no_margin |=
                        parts.first().is_some_and(|p| is_zero(p)) && below.is_some_and(|p| is_zero(p));
                }
                "margin-top" | "margin-bottom" => {
                    margins += u8::from(is_zero(value));
                    out.no_margin |= margins >= 2;
                }
                "border" | "border-top" | "border-bottom" => {
                    out.border |= !value.is_empty()
                        && !value.contains("none")
                        && !is_zero(value.split_whitespace().next().unwrap_or("0"));
                }
                "mso-list" => out.list_mark |= value.contains("ignore"),
                _ => {}
            }
        }
        // How newsletters hide the preview text.
        out.hidden |= clipped && no_height;
        out
    }
}

fn weight(value: &str) -> Option<bool> {
    match value {
        "bold" | "bolder" => Some(true),
        "normal" | "lighter" => Some(false),
        number => number.parse::<u32>().ok().map(|n| n >= 600),
    }
}

fn is_zero(value: &str) -> bool {
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    digits.parse::<f32>().is_ok_and(|n| n == 0.0)
}

/// A length in CSS pixels. Points and inches are converted; relative lengths are none.
pub(crate) fn pixels(value: &str) -> Option<u32> {
    let value = value.trim();
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    let number: f64 = digits.trim().parse().ok()?;
    let factor = match &value[digits.len()..] {
        "" | "px" => 1.0,
        "pt" => 4.0 / 3.0,
        "in" => 96.0,
        _ => return None,
    };
    let px = (number * factor).round();
    // Bounded above, so that the cast is exact.
    (0.0..=100_000.0).contains(&px).then_some({
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to lie in 0..=100,000"
        )]
        let px = px as u32;
        px
    })
}

/// A colour as `#rrggbb`. Black and the reader's default are no colour, and neither is one that a white page would
/// swallow.
pub(super) fn color(value: &str) -> Option<String> {
    let value = value.trim().to_ascii_lowercase();
    let [r, g, b] = if let Some(hex) = value.strip_prefix('#') {
        from_hex(hex)?
    } else if let Some(arguments) = value.strip_prefix("rgb(").or_else(|| value.strip_prefix("rgba(")) {
        let mut numbers = arguments.trim_end_matches(')').split([',', ' ', '/']).filter(|n| !n.is_empty());
        let mut next = || -> Option<u8> {
            let number: f32 = numbers.next()?.trim().parse().ok()?;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255")]
            let byte = number.clamp(0.0, 255.0) as u8;
            Some(byte)
        };
        [next()?, next()?, next()?]
    } else {
        let named = NAMES.iter().find(|(name, _)| *name == value)?;
        named.1
    };
    let (low, high) = (r.min(g).min(b), r.max(g).max(b));
    // Shades of grey near black are the reader's own text colour in many clients; near white is unreadable.
    if high <= 0x33 || low >= 0xE0 || (high - low <= 8 && high <= 0x44) {
        return None;
    }
    Some(format!("#{r:02x}{g:02x}{b:02x}"))
}

fn from_hex(hex: &str) -> Option<[u8; 3]> {
    if !hex.is_ascii() {
        return None;
    }
    let one = |at: usize| u8::from_str_radix(&hex[at..=at], 16).ok().map(|n| n * 17);
    let two = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
    match hex.len() {
        3 | 4 => Some([one(0)?, one(1)?, one(2)?]),
        6 | 8 => Some([two(0)?, two(2)?, two(4)?]),
        _ => None,
    }
}

/// The colour names that mail uses.
const NAMES: [(&str, [u8; 3]); 33] = [
    ("red", [0xFF, 0, 0]),
    ("green", [0, 0x80, 0]),
    ("blue", [0, 0, 0xFF]),
    ("navy", [0, 0, 0x80]),
    ("teal", [0, 0x80, 0x80]),
    ("maroon", [0x80, 0, 0]),
    ("olive", [0x80, 0x80, 0]),
    ("purple", [0x80, 0, 0x80]),
    ("fuchsia", [0xFF, 0, 0xFF]),
    ("magenta", [0xFF, 0, 0xFF]),
    ("aqua", [0, 0xFF, 0xFF]),
    ("cyan", [0, 0xFF, 0xFF]),
    ("lime", [0, 0xFF, 0]),
    ("yellow", [0xFF, 0xFF, 0]),
    ("orange", [0xFF, 0xA5, 0]),
    ("gray", [0x80, 0x80, 0x80]),
    ("grey", [0x80, 0x80, 0x80]),
    ("silver", [0xC0, 0xC0, 0xC0]),
    ("darkred", [0x8B, 0, 0]),
    ("darkgreen", [0, 0x64, 0]),
    ("darkblue", [0, 0, 0x8B]),
    ("darkorange", [0xFF, 0x8C, 0]),
    ("darkgray", [0xA9, 0xA9, 0xA9]),
    ("darkgrey", [0xA9, 0xA9, 0xA9]),
    ("crimson", [0xDC, 0x14, 0x3C]),
    ("brown", [0xA5, 0x2A, 0x2A]),
    ("gold", [0xFF, 0xD7, 0]),
    ("indigo", [0x4B, 0, 0x82]),
    ("violet", [0xEE, 0x82, 0xEE]),
    ("pink", [0xFF, 0xC0, 0xCB]),
    ("tomato", [0xFF, 0x63, 0x47]),
    ("steelblue", [0x46, 0x82, 0xB4]),
    ("royalblue", [0x41, 0x69, 0xE1]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("#f00", Some("#ff0000"))]
    #[case("#1F497D", Some("#1f497d"))]
    #[case("rgb(192, 0, 0)", Some("#c00000"))]
    #[case("rgba(192,0,0,1)", Some("#c00000"))]
    #[case("Red", Some("#ff0000"))]
    #[case("black", None)]
    #[case("#000000", None)]
    #[case("#222", None)]
    #[case("#fff", None)]
    #[case("windowtext", None)]
    #[case("#zzz", None)]
    fn colours_are_read(#[case] value: &str, #[case] want: Option<&str>) {
        assert_eq!(color(value).as_deref(), want);
    }

    #[rstest]
    #[case("display:none")]
    #[case("DISPLAY: none !important")]
    #[case("mso-hide:all")]
    #[case("visibility:hidden")]
    #[case("max-height:0px;overflow:hidden")]
    fn hidden_is_hidden(#[case] style: &str) {
        assert!(Style::parse(style).hidden);
    }

    #[test]
    fn marks_and_sizes_are_read() {
        let style = Style::parse(
            "font-weight:700;font-style:italic;text-decoration:underline line-through;width:75pt;height:12px",
        );
        assert_eq!((style.strong, style.em), (Some(true), Some(true)));
        assert_eq!((style.underline, style.strike), (Some(true), Some(true)));
        assert_eq!((style.width, style.height), (Some(100), Some(12)));
        assert_eq!(Style::parse("font-weight:normal").strong, Some(false));
        assert!(Style::parse("margin:0cm 0cm 0pt").no_margin);
        assert!(!Style::parse("margin:0cm 0cm 8pt").no_margin);
        assert!(!Style::parse("display:block").hidden);
    }

    proptest! {
        #[test]
        fn any_style_is_survived(style in any::<String>()) {
            let style = Style::parse(&style);
            if let Some(Color::Rgb(color)) = style.color {
                prop_assert_eq!(color.len(), 7);
            }
        }
    }
}
