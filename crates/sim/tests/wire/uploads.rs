//! Upload sessions as their callers meet them.

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Answer, MAIL, SUPPORT, World, encoded, world};

const SHARED: &str = "openid profile offline_access Mail.ReadWrite.Shared Mail.Send.Shared";
const SIZE: usize = 3 * 1024 * 1024 + 100;
const HALF: usize = 2_000_000;

fn content() -> Vec<u8> {
    (0..SIZE).map(|at| u8::try_from(at % 251).expect("a byte")).collect()
}

async fn draft(world: &World, token: &str, mailbox: &str) -> String {
    let body =
        json!({"subject": "With a file", "toRecipients": [{"emailAddress": {"address": "a@x.example"}}]});
    let made = world.graph(token, Method::POST, &format!("{mailbox}/messages"), Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    format!("{mailbox}/messages/{}/attachments", encoded(made.json["id"].as_str().expect("an id")))
}

fn item(size: usize) -> Value {
    json!({"AttachmentItem": {"attachmentType": "file", "name": "big.bin", "size": size, "contentType": "application/pdf"}})
}

async fn begin(world: &World, token: &str, attachments: &str, size: usize) -> Answer {
    let path = format!("{attachments}/createUploadSession");
    world.graph(token, Method::POST, &path, Some(item(size))).await
}

/// The address of a new session.
async fn session(world: &World, token: &str, attachments: &str) -> String {
    let made = begin(world, token, attachments, SIZE).await;
    assert_eq!(
        (made.status, &made.json["nextExpectedRanges"]),
        (StatusCode::CREATED, &json!(["0-"])),
        "{}",
        made.text
    );
    assert!(made.json["expirationDateTime"].is_string());
    made.json["uploadUrl"].as_str().expect("an address").to_owned()
}

impl World {
    async fn put(&self, url: &str, begin: usize, part: &[u8]) -> Answer {
        let range = format!("bytes {begin}-{}/{SIZE}", begin + part.len() - 1);
        let request = self.http.put(url).header("content-range", range).body(part.to_owned());
        Answer::of(request.send().await.expect("an answer")).await
    }

    async fn at(&self, method: Method, url: &str) -> Answer {
        Answer::of(self.http.request(method, url).send().await.expect("an answer")).await
    }
}

/// A file goes up in parts, in order; the address asks for no token and takes none; at the end the file is there and the session gone.
#[tokio::test]
async fn a_large_file_goes_up_in_parts() {
    let world = world().await;
    let token = world.access(SUPPORT, MAIL).await;
    let attachments = draft(&world, &token, "/me").await;
    let url = session(&world, &token, &attachments).await;
    let content = content();
    let request = world.http.put(&url).bearer_auth(&token).header("content-range", "bytes 0-0/1").body("x");
    assert_eq!(request.send().await.expect("an answer").status(), StatusCode::UNAUTHORIZED);

    let first = world.put(&url, 0, &content[..HALF]).await;
    assert_eq!(
        (first.status, &first.json["nextExpectedRanges"]),
        (StatusCode::OK, &json!([HALF.to_string()]))
    );
    // Not twice, not beyond, and not more than is said.
    assert_eq!(world.put(&url, 0, &content[..HALF]).await.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(
        world.put(&url, HALF + 1, &content[HALF + 1..]).await.status,
        StatusCode::RANGE_NOT_SATISFIABLE
    );
    let short =
        world.http.put(&url).header("content-range", format!("bytes {HALF}-{}/{SIZE}", SIZE - 1)).body("x");
    assert_eq!(short.send().await.expect("an answer").status(), StatusCode::BAD_REQUEST);
    let state = world.at(Method::GET, &url).await;
    assert_eq!(
        (state.status, &state.json["nextExpectedRanges"]),
        (StatusCode::OK, &json!([HALF.to_string()]))
    );
    let listed = world.get(&token, &attachments).await;
    assert_eq!(listed.json["value"], json!([]), "nothing is there before its end");

    let last = world.put(&url, HALF, &content[HALF..]).await;
    assert_eq!((last.status, last.text.as_str()), (StatusCode::CREATED, ""));
    let location = last.header("location").to_owned();
    let listed = world.get(&token, &attachments).await;
    let all = listed.json["value"].as_array().expect("a list");
    assert_eq!((all.len(), &all[0]["name"]), (1, &json!("big.bin")));
    let id = all[0]["id"].as_str().expect("an id");
    assert!(location.ends_with(&format!("/Attachments('{id}')")), "{location}");
    let raw = format!("{}/v1.0{attachments}/{}/$value", world.ready().graph, encoded(id));
    let raw = world
        .http
        .get(raw)
        .bearer_auth(&token)
        .send()
        .await
        .expect("an answer")
        .bytes()
        .await
        .expect("bytes");
    assert!(raw == content, "byte for byte");
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(world.at(method, &url).await.status, StatusCode::NOT_FOUND);
    }
}

/// A session ends when it is ended, and when its time is over.
#[tokio::test]
async fn a_session_ends() {
    let world = world().await;
    let token = world.access(SUPPORT, MAIL).await;
    let attachments = draft(&world, &token, "/me").await;
    let ended = session(&world, &token, &attachments).await;
    assert_eq!(world.at(Method::DELETE, &ended).await.status, StatusCode::NO_CONTENT);
    let late = session(&world, &token, &attachments).await;
    assert_eq!(world.put(&late, 0, &content()[..HALF]).await.status, StatusCode::OK);
    world.sim.clock().advance(SignedDuration::from_hours(3));
    for url in [ended, late] {
        let answer = world.put(&url, HALF, &content()[HALF..]).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "ErrorItemNotFound"));
    }
}

/// Files that are too small or too large, messages that were sent, and mailboxes of others are refused when a session begins.
#[tokio::test]
async fn sessions_are_refused() {
    let world = world().await;
    let token = world.access(SUPPORT, MAIL).await;
    let attachments = draft(&world, &token, "/me").await;
    for (size, code) in [
        (3 * 1024 * 1024 - 1, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"),
        (151 * 1024 * 1024, "ErrorAttachmentSizeLimitExceeded"),
    ] {
        assert_eq!(begin(&world, &token, &attachments, size).await.code(), code);
    }
    let id = encoded(&world.mail(SUPPORT, "received"));
    let received = begin(&world, &token, &format!("/me/messages/{id}/attachments"), SIZE).await;
    assert_eq!((received.status, received.code()), (StatusCode::BAD_REQUEST, "ErrorInvalidOperation"));

    let mailbox = format!("/users/{SUPPORT}");
    let anna = world.access("anna@contoso.test", SHARED).await;
    let attachments = draft(&world, &anna, &mailbox).await;
    let refused = begin(&world, &anna, &attachments, SIZE).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "ErrorAccessDenied"));
    let app = world.app_token().await;
    session(&world, &app, &attachments).await;
}
