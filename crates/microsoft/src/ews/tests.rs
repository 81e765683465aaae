use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;

use super::*;
use crate::testing::{Asked, CountedTokens, Server, answered, client};

fn id(text: &str) -> NativeId {
    NativeId::from(text)
}

fn inbox() -> FolderId {
    FolderId::from("inbox")
}

fn mailbox(url: &Url, whose: Whose) -> (EwsMailbox, Arc<CountedTokens>) {
    let tokens = Arc::new(CountedTokens::default());
    let shared = Arc::clone(&tokens) as Arc<dyn AccessTokens>;
    let budget = Arc::new(Budget::ews());
    (EwsMailbox::new(client(), url, whose, shared, budget, Duration::from_secs(10)), tokens)
}

fn own(url: &Url) -> EwsMailbox {
    mailbox(url, Whose::Own("support@contoso.test".to_owned())).0
}

/// The operation that was asked for.
fn operation(asked: &Asked) -> &str {
    asked.header("soapaction").trim_matches('"').rsplit('/').next().unwrap_or_default()
}

/// A response with these messages: `Ok` is the content of a success, `Err` a code.
fn response(asked: &Asked, messages: &[Result<String, &str>]) -> axum::response::Response {
    let operation = operation(asked);
    let messages: String = messages
        .iter()
        .map(|message| match message {
            Ok(content) => format!(
                "<m:{operation}ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>{content}\
                 </m:{operation}ResponseMessage>"
            ),
            Err(code) => format!(
                "<m:{operation}ResponseMessage ResponseClass=\"Error\"><m:MessageText>Told.</m:MessageText>\
                 <m:ResponseCode>{code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>\
                 </m:{operation}ResponseMessage>"
            ),
        })
        .collect();
    let body = format!(
        "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
         <m:{operation}Response xmlns:m=\"{}\" xmlns:t=\"{}\"><m:ResponseMessages>{messages}</m:ResponseMessages>\
         </m:{operation}Response></s:Body></s:Envelope>",
        envelope::MESSAGES,
        envelope::TYPES
    );
    answered(200, &[("content-type", "text/xml")], body)
}

/// The ids of the items that were asked for.
fn ids(asked: &Asked) -> Vec<String> {
    let root = xml::read(&asked.body).expect("a document");
    root.all("ItemId").iter().map(|id| id.attribute("Id").expect("an id").to_owned()).collect()
}

fn described(id: &str) -> String {
    format!(
        "<m:Items><t:Message><t:ItemId Id=\"{id}\" ChangeKey=\"k-{id}\"/><t:Subject>Contract</t:Subject>\
         <t:Body BodyType=\"Text\">x</t:Body><t:DateTimeReceived>2026-11-24T10:00:00Z</t:DateTimeReceived>\
         <t:IsDraft>true</t:IsDraft></t:Message></m:Items>"
    )
}

fn listed(ids: &[&str]) -> String {
    let mut changes = String::new();
    for id in ids {
        let item = format!("<t:Message><t:ItemId Id=\"{id}\" ChangeKey=\"k\"/></t:Message>");
        changes.extend(["<t:Create>", &item, "</t:Create>"]);
    }
    format!(
        "<m:SyncState>state</m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>\
         <m:Changes>{changes}<t:Delete><t:ItemId Id=\"gone\" ChangeKey=\"k\"/></t:Delete></m:Changes>"
    )
}

#[tokio::test]
async fn a_page_is_listed_by_ids_and_then_fetched_ten_at_a_time() {
    let names: Vec<String> = (0..23).map(|number| format!("m{number}")).collect();
    let server = Server::start(move |asked, _| {
        if operation(asked) == "SyncFolderItems" {
            return response(asked, &[Ok(listed(&names.iter().map(String::as_str).collect::<Vec<_>>()))]);
        }
        let ids = ids(asked);
        assert!(ids.len() <= 10);
        response(asked, &ids.iter().map(|id| Ok(described(id))).collect::<Vec<_>>())
    })
    .await;
    let page = own(&server.url).sync(&inbox(), Some(&"before&after".into())).await.expect("a page");
    assert_eq!((page.items.len(), page.complete, page.cursor.as_str()), (23, true, "state"));
    assert_eq!(page.removed, [id("gone")]);
    assert!(page.items.iter().all(|item| item.is_whole));
    let read = crate::message::read(&page.items[7].raw).expect("reads");
    assert_eq!((read.id.as_str(), read.subject.as_deref()), ("m7", Some("Contract")));
    let asked = server.asked();
    assert_eq!(asked.len(), 4);
    assert!(asked[0].body.contains("<m:SyncState>before&amp;after</m:SyncState>"));
    for asked in &asked {
        assert_eq!(asked.target, "/EWS/Exchange.asmx");
        assert_eq!(asked.header("authorization"), "Bearer token-0");
        assert_eq!(asked.header("x-anchormailbox"), "support@contoso.test");
        assert_eq!(asked.header("content-type"), "text/xml; charset=utf-8");
        assert!(asked.header("client-request-id").parse::<uuid::Uuid>().is_ok());
        assert!(asked.header("user-agent").starts_with("Postroom/"));
    }
}

/// Promise: a mail that fails with a code that nobody knows, or always takes too long, costs itself only: its folder goes on.
#[rstest]
#[case::an_unknown_code(false)]
#[case::a_time_out_of_the_gateway(true)]
#[tokio::test]
async fn an_item_that_fails_in_an_unknown_way_costs_itself_only(#[case] takes_all: bool) {
    let server = Server::start(move |asked, _| {
        if operation(asked) == "SyncFolderItems" {
            return response(asked, &[Ok(listed(&["a", "bad", "c"]))]);
        }
        let ids = ids(asked);
        if takes_all && ids.iter().any(|id| id == "bad") {
            return answered(504, &[], "<html>Gateway Timeout</html>".to_owned());
        }
        let one = |id: &String| {
            if id == "bad" { Err("ErrorItemPropertyRequestFailed") } else { Ok(described(id)) }
        };
        response(asked, &ids.iter().map(one).collect::<Vec<_>>())
    })
    .await;
    let page = own(&server.url).sync(&inbox(), None).await.expect("a page");
    let told: Vec<(&str, bool)> = page.items.iter().map(|item| (item.id.as_str(), item.is_whole)).collect();
    assert_eq!(told, [("a", true), ("bad", false), ("c", true)]);
}

#[rstest]
#[case::by_itself(false)]
#[case::with_its_whole_batch(true)]
#[tokio::test]
async fn a_corrupt_item_costs_itself_only(#[case] takes_all: bool) {
    let server = Server::start(move |asked, _| {
        if operation(asked) == "SyncFolderItems" {
            return response(asked, &[Ok(listed(&["a", "bad", "c", "left"]))]);
        }
        let ids = ids(asked);
        if takes_all && ids.iter().any(|id| id == "bad") {
            return fault("ErrorCorruptData", "");
        }
        let one = |id: &String| match id.as_str() {
            "bad" => Err("ErrorContentConversionFailed"),
            "left" => Err("ErrorItemNotFound"),
            id => Ok(described(id)),
        };
        response(asked, &ids.iter().map(one).collect::<Vec<_>>())
    })
    .await;
    let mailbox = own(&server.url);
    let page = mailbox.sync(&inbox(), None).await.expect("a page");
    let told: Vec<_> = page.items.iter().map(|item| (item.id.as_str(), item.is_whole)).collect();
    assert_eq!(told, [("a", true), ("bad", false), ("c", true)]);
    let bare = crate::message::read(&page.items[1].raw).expect("reads");
    assert!(bare.is_bare(), "nothing is known of it but its id");
    let fault = mailbox.message(&id("bad")).await.expect_err("it cannot be read");
    assert_eq!(fault.entry.id, "graph.corrupt_item");
}

fn fault(code: &str, value: &str) -> axum::response::Response {
    let body = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault><faultcode>a:{code}</faultcode>\
         <faultstring>Told.</faultstring><detail><e:ResponseCode xmlns:e=\"x\">{code}</e:ResponseCode>{value}</detail></s:Fault>\
         </s:Body></s:Envelope>"
    );
    answered(500, &[("content-type", "text/xml")], body)
}

#[tokio::test]
async fn a_pause_is_kept_wherever_it_is_told() {
    let back_off =
        "<t:MessageXml xmlns:t=\"x\"><t:Value Name=\"BackOffMilliseconds\">40</t:Value></t:MessageXml>";
    let server = Server::start(move |asked, before| match before {
        0 => fault("ErrorServerBusy", back_off),
        1 => answered(503, &[("retry-after", "0")], ""),
        2 => {
            let busy = "ErrorServerBusy</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey><m:MessageXml>\
                        <t:Value Name=\"BackOffMilliseconds\">40</t:Value></m:MessageXml><m:ResponseCode>x";
            response(asked, &[Err(busy)])
        }
        _ => response(asked, &[Ok(described("a"))]),
    })
    .await;
    let begun = std::time::Instant::now();
    assert!(own(&server.url).message(&id("a")).await.expect("in the end").is_some());
    assert_eq!(server.asked().len(), 4);
    assert!(begun.elapsed() >= Duration::from_millis(80), "both pauses were kept");

    let long = Server::start(move |_, _| fault("ErrorServerBusy", &back_off.replace("40", "300000"))).await;
    let fault = own(&long.url).message(&id("a")).await.expect_err("too long to wait for");
    assert_eq!(fault.retry_after, Some(Duration::from_mins(5)));
    assert_eq!((fault.entry.id, long.asked().len()), ("graph.throttled", 1));
}

/// Promise: a pause inside of a success is kept whatever code it comes with, and counts for everything that goes to the mailbox.
#[rstest]
#[case("ErrorServerBusy")]
#[case("ErrorInsufficientResources")]
#[case("ErrorMailboxStoreUnavailable")]
#[tokio::test]
async fn a_pause_inside_of_a_success_is_kept_whatever_its_code(#[case] code: &'static str) {
    let told = |milliseconds: u32| {
        format!(
            "{code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey><m:MessageXml>\
             <t:Value Name=\"BackOffMilliseconds\">{milliseconds}</t:Value></m:MessageXml><m:ResponseCode>x"
        )
    };
    let (short, long) = (told(900), told(300_000));
    let server = Server::start(move |asked, before| match before {
        0 => response(asked, &[Err(&short)]),
        _ => response(asked, &[Ok(described("a"))]),
    })
    .await;
    let begun = std::time::Instant::now();
    assert!(own(&server.url).message(&id("a")).await.expect("in the end").is_some());
    // Without the pause it would be asked for again after half a second.
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());

    let server = Server::start(move |asked, _| response(asked, &[Err(&long)])).await;
    let mailbox = own(&server.url);
    for _ in 0..2 {
        let fault = mailbox.message(&id("a")).await.expect_err("too long to wait for");
        assert!(fault.retry_after.is_some_and(|pause| pause > Duration::from_mins(4)), "{fault:?}");
    }
    assert_eq!(server.asked().len(), 1, "nothing else goes to the mailbox meanwhile");
}

#[tokio::test]
async fn only_what_was_refused_for_a_time_is_asked_for_again() {
    let server = Server::start(|asked, before| {
        let ids = ids(asked);
        let one = |id: &String| match (id.as_str(), before) {
            ("b", 0) => Err("ErrorMailboxMoveInProgress"),
            ("c", 0) => Err("ErrorBatchProcessingStopped"),
            (id, _) => Ok(described(id)),
        };
        response(asked, &ids.iter().map(one).collect::<Vec<_>>())
    })
    .await;
    let told = own(&server.url).look_at(&[id("a"), id("b"), id("c")], &[], Priority::Live).await;
    assert!(told.iter().all(Result::is_ok), "{told:?}");
    assert_eq!(server.asked().iter().map(ids).collect::<Vec<_>>(), [vec!["a", "b", "c"], vec!["b", "c"]]);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let diagnostics = [("x-ms-diagnostics", "2000003;reason=\"The audience claim value is invalid 'aud'.\"")];
    let server = Server::start(move |asked, _| match asked.header("authorization") {
        "Bearer token-0" => answered(401, &[("x-ms-diagnostics", "2000002;reason=\"expired\"")], ""),
        _ => response(asked, &[Ok(described("a"))]),
    })
    .await;
    let (good, tokens) = mailbox(&server.url, Whose::Own("a@b".to_owned()));
    assert!(good.message(&id("a")).await.expect("found").is_some());
    assert_eq!((tokens.refused_so_far(), server.asked().len()), (1, 2));

    let server = Server::start(move |_, _| answered(401, &diagnostics, "")).await;
    let (bad, tokens) = mailbox(&server.url, Whose::Own("a@b".to_owned()));
    let fault = bad.message(&id("a")).await.expect_err("refused for good");
    assert_eq!((fault.entry.id, tokens.refused_so_far(), server.asked().len()), ("ews.audience", 1, 2));
}

/// Promise: where Exchange finds no permission in a token, the owner of the token is told what they can do: a person signs in again, an
/// application, for which nobody can, is given its role.
#[tokio::test]
async fn a_token_without_permission_is_told_by_whose_it_is() {
    let words = "2000008;reason=\"The token contains no permissions, or permissions can not be understood.\"";
    let server = Server::start(move |_, _| answered(401, &[("x-ms-diagnostics", words)], "")).await;
    for (whose, entry) in [
        (Whose::Own("a@b".to_owned()), "graph.token"),
        (Whose::Impersonated("a@b".to_owned()), "ews.impersonation"),
    ] {
        let (mailbox, _) = mailbox(&server.url, whose);
        assert_eq!(mailbox.message(&id("a")).await.expect_err("refused").entry.id, entry);
    }
}

#[tokio::test]
async fn a_claims_challenge_is_told_as_such() {
    let value = "Bearer error=\"insufficient_claims\", claims=\"eyJhY2Nlc3NfdG9rZW4iOnt9fQ==\"";
    let server = Server::start(move |_, _| answered(401, &[("www-authenticate", value)], "")).await;
    let (mailbox, tokens) = mailbox(&server.url, Whose::Own("a@b".to_owned()));
    let fault = mailbox.message(&id("a")).await.expect_err("refused");
    assert_eq!(
        (fault.entry.id, tokens.challenges()),
        ("graph.claims", vec!["{\"access_token\":{}}".to_owned()])
    );
}

#[rstest]
#[case("EWS is disabled for this user or tenant", "ews.disabled")]
#[case("EWS is blocked by policy for this user or tenant", "ews.not_allowed")]
#[tokio::test]
async fn a_tenant_without_ews_is_told_the_way_to_graph(#[case] reason: &'static str, #[case] entry: &str) {
    let server = Server::start(move |_, _| answered(403, &[("x-ews-policy-reason", reason)], "")).await;
    let mailbox = own(&server.url);
    let Err(SyncError::Fault(fault)) = mailbox.sync(&inbox(), None).await else { panic!("a fault") };
    assert_eq!((fault.entry.id, fault.status), (entry, Some(403)));
    assert!(fault.entry.mend.contains("Graph") && fault.detail.contains(reason), "{fault:?}");
    assert_eq!(server.asked().len(), 1, "it does not pass by itself");
}

#[tokio::test]
async fn an_address_without_ews_loses_no_mail() {
    let server = Server::start(|_, _| answered(404, &[], "<html>")).await;
    let mailbox = own(&server.url);
    let fault = mailbox.message(&id("a")).await.expect_err("a fault, and not: gone");
    assert_eq!((fault.entry.id, fault.status), ("ews.not_there", Some(404)));
    let changed = mailbox.change(&[Change { mark_read: true, ..nothing("a") }]).await;
    assert!(changed[0].is_err());
}

fn nothing(id: &str) -> Change {
    Change {
        id: id.into(),
        mark_read: false,
        categories: Vec::new(),
        stamp: None,
        move_to: None,
        delete: false,
    }
}

#[tokio::test]
async fn no_token_goes_to_another_host() {
    let elsewhere = Server::start(|_, _| answered(200, &[], "")).await;
    let target = format!("{}EWS/Exchange.asmx", elsewhere.url);
    let server = Server::start(move |_, _| answered(302, &[("location", &target)], "")).await;
    let fault = own(&server.url).message(&id("a")).await.expect_err("redirected");
    assert_eq!(fault.entry.id, "ews.redirected");
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn a_forgotten_place_is_a_reset() {
    let server = Server::start(|asked, _| response(asked, &[Err("ErrorInvalidSyncStateData")])).await;
    let mailbox = own(&server.url);
    assert_eq!(mailbox.sync(&inbox(), Some(&"x".into())).await.expect_err("forgotten"), SyncError::Reset);
    assert_eq!(server.asked().len(), 1, "asking again does not help");
    let graph = "https://graph.test/v1.0/delta".into();
    assert_eq!(mailbox.sync(&inbox(), Some(&graph)).await.expect_err("not ours"), SyncError::Reset);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_mail_whose_move_was_answered_to_nobody_is_found_where_it_went() {
    let server = Server::start(|asked, _| match operation(asked) {
        "FindItem" => {
            assert!(asked.body.contains("Id=\"archive\"") && asked.body.contains("PostroomStamp"));
            let found = "<m:RootFolder TotalItemsInView=\"1\" IncludesLastItemInRange=\"true\"><t:Items><t:Message>\
                         <t:ItemId Id=\"new\" ChangeKey=\"k\"/></t:Message></t:Items></m:RootFolder>";
            response(asked, &[Ok(found.to_owned())])
        }
        // Of the two it is the mail that is not there.
        "GetFolder" => {
            let folder = "<m:Folders><t:Folder><t:FolderId Id=\"archive\" ChangeKey=\"k\"/><t:DisplayName>Archive</t:DisplayName>\
                          <t:TotalCount>1</t:TotalCount></t:Folder></m:Folders>";
            response(asked, &[Ok(folder.to_owned())])
        }
        _ => response(asked, &[Err("ErrorItemNotFound")]),
    })
    .await;
    let mailbox = own(&server.url);
    let moved = Change { stamp: Some("s".to_owned()), move_to: Some("archive".into()), ..nothing("old") };
    assert_eq!(mailbox.change(std::slice::from_ref(&moved)).await, [Ok(Changed::Done { id: id("new") })]);
    let unstamped = Change { stamp: None, ..moved };
    assert_eq!(mailbox.change(&[unstamped]).await, [Ok(Changed::Gone)]);
}

#[tokio::test]
async fn sending_and_saving_are_asked_for_once_whatever_the_answer() {
    for status in [429, 500, 503, 504] {
        let server = Server::start(move |asked, _| match operation(asked) {
            "GetItem" => response(asked, &[Ok(described("d"))]),
            _ => answered(status, &[("retry-after", "0")], ""),
        })
        .await;
        let mailbox = own(&server.url);
        assert!(mailbox.send_draft(&id("d")).await.is_err());
        let draft = Draft { mime: "From: a@b\r\n\r\nx".into(), stamp: None };
        assert!(mailbox.create_draft(&draft).await.is_err());
        let asked = server.asked();
        let operations: Vec<&str> = asked.iter().map(operation).collect();
        assert_eq!(operations, ["GetItem", "SendItem", "CreateItem"], "{status}");
    }
}

#[tokio::test]
async fn what_was_sent_before_is_not_sent_again() {
    let server =
        Server::start(|asked, _| response(asked, &[Ok(described("d").replace(">true<", ">false<"))])).await;
    assert!(own(&server.url).send_draft(&id("d")).await.is_err());
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn whose_mailbox_it_is_stands_in_the_request() {
    let server = Server::start(|asked, _| response(asked, &[Ok(String::new())])).await;
    let (shared, _) = mailbox(&server.url, Whose::Shared("team@contoso.test".to_owned()));
    let (application, _) = mailbox(&server.url, Whose::Impersonated("team@contoso.test".to_owned()));
    let asmx = server.url.join("/elsewhere/ews.asmx").expect("an address");
    let _ =
        (shared.folder("inbox").await, application.folder("inbox").await, own(&asmx).folder("inbox").await);
    let asked = server.asked();
    let has = |asked: &Asked, path: &[&str]| xml::read(&asked.body).expect("a document").at(path).is_some();
    let named = ["Body", "GetFolder", "FolderIds", "DistinguishedFolderId", "Mailbox", "EmailAddress"];
    let impersonated = ["Header", "ExchangeImpersonation"];
    assert!(has(&asked[0], &named) && !has(&asked[0], &impersonated));
    assert!(!has(&asked[1], &named) && has(&asked[1], &impersonated));
    assert!(!has(&asked[2], &named) && !has(&asked[2], &impersonated));
    assert!(asked[..2].iter().all(|asked| asked.header("x-anchormailbox") == "team@contoso.test"));
    assert_eq!(asked[2].target, "/elsewhere/ews.asmx");
}

/// The published schema, beside the project where it is there.
fn schema() -> Option<PathBuf> {
    const FILE: &str = "specs/ews/messages.xsd";
    if let Ok(shared) = std::env::var("POSTROOM_SHARED") {
        return Some(Path::new(&shared).join(FILE)).filter(|path| path.is_file());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.ancestors().map(|folder| folder.join("shared").join(FILE)).find(|path| path.is_file())
}

/// Every request that can be made.
async fn every_request(mailbox: &EwsMailbox) {
    let odd = "a&b<\"'>\u{1}é";
    let folder = FolderId::from("AAA/b+=");
    let all = Change {
        mark_read: true,
        categories: vec![odd.to_owned()],
        stamp: Some(odd.to_owned()),
        move_to: Some(folder.clone()),
        ..nothing("x")
    };
    let gone = Change { delete: true, ..nothing("x") };
    let draft = Draft { mime: "From: a@b\r\n\r\nx".into(), stamp: Some(odd.to_owned()) };
    let since = Some("2026-11-01T08:00:00.5Z".parse().expect("a time"));
    let _ = mailbox.sync(&folder, Some(&odd.into())).await;
    let _ = mailbox.ids(&inbox(), None).await;
    let _ = mailbox.older(&folder, since, None).await;
    let _ = mailbox.older(&inbox(), None, None).await;
    let _ = mailbox.count(&inbox(), since).await;
    let _ = mailbox.newest(&inbox(), 3).await;
    let _ = mailbox.mime(&id("x")).await;
    let _ = mailbox.message(&id("x")).await;
    let _ = mailbox.find(&Find::MessageId(odd.to_owned())).await;
    let _ = mailbox.find(&Find::Stamp { value: odd.to_owned() }).await;
    let _ = mailbox.change(&[all, gone]).await;
    let _ = mailbox.create_draft(&draft).await;
    let picture = File {
        name: odd.to_owned(),
        content_type: "image/png; name=\"x\"".to_owned(),
        content_id: Some(odd.to_owned()),
        content: "x".into(),
    };
    let _ = mailbox.attach(&id("x"), &picture).await;
    let _ = mailbox.attach(&id("x"), &File { content_id: None, ..picture }).await;
    let _ = mailbox.attachments(&id("x")).await;
    let _ = mailbox.send_draft(&id("x")).await;
    let _ = mailbox.probe().await;
}

#[tokio::test]
#[allow(clippy::print_stdout, reason = "says what was left out")]
async fn every_request_is_valid_by_the_published_schema() {
    let Some(schema) = schema() else {
        println!("skipped: EWS requests against their schema (shared data not present)");
        return;
    };
    let item = described("x").replace("<m:Items>", "").replace("</m:Items>", "");
    let server = Server::start(move |asked, _| {
        let parts = xml::read(&asked.body).expect("a document");
        let count = ["ItemIds", "ItemChanges", "FolderIds", "ParentFolderIds", "SyncFolderId", "Items", "Attachments"]
            .iter()
            .find_map(|name| parts.all(name).first().map(|list| list.children.len()))
            .expect("parts");
        let folder = "<t:Folder><t:FolderId Id=\"f\"/><t:DisplayName>Inbox</t:DisplayName></t:Folder>";
        let content = match operation(asked) {
            "GetFolder" => format!("<m:Folders>{folder}</m:Folders>"),
            "FindFolder" => {
                format!("<m:RootFolder IncludesLastItemInRange=\"true\"><t:Folders>{folder}</t:Folders></m:RootFolder>")
            }
            "FindItem" => format!("<m:RootFolder TotalItemsInView=\"1\"><t:Items>{item}</t:Items></m:RootFolder>"),
            "SyncFolderItems" => listed(&["x"]),
            _ => format!("<m:Items>{item}</m:Items>"),
        };
        response(asked, &vec![Ok(content); count])
    })
    .await;
    for whose in [Whose::Own("a@b".into()), Whose::Shared("a&b@c".into()), Whose::Impersonated("a@b".into())]
    {
        every_request(&mailbox(&server.url, whose).0).await;
    }
    let asked = server.asked();
    let mut operations: Vec<&str> = asked.iter().map(operation).collect();
    check(&schema, &asked);
    operations.sort_unstable();
    operations.dedup();
    let expected = [
        "CreateAttachment",
        "CreateItem",
        "DeleteItem",
        "FindFolder",
        "FindItem",
        "GetFolder",
        "GetItem",
        "MoveItem",
        "SendItem",
        "SyncFolderItems",
        "UpdateItem",
    ];
    assert_eq!(operations, expected);
}

/// Holds what is in the envelopes' bodies against the schema, in one run: reading the schema is what takes time.
fn check(schema: &Path, asked: &[Asked]) {
    let folder = std::env::temp_dir().join(format!("postroom-ews-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).expect("a folder");
    let mut bodies: Vec<&str> = asked.iter().map(|asked| asked.body.as_str()).collect();
    bodies.sort_unstable();
    bodies.dedup();
    let mut files = Vec::new();
    for (number, envelope) in bodies.iter().enumerate() {
        let (_, rest) = envelope.split_once("<soap:Body>").expect("a body");
        let (body, _) = rest.split_once("</soap:Body>").expect("a body");
        let end = body.find([' ', '>']).expect("an element");
        let (begin, rest) = body.split_at(end);
        let (messages, types) = (envelope::MESSAGES, envelope::TYPES);
        let file = folder.join(format!("{number}.xml"));
        let document = format!("{begin} xmlns:m=\"{messages}\" xmlns:t=\"{types}\"{rest}");
        std::fs::write(&file, document).expect("written");
        files.push(file);
    }
    let output = Command::new("xmllint")
        .args(["--nonet", "--noout", "--schema"])
        .arg(schema)
        .args(&files)
        .output()
        .expect("xmllint");
    std::fs::remove_dir_all(&folder).expect("removed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
