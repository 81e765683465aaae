//! The Outlook pages: what is written there arrives, with what Exchange says of the sender.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::client::{MAIL, SUPPORT, between, world};

fn form() -> Vec<(&'static str, &'static str)> {
    vec![
        ("from", "outside"),
        ("outside", "Olivia <olivia@customer.example>"),
        ("sender", "pass"),
        ("to", SUPPORT),
        ("cc", ""),
        ("subject", "Printer <b>on fire</b>"),
        ("format", "text"),
        ("body", "It burns."),
        ("in_reply_to", ""),
        ("references", ""),
    ]
}

async fn write(
    world: &crate::client::World,
    fields: &[(&'static str, &'static str)],
    image: bool,
) -> StatusCode {
    let mut parts = reqwest::multipart::Form::new();
    for (name, value) in fields {
        parts = parts.text(*name, *value);
    }
    let file = reqwest::multipart::Part::bytes(b"notes".to_vec())
        .file_name("näme.txt")
        .mime_str("text/plain")
        .expect("a kind");
    parts = parts.part("files", file);
    if image {
        let image = reqwest::multipart::Part::bytes(b"GIF89a".to_vec())
            .file_name("a.gif")
            .mime_str("image/gif")
            .expect("a kind");
        parts = parts.part("image", image);
    }
    world
        .http
        .post(format!("{}/write", world.ready().outlook))
        .multipart(parts)
        .send()
        .await
        .expect("an answer")
        .status()
}

/// A mail from outside arrives with files, picture and Exchange's stamp.
#[tokio::test]
async fn a_mail_from_outside_arrives() {
    let world = world().await;
    assert_eq!(write(&world, &form(), true).await, StatusCode::FOUND);
    let token = world.access(SUPPORT, MAIL).await;
    let list = world
        .get(
            &token,
            "/me/mailFolders/inbox/messages?$select=subject,body,hasAttachments,internetMessageHeaders,from",
        )
        .await;
    let message = &list.json["value"][0];
    assert_eq!(message["subject"], "Printer <b>on fire</b>");
    assert_eq!(message["hasAttachments"], true);
    assert_eq!(
        message["from"]["emailAddress"],
        json!({"name": "Olivia", "address": "olivia@customer.example"})
    );
    let headers = message["internetMessageHeaders"].as_array().expect("headers");
    let results =
        headers.iter().find(|header| header["name"] == "Authentication-Results").expect("a verdict");
    assert!(results["value"].as_str().is_some_and(|value| value.contains("compauth=pass")), "{results}");
    let id = message["id"].as_str().expect("an id");
    let files = world.get(&token, &format!("/me/messages/{id}/attachments")).await;
    let names: Vec<_> = files.json["value"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| (file["name"].clone(), file["isInline"].clone()))
        .collect();
    assert!(names.contains(&(json!("näme.txt"), json!(false))), "{names:?}");
    assert!(names.iter().any(|(_, inline)| *inline == true), "{names:?}");

    let page = world.get_page(&format!("{}/mailboxes/{SUPPORT}/folders/inbox", world.ready().outlook)).await;
    assert!(page.text.contains("Printer &lt;b&gt;on fire"), "subjects are escaped");
    let link = between(&page.text, "<li><a href=\"/mailboxes/support%40contoso%2Etest/messages/", "\"")
        .expect("a link");
    let page =
        world.get_page(&format!("{}/mailboxes/{SUPPORT}/messages/{link}", world.ready().outlook)).await;
    assert!(page.text.contains("Simulated") && page.text.contains(" sandbox "), "{}", page.text);
    let body =
        world.get_page(&format!("{}/mailboxes/{SUPPORT}/messages/{link}/body", world.ready().outlook)).await;
    assert!(body.header("content-security-policy").starts_with("sandbox; default-src 'none'"));
    assert!(body.text.contains("/parts/") && !body.text.contains("cid:"), "{}", body.text);
    assert_eq!(world.truth(SUPPORT).await[0]["is_read"], true, "opened, so read");
}

/// A forged one is said to be forged, one from inside to be internal.
#[tokio::test]
async fn senders_are_told_apart() {
    let world = world().await;
    let with = |changes: &[(&'static str, &'static str)]| {
        let mut fields = form();
        for (name, value) in changes {
            fields.retain(|(own, _)| own != name);
            fields.push((name, value));
        }
        fields
    };
    write(&world, &with(&[("sender", "fail"), ("subject", "forged")]), false).await;
    write(&world, &with(&[("from", "anna@contoso.test"), ("subject", "inside")]), false).await;
    assert_eq!(write(&world, &with(&[("to", "nobody")]), false).await, StatusCode::BAD_REQUEST);
    let token = world.access(SUPPORT, MAIL).await;
    let header = async |subject: &str, name: &str| {
        let path = format!("/me/messages?$filter=subject eq '{subject}'&$select=internetMessageHeaders");
        let list = world.get(&token, &path).await;
        let all = list.json["value"][0]["internetMessageHeaders"].as_array().cloned().unwrap_or_default();
        all.iter()
            .find(|header| header["name"] == name)
            .and_then(|header| header["value"].as_str().map(str::to_owned))
            .unwrap_or_default()
    };
    assert!(header("forged", "Authentication-Results").await.contains("compauth=fail"));
    assert_eq!(header("forged", "X-MS-Exchange-Organization-AuthAs").await, "Anonymous");
    assert_eq!(header("inside", "X-MS-Exchange-Organization-AuthAs").await, "Internal");
    let sent = world.truth("anna@contoso.test").await;
    assert_eq!(
        (sent[0]["folder"].as_str(), sent[0]["subject"].as_str()),
        (Some("sentitems"), Some("inside"))
    );
}

/// An answer from the page is threaded; what leaves the tenant is kept.
#[tokio::test]
async fn an_answer_is_threaded() {
    let world = world().await;
    let id = world.mail(SUPPORT, "question");
    let url = format!(
        "{}/write?from={SUPPORT}&mailbox={SUPPORT}&reply={}",
        world.ready().outlook,
        crate::client::encoded(&id)
    );
    let page = world.get_page(&url).await;
    assert!(
        page.text.contains("value=\"Re: question\"")
            && page.text.contains("&lt;question@customer.example&gt;")
    );
    let mut fields = form();
    fields.retain(|(name, _)| !["from", "to", "in_reply_to", "references"].contains(name));
    fields.extend([
        ("from", SUPPORT),
        ("to", "ada@customer.example"),
        ("in_reply_to", "<question@customer.example>"),
        ("references", "<question@customer.example>"),
    ]);
    write(&world, &fields, false).await;
    let outside = world.lever(Method::GET, "/sent-outside", json!(null)).await;
    assert_eq!(outside[0]["to"], "ada@customer.example");
    let token = world.access(SUPPORT, MAIL).await;
    let all = world.get(&token, "/me/messages?$select=conversationId").await;
    let conversations: Vec<_> =
        all.json["value"].as_array().expect("two").iter().map(|one| one["conversationId"].clone()).collect();
    assert_eq!(conversations.len(), 2);
    assert_eq!(conversations[0], conversations[1]);
}
