//! Slack: an incoming webhook takes `text` (for what cannot show blocks) and `blocks`. A header takes 150 characters of plain
//! text, a section 3,000 of `mrkdwn`, a message 50 blocks; `&`, `<` and `>` are escaped (Slack, "Formatting text").

use serde_json::{Value, json};

use super::{Item, Message};

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most - 1).collect();
    short.push('…');
    short
}

/// The portal's page as a link, the command as code. Addresses of portals are made of plain words and ids.
fn ways(item: &Item) -> String {
    let pages = item.pages.iter().map(|page| {
        format!("\n<{}|{}>", escaped(&page.address), cut(&escaped(&page.title).replace('|', "/"), 200))
    });
    let command = item.command.as_ref().map(|command| format!("\n`{}`", cut(&escaped(command), 1000)));
    pages.chain(command).collect()
}

/// The body.
pub fn body(message: &Message) -> Value {
    let title = message.title();
    let mut blocks = vec![
        json!({ "type": "header", "text": { "type": "plain_text", "text": cut(&title, 150), "emoji": false } }),
    ];
    let (shown, more) = message.shown();
    for item in shown {
        let code = if item.code.is_empty() { String::new() } else { format!(" `{}`", escaped(&item.code)) };
        // An address of a link has no `|` and no `>`: the console's addresses are made of ids.
        let text = format!(
            "<{}|{}>{code}\n{}",
            item.url,
            escaped(&item.title).replace('|', "/"),
            escaped(&item.text)
        );
        // What mends it is never cut away.
        let ways = ways(item);
        let text = format!("{}{ways}", cut(&text, 3000 - ways.chars().count()));
        blocks
            .push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } }));
    }
    if more > 0 {
        blocks.push(
            json!({ "type": "section", "text": { "type": "plain_text", "text": Message::rest(more) } }),
        );
    }
    if message.is_test {
        let text = "This channel works. Notices of Postroom come here.";
        blocks.push(json!({ "type": "section", "text": { "type": "plain_text", "text": text } }));
    }
    json!({ "text": escaped(&title), "blocks": blocks })
}

#[cfg(test)]
mod tests {
    use super::super::tests::message;
    use super::*;

    /// Promise: what Slack limits is kept to, and a name is no mark-up.
    #[test]
    fn the_limits_are_kept() {
        let body = body(&message(60));
        let blocks = body["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50, "{}", blocks.len());
        let text = blocks[1]["text"]["text"].as_str().unwrap();
        assert!(
            text.starts_with("<https://postroom.test/sources/0|box0@contoso.test is &lt;offline&gt; &amp;"),
            "{text}"
        );
        let ways = "\n<https://portal.azure.us/#view/Blade/~/Licenses|Licenses / &lt;admin center&gt;>\n\
             `Get-Mailbox -Identity box@contoso.test | Format-List`";
        assert!(text.ends_with(ways), "{text}");
        assert!(blocks[0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
        assert!(body["text"].as_str().unwrap().contains("offline"));
    }
}
