//! Graph mail as its callers meet it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{MAIL, SUPPORT, World, encoded, world};

const SHARED: &str = "openid profile offline_access Mail.ReadWrite Mail.ReadWrite.Shared Mail.Send.Shared";

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().filter_map(|item| item["id"].as_str()).collect()
}

async fn steady() -> World {
    let world = world().await;
    world.post_lever("/delta/quirks", json!({"empty_pages": 0.0})).await;
    world
}

/// No token, a wrong one, an expired one, one for another resource.
#[tokio::test]
async fn tokens_are_checked() {
    let world = world().await;
    let path = format!("{}/v1.0/me", world.ready().graph);
    let bare = world.http.get(&path).header("client-request-id", "mine").send().await.expect("an answer");
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(bare.headers()["client-request-id"], "mine");
    assert!(bare.headers().contains_key("request-id") && bare.headers().contains_key("date"));
    let body: Value = bare.json().await.expect("JSON");
    assert_eq!(body["error"]["code"], "InvalidAuthenticationToken");
    assert_eq!(body["error"]["innerError"]["client-request-id"], "mine");
    assert_eq!(world.get("nonsense", "/me").await.code(), "InvalidAuthenticationToken");
    let token = world.access(SUPPORT, MAIL).await;
    assert_eq!(world.get(&token, "/me").await.json["userPrincipalName"], SUPPORT);
    let ews = "https://outlook.office365.com/EWS.AccessAsUser.All";
    let other = world.access(SUPPORT, ews).await;
    let answer = world.get(&other, "/me").await;
    assert!(
        answer.json["error"]["message"].as_str().is_some_and(|text| text.contains("audience")),
        "{}",
        answer.text
    );
    world.sim.clock().advance(SignedDuration::from_hours(2));
    let answer = world.get(&token, "/me").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json["error"]["message"], "Lifetime validation failed, the token is expired.");
}

/// Scopes, delegation, mailboxes that are not there, the app itself.
#[tokio::test]
async fn mailboxes_are_fenced() {
    let world = world().await;
    let anna = world.access("anna@contoso.test", SHARED).await;
    assert_eq!(
        world.get(&anna, "/Users/SUPPORT@contoso.test/MailFolders/Inbox").await.status,
        StatusCode::OK
    );
    assert_eq!(
        world.get(&anna, "/users/billing@contoso.test/mailFolders/inbox").await.status,
        StatusCode::FORBIDDEN
    );
    let support = world.access(SUPPORT, "Mail.Read").await;
    assert_eq!(world.get(&support, "/users/anna@contoso.test/messages").await.code(), "ErrorAccessDenied");
    let id = world.mail(SUPPORT, "one");
    let path = format!("/me/messages/{}", encoded(&id));
    let refused = world.graph(&support, Method::PATCH, &path, Some(json!({"isRead": true}))).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "ErrorAccessDenied"));
    let app = world.app_token().await;
    assert_eq!(world.get(&app, "/me/messages").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.get(&app, "/users/support@contoso.test/messages").await.status, StatusCode::OK);
    let kiosk = world.get(&app, "/users/kiosk@contoso.test/messages").await;
    assert_eq!((kiosk.status, kiosk.code()), (StatusCode::NOT_FOUND, "MailboxNotEnabledForRESTAPI"));
    assert_eq!(world.get(&app, "/users/nobody@contoso.test/messages").await.code(), "ErrorInvalidUser");
    assert_eq!(world.get(&app, "/nonsense").await.status, StatusCode::BAD_REQUEST);
}

/// A first round tells everything once; later ones what changed; a move away is a removal.
#[tokio::test]
async fn delta_tells_what_changed() {
    let world = steady().await;
    let token = world.access(SUPPORT, MAIL).await;
    let mails: Vec<String> = (0..7).map(|n| world.mail(SUPPORT, &format!("m{n}"))).collect();
    let select = "$select=subject,isRead,internetMessageHeaders,body";
    let (first, link) = world.round(&token, &format!("/me/mailFolders/inbox/messages/delta?{select}")).await;
    assert_eq!(ids(&first), mails.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(first[0]["internetMessageHeaders"].is_array() && first[0]["body"]["content"].is_string());
    assert!(first[0].get("receivedDateTime").is_none(), "only what was selected");
    let (nothing, link) = world.round(&token, &link).await;
    assert!(nothing.is_empty());

    let path = |n: usize| format!("/me/messages/{}", encoded(&mails[n]));
    world.graph(&token, Method::PATCH, &path(1), Some(json!({"isRead": true}))).await;
    world
        .graph(&token, Method::POST, &format!("{}/move", path(2)), Some(json!({"destinationId": "archive"})))
        .await;
    world.graph(&token, Method::DELETE, &path(3), None).await;
    let new = world.mail(SUPPORT, "new");
    let (changes, link) = world.round(&token, &link).await;
    let removed: Vec<&str> = changes
        .iter()
        .filter(|item| item.get("@removed").is_some())
        .filter_map(|item| item["id"].as_str())
        .collect();
    assert_eq!(removed, [mails[2].as_str(), mails[3].as_str()]);
    let read = changes.iter().find(|item| item["id"] == mails[1].as_str()).expect("the read one");
    assert_eq!(read["isRead"], true);
    assert!(ids(&changes).contains(&new.as_str()));

    let created = format!("/me/mailFolders/inbox/messages/delta?{select}&changeType=created");
    let (_, only) = world.round(&token, &created).await;
    world.graph(&token, Method::PATCH, &path(4), Some(json!({"isRead": true}))).await;
    let newer = world.mail(SUPPORT, "newer");
    let (changes, _) = world.round(&token, &only).await;
    assert_eq!(ids(&changes), [newer.as_str()]);

    world.post_lever("/delta/reset", json!({"mailbox": SUPPORT})).await;
    let gone = world.get(&token, &link).await;
    assert_eq!((gone.status, gone.code()), (StatusCode::GONE, "SyncStateNotFound"));
    assert!(gone.header("location").contains("/messages/delta"));
    let (again, _) = world.round(&token, &format!("/me/mailFolders/inbox/messages/delta?{select}")).await;
    assert_eq!(again.len(), 7);
}

/// Odd pages: empty ones go on, items repeat, nothing is lost.
#[tokio::test]
async fn odd_pages_lose_nothing() {
    let world = world().await;
    world.post_lever("/delta/quirks", json!({"empty_pages": 0.5, "repeated_items": 0.5})).await;
    let token = world.access(SUPPORT, MAIL).await;
    let mails: std::collections::BTreeSet<String> =
        (0..20).map(|n| world.mail(SUPPORT, &format!("m{n}"))).collect();
    let (items, _) = world.round(&token, "/me/mailFolders/inbox/messages/delta?$select=id").await;
    let told: std::collections::BTreeSet<String> = ids(&items).into_iter().map(str::to_owned).collect();
    assert_eq!(told, mails);
    assert!(items.len() > 20, "some are told twice");
}

/// A delta since a moment, and newest first.
#[tokio::test]
async fn delta_since_a_moment_and_newest_first() {
    let world = steady().await;
    let token = world.access(SUPPORT, MAIL).await;
    world.mail(SUPPORT, "old");
    world.sim.clock().advance(SignedDuration::from_mins(30));
    let new = world.mail(SUPPORT, "new");
    let path =
        "/me/mailFolders/inbox/messages/delta?$select=id&$filter=receivedDateTime ge 2026-11-24T10:15:00Z";
    let (items, _) = world.round(&token, path).await;
    assert_eq!(ids(&items), [new.as_str()]);
    let (items, link) = world
        .round(&token, "/me/mailFolders/inbox/messages/delta?$select=id&$orderby=receivedDateTime desc")
        .await;
    assert_eq!((items.len(), ids(&items)[0]), (2, new.as_str()));
    let newest = world.mail(SUPPORT, "newest");
    let (items, _) = world.round(&token, &link).await;
    assert_eq!(ids(&items), [newest.as_str()]);
    let wrong = world.get(&token, "/me/mailFolders/inbox/messages/delta?$filter=isRead eq false").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

/// Immutable ids stay, ordinary ones change; both count letter by letter.
#[tokio::test]
async fn ids_as_they_are() {
    let world = steady().await;
    let token = world.access(SUPPORT, MAIL).await;
    let immutable = world.mail(SUPPORT, "one");
    let list = world.graph_with(&token, Method::GET, "/me/messages?$select=id", None, &[]).await;
    let ordinary = list.json["value"][0]["id"].as_str().expect("an id").to_owned();
    assert_ne!(ordinary, immutable);
    let body = json!({"inputIds": [ordinary, "nonsense"], "sourceIdType": "restId", "targetIdType": "restImmutableEntryId"});
    let translated = world.graph(&token, Method::POST, "/me/translateExchangeIds", Some(body)).await;
    assert_eq!(translated.json["value"][0]["targetId"], immutable.as_str());
    assert_eq!(translated.json["value"][1]["errorDetails"]["code"], "ErrorInvalidIdMalformed");
    let moved = world
        .graph_with(
            &token,
            Method::POST,
            &format!("/me/messages/{}/move", encoded(&ordinary)),
            Some(json!({"destinationId": "archive"})),
            &[],
        )
        .await;
    assert_eq!(moved.status, StatusCode::CREATED);
    assert_ne!(moved.json["id"], ordinary.as_str());
    assert_eq!(
        world.get(&token, &format!("/me/messages/{}", encoded(&ordinary))).await.code(),
        "ErrorItemNotFound"
    );
    assert_eq!(
        world.get(&token, &format!("/me/messages/{}", encoded(&immutable))).await.status,
        StatusCode::OK
    );
    let wrong_case = immutable.to_uppercase();
    assert_eq!(
        world.get(&token, &format!("/me/messages/{}", encoded(&wrong_case))).await.code(),
        "ErrorInvalidIdMalformed"
    );
    let anna = world.mail("anna@contoso.test", "hers");
    assert_eq!(world.get(&token, &format!("/me/messages/{}", encoded(&anna))).await.code(), "ErrorInvalidId");
}

/// Lists: filters, orders, pages, and the filter that is too complex.
#[tokio::test]
async fn lists_are_filtered() {
    let world = steady().await;
    let token = world.access(SUPPORT, MAIL).await;
    let mut all = Vec::new();
    for n in 0..12 {
        all.push(world.mail(SUPPORT, &format!("m{n}")));
        world.sim.clock().advance(SignedDuration::from_secs(60));
    }
    let get = async |query: &str| world.get(&token, &format!("/me/mailFolders/inbox/messages?{query}")).await;
    let first = get("$select=id").await;
    assert_eq!(first.json["value"].as_array().map(Vec::len), Some(10), "ten by default");
    let next = world.get(&token, first.json["@odata.nextLink"].as_str().expect("a next page")).await;
    assert_eq!(next.json["value"].as_array().map(Vec::len), Some(2));
    let path = format!("/me/messages/{}", encoded(&all[3]));
    let stamp = "String {0f1b5e9c-5d31-4f2f-8a3d-0e6f7a1c2b3d} Name PostroomOp";
    let body = json!({"isRead": true, "categories": ["Jira"], "singleValueExtendedProperties": [{"id": stamp, "value": "it's"}]});
    let patched = world.graph(&token, Method::PATCH, &path, Some(body)).await;
    assert_eq!(
        (patched.status, patched.json["isRead"].as_bool()),
        (StatusCode::OK, Some(true)),
        "{}",
        patched.text
    );
    for query in [
        "$filter=isRead eq true&$select=id".to_owned(),
        "$filter=internetMessageId eq '<m3@customer.example>'".to_owned(),
        format!("$filter=singleValueExtendedProperties/Any(ep: ep/id eq '{stamp}' and ep/value eq 'it''s')"),
        "$filter=categories/any(c:c eq 'Jira')".to_owned(),
        "$filter=receivedDateTime ge 2026-11-24T10:03:00Z and receivedDateTime lt 2026-11-24T10:04:00Z&$orderby=receivedDateTime".to_owned(),
    ] {
        let found = get(&query).await;
        assert_eq!(ids(found.json["value"].as_array().expect("a list")), [all[3].as_str()], "{query}: {}", found.text);
    }
    let expanded = world
        .get(&token, &format!("{path}?$expand=singleValueExtendedProperties($filter=id eq '{stamp}')"))
        .await;
    assert_eq!(expanded.json["singleValueExtendedProperties"], json!([{"id": stamp, "value": "it's"}]));
    assert_eq!(
        get("$filter=isRead eq false&$orderby=receivedDateTime desc").await.code(),
        "InefficientFilter"
    );
    assert_eq!(get("$filter=nonsense eq 1").await.code(), "RequestBroker--ParseUri");
    assert_eq!(get("$select=nonsense").await.code(), "RequestBroker--ParseUri");
    assert_eq!(get("$top=1001").await.status, StatusCode::BAD_REQUEST);
}

/// Changes: unknown properties, wrong values, an old entity tag, deletes in two steps.
#[tokio::test]
async fn changes_are_checked() {
    let world = steady().await;
    let token = world.access(SUPPORT, MAIL).await;
    let id = world.mail(SUPPORT, "one");
    let path = format!("/me/messages/{}", encoded(&id));
    let patch = async |body: Value| world.graph(&token, Method::PATCH, &path, Some(body)).await;
    assert_eq!(patch(json!({"nonsense": 1})).await.code(), "RequestBodyRead");
    assert_eq!(patch(json!({"isRead": "yes"})).await.code(), "RequestBodyRead");
    assert_eq!(
        patch(json!({"singleValueExtendedProperties": [{"id": "bad", "value": "x"}]})).await.code(),
        "ErrorInvalidExtendedProperty"
    );
    let etag = world.get(&token, &path).await.json["@odata.etag"].as_str().expect("a tag").to_owned();
    assert_eq!(patch(json!({"isRead": true})).await.status, StatusCode::OK);
    let stale = world
        .graph_with(&token, Method::PATCH, &path, Some(json!({"isRead": false})), &[("if-match", &etag)])
        .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    for folder in ["deleteditems", "recoverableitemsdeletions"] {
        assert_eq!(world.graph(&token, Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(world.truth(SUPPORT).await[0]["folder"], folder);
    }
    world.graph(&token, Method::DELETE, &path, None).await;
    assert_eq!(world.graph(&token, Method::DELETE, &path, None).await.code(), "ErrorItemNotFound");
}

/// Folders: well-known names in any case, new ones, names that are taken.
#[tokio::test]
async fn folders_are_made_and_found() {
    let world = steady().await;
    let token = world.access(SUPPORT, MAIL).await;
    let make = async |path: &str, name: &str| {
        world.graph(&token, Method::POST, path, Some(json!({"displayName": name}))).await
    };
    let handled = make("/me/mailFolders", "Handled").await;
    assert_eq!(handled.status, StatusCode::CREATED);
    assert_eq!(make("/me/mailFolders", "handled").await.code(), "ErrorFolderExists");
    let id = handled.json["id"].as_str().expect("an id").to_owned();
    let child = make(&format!("/me/mailFolders/{}/childFolders", encoded(&id)), "Old").await;
    assert_eq!(child.json["parentFolderId"], id.as_str());
    let list = world.get(&token, "/me/mailFolders?$top=100").await;
    let found = list.json["value"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|folder| folder["id"] == id.as_str())
        .cloned();
    assert_eq!(found.expect("the folder")["childFolderCount"], 1);
    assert_eq!(world.get(&token, "/me/mailFolders('INBOX')").await.json["displayName"], "Inbox");
    assert_eq!(world.get(&token, "/me/mailFolders/nonsense").await.code(), "ErrorFolderNotFound");
}

/// MIME, headers and attachments tell the same mail.
#[tokio::test]
async fn mime_and_json_are_of_one_mail() {
    let world = steady().await;
    let token = world.access(SUPPORT, MAIL).await;
    let raw = "From: a@customer.example\r\nTo: support@contoso.test\r\nSubject: files\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nsee\r\n--b\r\nContent-Type: text/csv; charset=iso-8859-1; name=t.csv\r\nContent-Disposition: attachment; filename=t.csv\r\nContent-Transfer-Encoding: base64\r\n\r\nY2Fm6Q==\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nFrom: b@customer.example\r\n\r\ninside\r\n--b--\r\n";
    let id = world.sim.deliver(SUPPORT, raw).expect("the mailbox is there");
    let path = format!("/me/messages/{}", encoded(&id));
    let mime = world.get(&token, &format!("{path}/$value")).await;
    assert!(mime.text.ends_with(raw), "the bytes that were sent are in it");
    let message = world
        .get(&token, &format!("{path}?$select=internetMessageHeaders,internetMessageId,hasAttachments"))
        .await;
    assert_eq!(message.json["hasAttachments"], true);
    let headers = message.json["internetMessageHeaders"].as_array().expect("headers");
    let top = mime.text.lines().next().unwrap_or_default();
    assert!(top.starts_with("Received: ") && headers[0]["name"] == "Received");
    let made = message.json["internetMessageId"].as_str().expect("a made-up id");
    assert!(
        mime.text.contains(&format!("Message-ID: {made}")),
        "the id that Exchange made is in the bytes too"
    );
    let files = world.get(&token, &format!("{path}/attachments")).await;
    let files = files.json["value"].as_array().expect("files");
    assert_eq!(files[0]["@odata.type"], "#microsoft.graph.fileAttachment");
    assert_eq!(files[0]["contentBytes"], STANDARD.encode(b"caf\xe9"));
    assert_eq!(
        (files[1]["@odata.type"].as_str(), files[1]["name"].as_str()),
        (Some("#microsoft.graph.itemAttachment"), Some("inner"))
    );
    let inner = format!("{path}/attachments/{}", encoded(files[1]["id"].as_str().expect("an id")));
    assert!(world.get(&token, &format!("{inner}/$value")).await.text.contains("inside"));
    let expanded = world.get(&token, &format!("{inner}?$expand=microsoft.graph.itemAttachment/item")).await;
    assert_eq!(expanded.json["item"]["subject"], "inner");
    let selected = world.get(&token, &format!("{path}/attachments?$select=id,name")).await;
    assert!(selected.json["value"][0].get("contentBytes").is_none());
}

/// Any bytes become a message that can be read whole.
#[tokio::test]
async fn any_bytes_become_a_message() {
    let world = steady().await;
    let token = world.access(SUPPORT, MAIL).await;
    for raw in [
        &b""[..],
        b"\r\n\r\n",
        b"\xff\xfe\x00garbage",
        b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n",
        b"From nobody Tue\nSubject: mbox\n\nx",
    ] {
        let id = world.sim.deliver(SUPPORT, raw).expect("the mailbox is there");
        let answer = world
            .get(
                &token,
                &format!("/me/messages/{}?$select=body,internetMessageHeaders,subject", encoded(&id)),
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert!(answer.json["body"]["content"].is_string());
        let mime = world.get(&token, &format!("/me/messages/{}/$value", encoded(&id))).await;
        assert_eq!(mime.status, StatusCode::OK);
    }
}

/// Sending: JSON, MIME, drafts, answers; what is refused.
#[tokio::test]
async fn mail_is_sent() {
    let world = steady().await;
    let token = world.access(SUPPORT, MAIL).await;
    let to = |address: &str| json!([{"emailAddress": {"address": address}}]);
    let message = json!({"subject": "hello", "body": {"contentType": "HTML", "content": "<p>hi</p>"}, "toRecipients": to("anna@contoso.test"), "bccRecipients": to("billing@contoso.test")});
    let send = async |body: Value| world.graph(&token, Method::POST, "/me/sendMail", Some(body)).await;
    let sent = send(json!({"message": message, "saveToSentItems": false})).await;
    assert_eq!((sent.status, sent.text.as_str()), (StatusCode::ACCEPTED, ""));
    let received = world.truth("anna@contoso.test").await;
    assert_eq!(received[0]["subject"], "hello");
    assert_eq!(world.truth("billing@contoso.test").await.len(), 1);
    assert!(world.truth(SUPPORT).await.is_empty());
    assert_eq!(send(json!({"message": {"subject": "x"}})).await.code(), "ErrorInvalidRecipients");
    assert_eq!(
        send(json!({"message": {"subject": "x", "toRecipients": to("a@x.example"), "nonsense": 1}}))
            .await
            .code(),
        "RequestBodyRead"
    );
    assert_eq!(
        send(json!({"message": {"toRecipients": to("a@x.example"), "internetMessageHeaders": [{"name": "In-Reply-To", "value": "x"}]}})).await.code(),
        "InvalidInternetMessageHeader"
    );
    assert_eq!(
        send(json!({"message": {"toRecipients": to("a@x.example"), "from": {"emailAddress": {"address": "billing@contoso.test"}}}})).await.code(),
        "ErrorSendAsDenied"
    );
    let url = format!("{}/v1.0/me/sendMail", world.ready().graph);
    let mime = "From: support@contoso.test\r\nTo: anna@contoso.test\r\nSubject: as mime\r\nAuto-Submitted: auto-replied\r\n\r\nx";
    let post = async |body: String| {
        let request =
            world.http.post(&url).bearer_auth(&token).header("content-type", "text/plain").body(body);
        request.send().await.expect("an answer").status()
    };
    assert_eq!(post(STANDARD.encode(mime)).await, StatusCode::ACCEPTED);
    assert_eq!(post("not base64!".to_owned()).await, StatusCode::BAD_REQUEST);

    let draft = world.graph(&token, Method::POST, "/me/messages", Some(message)).await;
    assert_eq!((draft.status, draft.json["isDraft"].as_bool()), (StatusCode::CREATED, Some(true)));
    let id = draft.json["id"].as_str().expect("an id").to_owned();
    let path = format!("/me/messages/{}", encoded(&id));
    let file =
        json!({"@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt", "contentBytes": "aGk="});
    assert_eq!(
        world.graph(&token, Method::POST, &format!("{path}/attachments"), Some(file)).await.status,
        StatusCode::CREATED
    );
    let patched = world.graph(&token, Method::PATCH, &path, Some(json!({"subject": "changed"}))).await;
    assert_eq!(
        (patched.json["subject"].as_str(), patched.json["hasAttachments"].as_bool()),
        (Some("changed"), Some(true))
    );
    assert_eq!(
        world.graph(&token, Method::POST, &format!("{path}/send"), None).await.status,
        StatusCode::ACCEPTED
    );
    assert_eq!(
        world.graph(&token, Method::POST, &format!("{path}/send"), None).await.status,
        StatusCode::BAD_REQUEST
    );
    let kept = world.get(&token, &format!("{path}?$select=isDraft,parentFolderId")).await;
    assert_eq!(kept.json["isDraft"], false, "the same immutable id in Sent Items");
    assert_eq!(world.truth("anna@contoso.test").await.len(), 3);
}

/// An answer made by Graph is threaded with what it answers.
#[tokio::test]
async fn a_reply_is_threaded() {
    let world = steady().await;
    let token = world.access(SUPPORT, MAIL).await;
    let id = world.mail(SUPPORT, "question");
    let path = format!("/me/messages/{}/createReply", encoded(&id));
    let both = json!({"comment": "a", "message": {"body": {"contentType": "text", "content": "b"}}});
    assert_eq!(world.graph(&token, Method::POST, &path, Some(both)).await.status, StatusCode::BAD_REQUEST);
    let reply = world.graph(&token, Method::POST, &path, Some(json!({"comment": "answer"}))).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
    assert_eq!(reply.json["subject"], "RE: question");
    assert_eq!(reply.json["toRecipients"][0]["emailAddress"]["address"], "ada@customer.example");
    let original = world.get(&token, &format!("/me/messages/{}", encoded(&id))).await;
    assert_eq!(reply.json["conversationId"], original.json["conversationId"]);
    let expand = "$expand=singleValueExtendedProperties($filter=id eq 'String 0x1042')";
    let draft = world
        .get(&token, &format!("/me/messages/{}?{expand}", encoded(reply.json["id"].as_str().expect("an id"))))
        .await;
    assert_eq!(draft.json["singleValueExtendedProperties"][0]["value"], "<question@customer.example>");
}

/// Batches: limits, order, dependencies, bodies that are no JSON.
#[tokio::test]
async fn batches_are_carried_out() {
    let world = steady().await;
    let token = world.access(SUPPORT, MAIL).await;
    let id = world.mail(SUPPORT, "one");
    let path = format!("/me/messages/{}", encoded(&id));
    let batch = async |requests: Value| {
        world.graph(&token, Method::POST, "/$batch", Some(json!({"requests": requests}))).await
    };
    let answer = batch(json!([
        {"id": "a", "method": "GET", "url": format!("{path}/$value")},
        {"id": "b", "method": "PATCH", "url": "/me/messages/nonsense", "headers": {"Content-Type": "application/json"}, "body": {"isRead": true}},
        {"id": "c", "method": "DELETE", "url": path, "dependsOn": ["b"]},
    ]))
    .await;
    let of = |id: &str| {
        answer.json["responses"]
            .as_array()
            .expect("answers")
            .iter()
            .find(|one| one["id"] == id)
            .cloned()
            .expect("an answer")
    };
    let mime = STANDARD.decode(of("a")["body"].as_str().expect("base64")).expect("base64");
    assert!(mime.ends_with(b"Hello one\r\n"));
    assert_eq!((of("b")["status"].as_u64(), of("c")["status"].as_u64()), (Some(400), Some(424)));
    let many: Vec<Value> =
        (0..21).map(|n| json!({"id": n.to_string(), "method": "GET", "url": "/me"})).collect();
    assert_eq!(batch(json!(many)).await.status, StatusCode::BAD_REQUEST);
    let twice =
        json!([{"id": "1", "method": "GET", "url": "/me"}, {"id": "1", "method": "GET", "url": "/me"}]);
    assert_eq!(batch(twice).await.status, StatusCode::BAD_REQUEST);
}
