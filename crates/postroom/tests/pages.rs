//! What every page keeps, looked at in the gallery's samples.

#[path = "../examples/gallery/samples/mod.rs"]
mod samples;

use std::collections::HashSet;

use postroom::web::Theme;

/// The start tags of a document, with their attributes as written.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag).collect()
}

fn name(tag: &str) -> &str {
    tag.split(|char: char| char.is_whitespace() || char == '/').next().unwrap_or_default()
}

/// The value of an attribute.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// The text between the tags.
fn text(html: &str) -> String {
    let body = html.split_once("<main").map_or(html, |(_, rest)| rest);
    body.split('<')
        .filter_map(|rest| rest.split_once('>'))
        .map(|(_, text)| text)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Promise: no page needs anything that the policy forbids: no inline script, style or handler, nothing from elsewhere.
#[test]
fn no_page_has_anything_inline() {
    for sample in samples::all(Theme::Light) {
        for tag in tags(&sample.html) {
            let at = || format!("{}: <{tag}>", sample.name);
            assert!(attribute(tag, "style").is_none(), "{}", at());
            assert_ne!(name(tag), "style", "{}", at());
            if name(tag) == "script" {
                assert!(attribute(tag, "src").is_some_and(|src| src.starts_with("/assets/")), "{}", at());
            }
            assert!(
                !tag.split_whitespace().skip(1).any(|part| part.starts_with("on") && part.contains('=')),
                "{}",
                at()
            );
            for reference in [attribute(tag, "href"), attribute(tag, "src"), attribute(tag, "action")] {
                assert!(!reference.is_some_and(|to| to.starts_with("javascript:")), "{}", at());
            }
            if matches!(name(tag), "link" | "img" | "iframe") {
                let loads = attribute(tag, "href").or(attribute(tag, "src")).unwrap_or_default();
                assert!(loads.starts_with('/'), "{}", at());
            }
        }
    }
}

/// Promise: the same holds for the templates themselves, whatever they are filled with.
#[test]
fn no_template_has_anything_inline() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut seen = 0;
    for feature in std::fs::read_dir(&folder).unwrap() {
        for file in std::fs::read_dir(feature.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let template = std::fs::read_to_string(&path).unwrap();
            for bad in [" style=", "<style", "javascript:", " onclick=", " onload=", "|safe", "<script>"] {
                assert!(!template.contains(bad), "{}: {bad}", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "the templates were looked at");
}

/// Promise: every form that changes something carries the token, and every control has a name for screen readers.
#[test]
fn every_form_has_a_token_and_every_control_a_label() {
    for sample in samples::all(Theme::Light) {
        for form in sample.html.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap_or_default();
            if form.contains("method=\"post\"") {
                assert!(form.contains("name=\"csrf\""), "{}: <form{form}", sample.name);
            }
        }
        let labels: HashSet<&str> = tags(&sample.html)
            .into_iter()
            .filter(|tag| name(tag) == "label")
            .filter_map(|tag| attribute(tag, "for"))
            .collect();
        for tag in tags(&sample.html) {
            if matches!(name(tag), "input" | "select" | "textarea")
                && attribute(tag, "type") != Some("hidden")
            {
                let id = attribute(tag, "id").unwrap_or_default();
                assert!(labels.contains(id), "{}: <{tag}> has no label", sample.name);
            }
            if name(tag) == "iframe" {
                assert!(attribute(tag, "title").is_some() && attribute(tag, "sandbox").is_some(), "{tag}");
                assert!(!tag.contains("allow-scripts") && !tag.contains("allow-same-origin"), "{tag}");
            }
        }
        for (opens, closes) in [("<button", "</button>"), ("<summary", "</summary>"), ("<a ", "</a>")] {
            for element in sample.html.split(opens).skip(1) {
                let (attributes, rest) = element.split_once('>').unwrap_or_default();
                let inside = rest.split(closes).next().unwrap_or_default();
                let words = inside
                    .split('<')
                    .map(|part| part.split_once('>').map_or(part, |(_, text)| text))
                    .collect::<String>();
                assert!(
                    attributes.contains("aria-label") || words.chars().any(char::is_alphanumeric),
                    "{}: {opens}{attributes}> says nothing",
                    sample.name
                );
            }
        }
    }
}

/// Promise: ids are unique in a page, so that labels, live parts and jumps find what they mean; one heading leads.
#[test]
fn ids_are_unique_and_one_heading_leads() {
    for sample in samples::all(Theme::Light) {
        let mut seen = HashSet::new();
        for tag in tags(&sample.html) {
            if let Some(id) = attribute(tag, "id") {
                assert!(seen.insert(id.to_owned()), "{}: the id {id} is there twice", sample.name);
            }
        }
        let headings = tags(&sample.html).into_iter().filter(|tag| name(tag) == "h1").count();
        assert_eq!(headings, 1, "{}", sample.name);
        for (at, _) in sample.html.match_indices("href=\"#") {
            let to = sample.html[at + 7..].split('"').next().unwrap_or_default();
            assert!(seen.contains(to), "{}: nothing has the id {to}", sample.name);
        }
    }
}

/// Promise: the console's words: no shouting, no begging, no congratulating.
#[test]
fn words_are_calm() {
    for sample in samples::all(Theme::Light) {
        let words = text(&sample.html).to_lowercase();
        for bad in ["!", "oops", "please", "successfully", "sorry", "something went wrong"] {
            assert!(!words.contains(bad), "{}: {bad}", sample.name);
        }
    }
}

/// Promise: the navigation leads only where there is something.
#[test]
fn the_navigation_has_no_dead_links() {
    let pages = [
        "/",
        "/sources",
        "/outbounds",
        "/registrations",
        "/messages",
        "/profiles",
        "/jira",
        "/notices",
        "/settings",
    ];
    for sample in samples::all(Theme::Dark) {
        for tag in tags(&sample.html).into_iter().filter(|tag| attribute(tag, "class") == Some("nav-entry")) {
            assert!(pages.contains(&attribute(tag, "href").unwrap_or_default()), "{tag}");
        }
    }
}

/// Promise: text and what can be pressed stand out from their ground by 4.5 to 1 at least, in light and dark.
#[test]
fn colours_have_contrast() {
    let style = include_str!("../assets/postroom.css");
    let light = style.split(":root {").nth(1).and_then(|rest| rest.split('}').next()).unwrap();
    let dark =
        style.split(":root[data-theme=\"dark\"] {").nth(1).and_then(|rest| rest.split('}').next()).unwrap();
    let system = style
        .split(":root:not([data-theme=\"light\"]) {")
        .nth(1)
        .and_then(|rest| rest.split('}').next())
        .unwrap();
    let lines = |values: &str| {
        values.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(lines(dark), lines(system), "dark by the machine and by the switch are the same");
    for (theme, values) in [("light", light), ("dark", dark)] {
        let colour = |name: &str| {
            let value = values.split(&format!("--{name}: #")).nth(1).unwrap_or_else(|| panic!("{name}"));
            let hex = u32::from_str_radix(&value[..6], 16).unwrap();
            let part = |shift: u32| {
                let channel = f64::from((hex >> shift) & 0xff) / 255.0;
                if channel <= 0.040_45 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
        };
        let contrast = |a: &str, b: &str| {
            let (a, b) = (colour(a), colour(b));
            (a.max(b) + 0.05) / (a.min(b) + 0.05)
        };
        let grounds = ["paper", "side", "raised", "hover"];
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for ink in ["ink", "quiet", "accent", "good", "warn", "bad"] {
            pairs.extend(grounds.iter().map(|ground| (ink, *ground)));
        }
        pairs.extend([
            ("on-accent", "accent"),
            ("on-accent", "accent-deep"),
            ("accent", "accent-wash"),
            ("ink", "good-wash"),
            ("ink", "warn-wash"),
            ("ink", "bad-wash"),
            ("accent", "bad-wash"),
            ("accent", "warn-wash"),
            ("ink", "line"),
            ("bad", "bad-wash"),
            ("quiet", "accent-wash"),
        ]);
        for (ink, ground) in pairs {
            let ratio = contrast(ink, ground);
            assert!(ratio >= 4.5, "{theme}: {ink} on {ground} has {ratio:.2}");
        }
    }
}
