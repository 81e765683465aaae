use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::testing::{Asked, Server, answered, mailbox};

fn id(text: &str) -> NativeId {
    NativeId::from(text)
}

fn inbox() -> FolderId {
    FolderId::from("inbox")
}

fn error(status: u16, code: &str, headers: &[(&str, &str)]) -> axum::response::Response {
    answered(status, headers, json!({ "error": { "code": code, "message": "m" } }).to_string())
}

/// Written oddly on purpose: what is stored must be this to the byte.
const WHOLE: &str = r#"{ "@odata.etag":"W/\"x\"",  "id":"m1","internetMessageId":"<a@example.org>","conversationId":"c1","subject":null,
 "from":{"emailAddress":{"name":"Ada","address":"ada@example.org"}},"toRecipients":[],"receivedDateTime":"2026-11-24T10:00:00Z",
 "hasAttachments":false,"isDraft":false,"isRead":false,"body":{"contentType":"text","content":"\ud83d half"},"internetMessageHeaders":[] }"#;

#[tokio::test]
async fn a_round_begins_at_our_address_and_follows_the_links_verbatim() {
    let server = Server::start(|asked, _| {
        let host = asked.header("host");
        let page = if asked.target.contains("deltatoken") {
            r#"{"value":[],"@odata.deltaLink":"http://HOST/v1.0/x?$deltatoken=2"}"#.to_owned()
        } else if asked.target.contains("skiptoken") {
            r#"{"value":[{"id":"gone","@removed":{"reason":"deleted"}},{"id":"m2","isRead":true}],
                "@odata.deltaLink":"http://HOST/v1.0/me/odd('path')?$deltatoken=A%2Bb+c"}"#
                .to_owned()
        } else {
            format!(
                r#"{{"value":[{WHOLE}],"@odata.nextLink":"http://HOST/v1.0/me/next?%24skiptoken=a%2fB"}}"#
            )
        };
        answered(200, &[("request-id", "r1")], page.replace("HOST", host))
    })
    .await;
    let (mailbox, _) = mailbox(&server.url);

    let first = mailbox.sync(&inbox(), None).await.expect("a page");
    assert!(!first.complete && first.removed.is_empty());
    let item = &first.items[0];
    assert_eq!(item.raw, WHOLE.as_bytes());
    assert!(item.is_whole);
    assert_eq!(item.internet_message_id.as_deref(), Some("<a@example.org>"));
    assert_eq!(item.received_at, "2026-11-24T10:00:00Z".parse().expect("a time"));

    let second = mailbox.sync(&inbox(), Some(&first.cursor)).await.expect("a page");
    assert!(second.complete);
    assert_eq!(second.removed, [id("gone")]);
    assert_eq!((second.items[0].id.as_str(), second.items[0].is_whole), ("m2", false));
    mailbox.sync(&inbox(), Some(&second.cursor)).await.expect("a page");

    let asked = server.asked();
    assert!(
        asked[0]
            .target
            .starts_with("/v1.0/me/mailFolders/inbox/messages/delta?$select=id,internetMessageId,")
    );
    assert_eq!(asked[1].target, "/v1.0/me/next?%24skiptoken=a%2fB");
    assert_eq!(asked[2].target, "/v1.0/me/odd('path')?$deltatoken=A%2Bb+c");
    for asked in &asked {
        assert_eq!(asked.header("authorization"), "Bearer token-0");
        assert_eq!(asked.header("prefer"), "IdType=\"ImmutableId\", odata.maxpagesize=50");
        assert!(asked.header("client-request-id").parse::<uuid::Uuid>().is_ok());
        assert!(asked.header("user-agent").starts_with("Postroom/"));
        assert!(asked.header("accept-encoding").contains("gzip"));
    }
}

#[tokio::test]
async fn no_token_goes_to_another_host() {
    let elsewhere = Server::start(|_, _| answered(200, &[], r#"{"value":[],"@odata.deltaLink":"x"}"#)).await;
    let foreign = format!("{}v1.0/me/more", elsewhere.url);
    let (link, target) = (foreign.clone(), foreign.clone());
    let server = Server::start(move |asked, _| {
        if asked.target.contains("$value") {
            return answered(302, &[("location", &target)], "");
        }
        answered(200, &[], json!({ "value": [], "@odata.nextLink": link }).to_string())
    })
    .await;
    let (mailbox, _) = mailbox(&server.url);
    let error = mailbox.sync(&inbox(), None).await.expect_err("a foreign link");
    assert!(
        matches!(error, SyncError::Fault(ref fault) if fault.entry.id == "graph.foreign_link"),
        "{error:?}"
    );
    // A cursor from before the address was changed: begin anew rather than fail for ever.
    let error = mailbox.sync(&inbox(), Some(&Cursor::from(foreign))).await.expect_err("a foreign cursor");
    assert_eq!(error, SyncError::Reset);
    assert!(mailbox.mime(&id("m1")).await.is_err());
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn a_forgotten_place_is_a_reset_however_it_is_said() {
    for (status, code) in
        [(410, ""), (410, "SyncStateNotFound"), (400, "syncstateinvalid"), (404, "ResyncRequired")]
    {
        let server = Server::start(move |_, _| error(status, code, &[])).await;
        let (mailbox, _) = mailbox(&server.url);
        assert_eq!(
            mailbox.sync(&inbox(), None).await.expect_err("forgotten"),
            SyncError::Reset,
            "{status} {code}"
        );
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let server = Server::start(|asked, _| match asked.header("authorization") {
        "Bearer token-0" => error(401, "InvalidAuthenticationToken", &[]),
        _ => answered(200, &[], WHOLE),
    })
    .await;
    let (good, tokens) = mailbox(&server.url);
    assert!(good.message(&id("m1")).await.expect("found").is_some_and(|item| item.is_whole));
    assert_eq!((tokens.refused_so_far(), server.asked().len()), (1, 2));

    let server = Server::start(|_, _| error(401, "InvalidAuthenticationToken", &[])).await;
    let (bad, tokens) = mailbox(&server.url);
    let fault = bad.message(&id("m1")).await.expect_err("refused for good");
    assert_eq!((fault.entry.id, tokens.refused_so_far(), server.asked().len()), ("graph.token", 1, 2));
}

#[tokio::test]
async fn a_short_pause_is_waited_for_and_a_long_one_is_handed_on() {
    let server = Server::start(|_, before| match before {
        0 => error(429, "ApplicationThrottled", &[("retry-after", "0")]),
        1 => error(503, "ErrorServerBusy", &[("retry-after", "0")]),
        _ => answered(200, &[], WHOLE),
    })
    .await;
    let (short, _) = mailbox(&server.url);
    assert!(short.message(&id("m1")).await.expect("in the end").is_some());
    assert_eq!(server.asked().len(), 3);

    let server = Server::start(|_, _| error(429, "TooManyRequests", &[("retry-after", "600")])).await;
    let (long, _) = mailbox(&server.url);
    let fault = long.message(&id("m1")).await.expect_err("too long to wait for");
    assert_eq!(fault.entry.id, "graph.throttled");
    let asked_for = fault.retry_after.expect("named");
    assert!(asked_for > Duration::from_secs(590) && asked_for <= Duration::from_mins(10), "{asked_for:?}");
    // Nobody else goes to a mailbox that has asked for a pause.
    let fault = long.mime(&id("m2")).await.expect_err("paused");
    assert_eq!((fault.entry.id, server.asked().len()), ("graph.paused", 1));
    assert!(fault.retry_after.is_some_and(|wait| wait > Duration::from_secs(590)));
}

#[tokio::test]
async fn retry_after_as_a_date_is_held_against_the_servers_own_clock() {
    let server = Server::start(|_, _| {
        let dates =
            [("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 08:59:37 GMT")];
        error(429, "TooManyRequests", &dates)
    })
    .await;
    let (mailbox, _) = mailbox(&server.url);
    let wait = mailbox.message(&id("m1")).await.expect_err("throttled").retry_after.expect("named");
    assert!(wait > Duration::from_secs(590) && wait <= Duration::from_mins(10), "{wait:?}");
}

#[tokio::test]
async fn what_is_too_heavy_is_asked_for_in_smaller_pieces() {
    let server = Server::start(|asked, _| {
        if asked.header("prefer").ends_with("maxpagesize=50") {
            return error(504, "GatewayTimeout", &[("retry-after", "0")]);
        }
        let link = format!("http://{}/v1.0/x?$deltatoken=1", asked.header("host"));
        answered(200, &[], json!({ "value": [], "@odata.deltaLink": link }).to_string())
    })
    .await;
    let (mailbox, _) = mailbox(&server.url);
    assert!(mailbox.sync(&inbox(), None).await.expect("a smaller page").complete);
}

#[tokio::test]
async fn what_is_gone_and_what_is_missing_are_told_apart() {
    let server = Server::start(|asked, _| match asked.target.as_str() {
        target if target.contains("mailFolders") => error(404, "ErrorItemNotFound", &[]),
        target if target.contains("/messages/m1") => error(404, "ErrorItemNotFound", &[]),
        _ => error(404, "MailboxNotEnabledForRESTAPI", &[]),
    })
    .await;
    let (mailbox, _) = mailbox(&server.url);
    assert_eq!(mailbox.message(&id("m1")).await, Ok(None));
    assert_eq!(mailbox.message(&id("m2")).await.expect_err("no mailbox").entry.id, "graph.no_mailbox");
    assert_eq!(mailbox.folder("F=").await.expect_err("no folder").entry.id, "graph.folder_gone");
    let error = mailbox.sync(&inbox(), None).await.expect_err("no folder");
    assert!(
        matches!(error, SyncError::Fault(ref fault) if fault.entry.id == "graph.folder_gone"),
        "{error:?}"
    );
}

#[tokio::test]
async fn mime_has_an_upper_limit() {
    let server = Server::start(|_, _| answered(200, &[], vec![b'x'; 3_000])).await;
    let (mailbox, _) = mailbox(&server.url);
    assert_eq!(mailbox.mime(&id("m1")).await.expect("fits").len(), 3_000);
    let fault = mailbox.with_largest_mime(2_999).mime(&id("m1")).await.expect_err("too large");
    assert_eq!((fault.entry.id, server.asked().len()), ("graph.mime_too_large", 2));
}

#[tokio::test]
async fn an_id_is_one_segment_of_the_path() {
    let server = Server::start(|_, _| answered(200, &[], "x")).await;
    let (mailbox, _) = mailbox(&server.url);
    mailbox.mime(&id("AAk/../../x?y#z=")).await.expect("an answer");
    assert_eq!(server.asked()[0].target, "/v1.0/me/messages/AAk%2F..%2F..%2Fx%3Fy%23z=/$value");
}

/// A batch's answer: one answer per request, in reverse order.
fn batch_answer(asked: &Asked, each: impl Fn(&Value) -> Value) -> axum::response::Response {
    let batch: Value = serde_json::from_str(&asked.body).expect("a batch");
    let requests = batch["requests"].as_array().expect("requests");
    assert!(requests.len() <= 20);
    let responses: Vec<Value> = requests
        .iter()
        .rev()
        .map(|request| {
            let mut answer = each(request);
            answer["id"] = request["id"].clone();
            answer
        })
        .collect();
    answered(200, &[], json!({ "responses": responses }).to_string())
}

fn change(id: &str) -> Change {
    Change {
        id: id.into(),
        mark_read: true,
        categories: Vec::new(),
        stamp: Some(format!("stamp of {id}")),
        move_to: None,
        delete: false,
    }
}

#[tokio::test]
async fn changes_go_in_twenties_and_only_what_was_refused_for_a_time_goes_again() {
    let server = Server::start(|asked, before| {
        batch_answer(asked, |request| {
            let url = request["url"].as_str().expect("a URL");
            let gone = json!({ "status": 404, "body": { "error": { "code": "ErrorItemNotFound" } } });
            match url.rsplit('/').next() {
                Some("m3") => gone,
                Some("m5") if before == 0 => {
                    json!({ "status": 429, "headers": { "Retry-After": "0" }, "body": null })
                }
                Some("m7") => json!({ "status": 403, "body": { "error": { "code": "ErrorAccessDenied" } } }),
                _ => json!({ "status": 200, "body": { "id": url.rsplit('/').next() } }),
            }
        })
    })
    .await;
    let (mailbox, _) = mailbox(&server.url);
    let changes: Vec<Change> = (0..25).map(|number| change(&format!("m{number}"))).collect();
    let results = mailbox.change(&changes).await;
    assert_eq!(results.len(), 25);
    for (number, result) in results.iter().enumerate() {
        match number {
            3 => assert_eq!(*result, Ok(Changed::Gone)),
            7 => assert_eq!(result.as_ref().expect_err("forbidden").entry.id, "graph.access_denied"),
            _ => assert_eq!(*result, Ok(Changed::Done { id: id(&format!("m{number}")) })),
        }
    }
    let asked = server.asked();
    let sizes: Vec<usize> = asked
        .iter()
        .map(|asked| {
            serde_json::from_str::<Value>(&asked.body).expect("JSON")["requests"]
                .as_array()
                .map_or(0, Vec::len)
        })
        .collect();
    assert_eq!(sizes, [20, 1, 5]);
    assert!(asked.iter().all(|asked| asked.target == "/v1.0/$batch" && asked.method == Method::POST));
    let batch: Value = serde_json::from_str(&asked[0].body).expect("JSON");
    let first = &batch["requests"][0];
    assert_eq!((&first["method"], &first["url"]), (&json!("PATCH"), &json!("/me/messages/m0")));
    assert_eq!(
        first["headers"],
        json!({ "Prefer": "IdType=\"ImmutableId\"", "Content-Type": "application/json" })
    );
    assert_eq!(
        first["body"],
        json!({ "isRead": true, "singleValueExtendedProperties": [{ "id": STAMP, "value": "stamp of m0" }] })
    );
}

#[tokio::test]
async fn a_move_comes_after_the_mark_and_categories_of_people_stay() {
    let server = Server::start(|asked, _| {
        batch_answer(asked, |request| match request["method"].as_str() {
            Some("GET") => json!({ "status": 200, "body": { "id": "m1", "categories": ["VIP"] } }),
            Some("PATCH") => json!({ "status": 200, "body": { "id": "m1" } }),
            _ => json!({ "status": 201, "body": { "id": "m1-moved" } }),
        })
    })
    .await;
    let (mailbox, _) = mailbox(&server.url);
    let changes =
        [Change { categories: vec!["Jira".into()], move_to: Some("archive".into()), ..change("m1") }];
    assert_eq!(mailbox.change(&changes).await, [Ok(Changed::Done { id: id("m1-moved") })]);
    let requests: Vec<Value> = server
        .asked()
        .iter()
        .map(|asked| serde_json::from_str::<Value>(&asked.body).expect("JSON")["requests"][0].clone())
        .collect();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[1]["body"]["categories"], json!(["VIP", "Jira"]));
    assert_eq!(
        (&requests[2]["url"], &requests[2]["body"]),
        (&json!("/me/messages/m1/move"), &json!({ "destinationId": "archive" }))
    );
}

#[tokio::test]
async fn a_batch_that_fails_as_a_whole_fails_for_each() {
    let server = Server::start(|_, _| error(403, "ErrorAccessDenied", &[])).await;
    let (mailbox, _) = mailbox(&server.url);
    let results = mailbox.change(&[change("m1"), change("m2")]).await;
    assert!(
        results
            .iter()
            .all(|result| result.as_ref().is_err_and(|fault| fault.entry.id == "graph.access_denied"))
    );
    assert_eq!(results.len(), 2);
}

#[tokio::test]
async fn a_part_of_a_batch_that_is_refused_says_where_that_happened() {
    let server = Server::start(|asked, _| {
        batch_answer(
            asked,
            |_| json!({ "status": 403, "body": { "error": { "code": "ErrorAccessDenied", "message": "" } } }),
        )
    })
    .await;
    let (mailbox, _) = mailbox(&server.url);
    let place = fault::Place {
        account: Some("anna@contoso.test".to_owned()),
        ..fault::Place::default().with_mailbox("billing@contoso.test")
    };
    let refused = mailbox.at(place).folders().await.expect_err("no rights");
    let command = "Add-MailboxPermission -Identity billing@contoso.test -User anna@contoso.test -AccessRights FullAccess";
    assert_eq!(refused.command().as_deref(), Some(command));
}

#[tokio::test]
async fn folders_come_as_a_tree_with_their_well_known_names() {
    let server = Server::start(|asked, _| {
        let host = asked.header("host").to_owned();
        let folder = |id: &str, name: &str, children: u32| {
            json!({ "id": id, "displayName": name, "childFolderCount": children, "totalItemCount": 3, "unreadItemCount": 1 })
        };
        if asked.target.ends_with("$batch") {
            return batch_answer(asked, |request| match request["url"].as_str() {
                Some(url) if url.contains("/inbox") => json!({ "status": 200, "body": { "id": "f-inbox" } }),
                Some(url) if url.contains("f-inbox/childFolders") => {
                    json!({ "status": 200, "body": { "value": [folder("f-a", "Aufträge", 1)] } })
                }
                // Deleted while the folders were listed.
                _ => json!({ "status": 404, "body": { "error": { "code": "ErrorItemNotFound" } } }),
            });
        }
        let page = match asked.target.as_str() {
            target if target.contains("page2") => json!({ "value": [folder("f-b", "Billing", 0)] }),
            _ => json!({ "value": [folder("f-inbox", "Posteingang", 1)],
                "@odata.nextLink": format!("http://{host}/v1.0/me/mailFolders?page2") }),
        };
        answered(200, &[], page.to_string())
    })
    .await;
    let (mailbox, _) = mailbox(&server.url);
    let folders = mailbox.folders().await.expect("folders");
    let told: Vec<_> =
        folders.iter().map(|folder| (folder.path.as_str(), folder.well_known.as_deref())).collect();
    assert_eq!(told, [("Posteingang", Some("inbox")), ("Billing", None), ("Posteingang/Aufträge", None)]);
    assert_eq!((folders[0].total, folders[0].unread), (3, 1));
    assert_eq!((&folders[0].parent, folders[2].parent.as_ref()), (&None, Some(&folders[0].id)));
    let batches = server.asked().iter().filter(|asked| asked.target.ends_with("$batch")).count();
    assert_eq!(
        (batches, server.asked().len()),
        (3, 5),
        "one for the names and one a level, whatever there is"
    );
}

#[tokio::test]
async fn a_probe_tells_what_it_found_and_stops_where_nothing_can_follow() {
    let server = Server::start(|asked, _| match asked.target.as_str() {
        target if target.starts_with("/v1.0/me?") => error(403, "Authorization_RequestDenied", &[]),
        target if target.contains("/messages?") => answered(200, &[], format!("{{\"value\":[{WHOLE}]}}")),
        target if target.contains("singleValueExtendedProperties") => {
            let property = json!({ "id": "Long 0xe08", "value": (2_u64 << 30).to_string() });
            answered(200, &[], json!({ "id": "f", "singleValueExtendedProperties": [property] }).to_string())
        }
        target if target.contains("mailFolders") => {
            answered(200, &[], r#"{"id":"f","displayName":"Inbox","totalItemCount":1}"#)
        }
        _ => answered(200, &[], "{}"),
    })
    .await;
    let (mailbox, _) = mailbox(&server.url);
    let report = mailbox.probe().await;
    let names: Vec<_> = report.checks.iter().map(|check| check.name).collect();
    assert_eq!(names, ["Sign-in", "Mailbox", "Folder", "Read mail", "Mark mail", "Quota"]);
    assert!(report.is_well(), "{report:?}");
    let said = report.checks[5].outcome.as_ref().expect("well");
    assert!(said.contains("not full") && said.contains("2.0 GB in this folder"), "{said}");
    let asked = server.asked();
    let sized = asked.last().expect("the last one");
    assert!(sized.target.contains("Long") && sized.target.contains("0xe08"), "{}", sized.target);
    let patch = asked.iter().find(|asked| asked.method == "PATCH").expect("a change is tried");
    assert_eq!(
        (patch.method.as_str(), patch.body.as_str()),
        ("PATCH", r#"{"isRead":false}"#),
        "nothing changes"
    );
    assert_eq!(patch.header("if-match"), "W/\"x\"");

    let server = Server::start(|_, _| error(401, "InvalidAuthenticationToken", &[])).await;
    let report = super::tests::mailbox(&server.url).0.probe().await;
    assert_eq!(
        (report.checks.len(), report.first_fault().map(|fault| fault.entry.id)),
        (1, Some("graph.token"))
    );
}

#[tokio::test]
async fn a_probe_of_a_full_mailbox_says_that_it_is_full() {
    let server = Server::start(|asked, _| match asked.target.as_str() {
        _ if asked.method == "PATCH" => error(507, "ErrorQuotaExceeded", &[]),
        target if target.contains("/messages?") => answered(200, &[], format!("{{\"value\":[{WHOLE}]}}")),
        target if target.contains("mailFolders") => {
            answered(200, &[], r#"{"id":"f","displayName":"Inbox","totalItemCount":1}"#)
        }
        _ => answered(200, &[], "{}"),
    })
    .await;
    let (mailbox, _) = mailbox(&server.url);
    let report = mailbox.probe().await;
    let wrong: Vec<_> = report
        .checks
        .iter()
        .filter_map(|check| Some((check.name, check.outcome.as_ref().err()?.entry.id)))
        .collect();
    assert_eq!(wrong, [("Mark mail", "graph.mailbox_full"), ("Quota", "graph.mailbox_full")]);
}

#[tokio::test]
async fn finding_follows_pages_and_asks_for_ids_only() {
    let server = Server::start(|asked, before| {
        let page = match before {
            0 => json!({ "value": [{ "id": "a" }], "@odata.nextLink": format!("http://{}/v1.0/more", asked.header("host")) }),
            _ => json!({ "value": [{ "id": "b" }] }),
        };
        answered(200, &[], page.to_string())
    })
    .await;
    let (mailbox, _) = mailbox(&server.url);
    let found = mailbox.find(&Find::MessageId("a+b@example.org".into())).await.expect("found");
    assert_eq!(found, [id("a"), id("b")]);
    let asked = &server.asked()[0];
    assert!(
        asked.target.contains("$filter=internetMessageId%20eq%20%27%3Ca%2Bb@example.org%3E%27&$select=id"),
        "{}",
        asked.target
    );
}

#[tokio::test]
async fn sending_and_saving_are_asked_for_once_whatever_the_answer() {
    for status in [429, 503, 504] {
        let server = Server::start(move |_, _| error(status, "", &[("retry-after", "0")])).await;
        let (mailbox, _) = mailbox(&server.url);
        assert!(mailbox.send_draft(&id("m1")).await.is_err());
        assert_eq!(server.asked().len(), 1, "{status}");
        let draft = Draft { mime: "From: a@b\r\n\r\nx".into(), stamp: None };
        assert!(mailbox.create_draft(&draft).await.is_err());
        assert_eq!(server.asked().len(), 2, "{status}");
    }
    // A refused token did nothing: it is renewed, and the mail goes out.
    let server = Server::start(|asked, _| match asked.header("authorization") {
        "Bearer token-0" => error(401, "InvalidAuthenticationToken", &[]),
        _ => answered(202, &[], ""),
    })
    .await;
    let (mailbox, tokens) = mailbox(&server.url);
    mailbox.send_draft(&id("m1")).await.expect("taken");
    assert_eq!((tokens.refused_so_far(), server.asked().len()), (1, 2));
    assert_eq!(server.asked()[1].header("content-length"), "0");
}

#[tokio::test]
async fn a_draft_goes_up_as_mime_and_is_stamped_after() {
    let server = Server::start(|_, _| answered(201, &[], r#"{"id":"d1"}"#)).await;
    let (mailbox, _) = mailbox(&server.url);
    let draft = Draft { mime: "From: a@b\r\n\r\nx".into(), stamp: Some("s".to_owned()) };
    assert_eq!(mailbox.create_draft(&draft).await.expect("saved"), id("d1"));
    let asked = server.asked();
    assert_eq!(
        (asked[0].target.as_str(), asked[0].header("content-type")),
        ("/v1.0/me/messages", "text/plain")
    );
    assert_eq!(asked[0].body, "RnJvbTogYUBiDQoNCng=");
    let stamped: Value = serde_json::from_str(&asked[1].body).expect("JSON");
    assert_eq!(stamped, json!({ "singleValueExtendedProperties": [{ "id": STAMP, "value": "s" }] }));
    assert_eq!((asked[1].method.clone(), asked[1].target.as_str()), (Method::PATCH, "/v1.0/me/messages/d1"));
}

#[tokio::test]
async fn ids_are_translated_a_thousand_at_a_time_and_a_malformed_one_costs_itself() {
    let server = Server::start(|asked, _| {
        let body: Value = serde_json::from_str(&asked.body).expect("JSON");
        assert_eq!(
            (&body["sourceIdType"], &body["targetIdType"]),
            (&json!("ewsId"), &json!("restImmutableEntryId"))
        );
        let ids = body["inputIds"].as_array().expect("ids");
        assert!(ids.len() <= 1_000);
        if ids.contains(&json!("bad")) {
            return error(400, "ErrorInvalidIdMalformed", &[]);
        }
        let rows: Vec<Value> = ids
            .iter()
            .filter(|id| **id != "gone")
            .map(|id| json!({ "sourceId": id, "targetId": format!("r-{}", id.as_str().expect("text")) }))
            .collect();
        answered(200, &[], json!({ "value": rows }).to_string())
    })
    .await;
    let (mailbox, _) = mailbox(&server.url);
    let mut ids: Vec<NativeId> = (0..2_100).map(|number| id(&format!("e{number}"))).collect();
    (ids[1_400], ids[7]) = (id("bad"), id("gone"));
    let told = mailbox.translate_ids(&ids, IdKind::Ews, IdKind::RestImmutable).await.expect("translated");
    assert_eq!(told.len(), ids.len());
    for (id, told) in ids.iter().zip(&told) {
        match id.as_str() {
            "bad" | "gone" => assert!(matches!(told, Translated::Unknown(_)), "{id}: {told:?}"),
            name => assert_eq!(*told, Translated::Id(NativeId::from(format!("r-{name}")))),
        }
    }
}

/// A server that takes files, and the parts of large ones at an address beside Graph's own.
async fn taking_files(
    each: impl Fn(&Asked, usize) -> Option<axum::response::Response> + Send + Sync + 'static,
) -> Server {
    Server::start(move |asked, before| {
        if let Some(answer) = each(asked, before) {
            return answer;
        }
        if asked.method == Method::GET {
            return answered(200, &[], r#"{"value":[]}"#);
        }
        if asked.method == Method::PUT {
            let (range, size) = asked.header("content-range").split_once('/').expect("a range");
            let last: usize = range.split_once('-').expect("two ends").1.parse().expect("a number");
            let next = last + 1;
            return match size.parse::<usize>() {
                Ok(size) if next == size => answered(201, &[("location", "elsewhere")], ""),
                _ => answered(200, &[], json!({ "nextExpectedRanges": [next.to_string()] }).to_string()),
            };
        }
        let url = format!("http://{}/elsewhere?authtoken=secret", asked.header("host"));
        answered(201, &[], json!({ "uploadUrl": url, "nextExpectedRanges": ["0-"] }).to_string())
    })
    .await
}

fn file(bytes: usize) -> File {
    File {
        name: "a.pdf".to_owned(),
        content_type: "application/pdf".to_owned(),
        content_id: None,
        content: vec![b'x'; bytes].into(),
    }
}

#[tokio::test]
async fn parts_of_a_large_file_go_up_in_order_and_without_our_token() {
    let server = taking_files(|_, _| None).await;
    let (mailbox, _) = mailbox(&server.url);
    let size = 3 << 20;
    mailbox.attach(&id("d1"), &file(size)).await.expect("added");
    mailbox.attach(&id("d1"), &file(size + 200_000)).await.expect("added");
    mailbox.attach(&id("d1"), &file(size - 1)).await.expect("added");
    let asked = server.asked();
    let parts: Vec<&Asked> = asked.iter().filter(|asked| asked.method == Method::PUT).collect();
    let ranges: Vec<&str> = parts.iter().map(|part| part.header("content-range")).collect();
    assert_eq!(
        ranges,
        ["bytes 0-3145727/3145728", "bytes 0-3276799/3345728", "bytes 3276800-3345727/3345728"]
    );
    for part in parts {
        assert_eq!((part.target.as_str(), part.header("authorization")), ("/elsewhere?authtoken=secret", ""));
        assert_eq!(part.header("content-type"), "application/octet-stream");
        assert_eq!(part.header("content-length"), part.body.len().to_string());
    }
    let begun: Value = serde_json::from_str(&asked[0].body).expect("JSON");
    let item = json!({
        "attachmentType": "file", "name": "a.pdf", "size": size, "contentType": "application/pdf", "isInline": false,
    });
    assert_eq!(asked[0].target, "/v1.0/me/messages/d1/attachments/createUploadSession");
    assert_eq!(
        (begun, asked[0].header("authorization")),
        (json!({ "AttachmentItem": item }), "Bearer token-0")
    );
    let small = asked.last().expect("the small one");
    assert_eq!(small.target, "/v1.0/me/messages/d1/attachments");
}

#[tokio::test]
async fn an_upload_is_given_up_after_three_beginnings_and_none_of_them_is_left() {
    let server =
        taking_files(|asked, _| (asked.method == Method::PUT).then(|| error(404, "ErrorItemNotFound", &[])))
            .await;
    let (mailbox, _) = mailbox(&server.url);
    let fault = mailbox.attach(&id("d1"), &file(3 << 20)).await.expect_err("never taken");
    assert_eq!((fault.entry.id, fault.leaves_doubt()), ("graph.item_gone", false));
    let count = |method: Method| server.asked().iter().filter(|asked| asked.method == method).count();
    assert_eq!((count(Method::POST), count(Method::PUT), count(Method::DELETE)), (3, 3, 3));
}

#[tokio::test]
async fn an_upload_that_cannot_be_ended_is_not_begun_again() {
    let server = taking_files(|asked, _| match asked.method.as_str() {
        "PUT" => Some(error(504, "GatewayTimeout", &[])),
        "GET" if asked.target.contains("elsewhere") => Some(error(404, "ErrorItemNotFound", &[])),
        "DELETE" => Some(error(403, "ErrorAccessDenied", &[])),
        _ => None,
    })
    .await;
    let (mailbox, _) = mailbox(&server.url);
    let fault = mailbox.attach(&id("d1"), &file(3 << 20)).await.expect_err("no answer");
    assert!(fault.leaves_doubt(), "what is under way may come to its end: {fault:?}");
    assert_eq!(server.asked().iter().filter(|asked| asked.method == Method::POST).count(), 1);
}

#[tokio::test]
async fn a_file_goes_up_in_the_clear_nowhere_but_where_graph_is_asked_so() {
    let server = taking_files(|asked, _| {
        let begins = asked.method == Method::POST;
        begins.then(|| answered(201, &[], r#"{"uploadUrl":"ftp://elsewhere.test/x?authtoken=secret"}"#))
    })
    .await;
    let (mailbox, _) = mailbox(&server.url);
    let fault = mailbox.attach(&id("d1"), &file(3 << 20)).await.expect_err("not there");
    assert_eq!(fault.entry.id, "graph.foreign_link");
    assert!(!format!("{fault:?}").contains("secret"), "{fault:?}");
}
