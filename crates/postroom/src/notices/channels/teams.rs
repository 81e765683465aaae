//! Teams: a workflow made from *Post to a channel when a webhook request is received* takes a message with an Adaptive Card
//! (the older MessageCard is not understood there any more), up to 28 KB, and answers 202. Texts are `RichTextBlock`s: unlike
//! a `TextBlock`, they know no Markdown, so that a name is shown as it is written.

use serde_json::{Value, json};

use super::Message;

/// Room for texts in the 28 KB that Teams takes.
const ROOM: usize = 20_000;

fn text(text: &str, weight: &str) -> Value {
    json!({ "type": "RichTextBlock", "inlines": [{ "type": "TextRun", "text": text, "weight": weight }] })
}

/// The body.
pub fn body(message: &Message) -> Value {
    let title = message.title();
    let mut blocks = vec![json!({
        "type": "RichTextBlock",
        "inlines": [{ "type": "TextRun", "text": title, "weight": "bolder", "size": "medium" }],
    })];
    let (shown, mut more) = message.shown();
    let mut used = 0;
    for (n, item) in shown.iter().enumerate() {
        used += item.title.len() + item.text.len() + item.url.len();
        if used > ROOM {
            more += shown.len() - n;
            break;
        }
        let code = if item.code.is_empty() { String::new() } else { format!(" ({})", item.code) };
        blocks.push(json!({
            "type": "Container",
            "separator": true,
            "selectAction": { "type": "Action.OpenUrl", "url": item.url },
            "items": [text(&item.title, "bolder"), text(&format!("{}{code}", item.text), "default")],
        }));
    }
    if more > 0 {
        blocks.push(text(&Message::rest(more), "default"));
    }
    if message.is_test {
        blocks.push(text("This channel works. Notices of Postroom come here.", "default"));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "fallbackText": title,
                "body": blocks,
                "actions": [{ "type": "Action.OpenUrl", "title": "Open Postroom", "url": message.url }],
                "msteams": { "width": "Full" },
            },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::message;
    use super::*;

    /// Promise: one Adaptive Card in a message, within the size that Teams takes, with a button that leads here.
    #[test]
    fn the_card_is_within_its_size() {
        let mut long = message(60);
        for item in &mut long.items {
            item.text = "x".repeat(3000);
        }
        let body = body(&long);
        assert!(body.to_string().len() < 28_000, "{}", body.to_string().len());
        let card = &body["attachments"][0];
        assert_eq!(card["contentType"], "application/vnd.microsoft.card.adaptive");
        assert_eq!(card["content"]["actions"][0]["url"], "https://postroom.test/notices");
        let last = card["content"]["body"].as_array().unwrap().last().unwrap().to_string();
        assert!(last.contains("more: the console shows all of them"), "{last}");
    }
}
