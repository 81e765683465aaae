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

fn link(title: &str, address: &str) -> Value {
    let open = json!({ "type": "Action.OpenUrl", "url": address });
    json!({ "type": "RichTextBlock", "inlines": [{ "type": "TextRun", "text": title, "underline": true, "selectAction": open }] })
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
        let pages = item.pages.iter().map(|page| link(&page.title, &page.address));
        let command = item.command.as_ref().map(|command| text(&format!("Command: {command}"), "default"));
        let ways: Vec<Value> = pages.chain(command).collect();
        used +=
            item.title.len() + item.text.len() + item.url.len() + Value::from(ways.clone()).to_string().len();
        if used > ROOM {
            more += shown.len() - n;
            break;
        }
        let code = if item.code.is_empty() { String::new() } else { format!(" ({})", item.code) };
        let said = [text(&item.title, "bolder"), text(&format!("{}{code}", item.text), "default")];
        blocks.push(json!({
            "type": "Container",
            "separator": true,
            "selectAction": { "type": "Action.OpenUrl", "url": item.url },
            "items": said.into_iter().chain(ways).collect::<Vec<_>>(),
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
        let first = card["content"]["body"][1]["items"].as_array().unwrap();
        assert_eq!(
            first[2]["inlines"][0]["selectAction"]["url"],
            "https://portal.azure.us/#view/Blade/~/Licenses"
        );
        assert!(first[3].to_string().contains("Command: Get-Mailbox"), "{}", first[3]);
    }
}
