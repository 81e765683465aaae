//! EWS as its callers meet it. Every answer, a fault too, is checked against the published schema where
//! that is present.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Answer, MAIL, SUPPORT, World, between, encoded, world};
use crate::ews_schema;

pub(crate) const SCOPE: &str = "https://outlook.office365.com/EWS.AccessAsUser.All offline_access";
pub(crate) const ANNA: &str = "anna@contoso.test";
const STAMP: &str = "<t:ExtendedFieldURI DistinguishedPropertySetId=\"PublicStrings\" PropertyName=\"Postroom\" PropertyType=\"String\"/>";

pub(crate) fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\" xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\"><soap:Header><t:RequestServerVersion Version=\"Exchange2013_SP1\"/></soap:Header><soap:Body>{body}</soap:Body></soap:Envelope>"
    )
}

impl World {
    pub(crate) async fn ews_raw(&self, token: &str, envelope: String, headers: &[(&str, &str)]) -> Answer {
        let mut request = self
            .http
            .post(format!("{}/EWS/Exchange.asmx", self.ready().ews))
            .bearer_auth(token)
            .header("content-type", "text/xml; charset=utf-8")
            .header("x-anchormailbox", SUPPORT)
            .body(envelope);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = Answer::of(request.send().await.expect("an answer")).await;
        if answer.header("content-type").starts_with("text/xml") {
            ews_schema::check(&answer.text);
        }
        answer
    }

    /// An operation; its answer, which must be one of SOAP without a fault.
    pub(crate) async fn ews(&self, token: &str, body: &str) -> String {
        let answer = self.ews_raw(token, envelope(body), &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{body}\n{}", answer.text);
        answer.text
    }

    /// A response code other than success.
    pub(crate) async fn ews_code(&self, token: &str, body: &str) -> String {
        code(&self.ews(token, body).await)
    }
}

/// The first response code.
pub(crate) fn code(text: &str) -> String {
    let rest = text.find("ResponseCode").map_or("", |at| &text[at..]);
    between(rest, ">", "<").unwrap_or_default().to_owned()
}

/// Id and change key of the items in an answer.
pub(crate) fn items(text: &str) -> Vec<(String, String)> {
    text.split("<t:ItemId Id=\"")
        .skip(1)
        .map(|rest| {
            let id = rest.split('"').next().unwrap_or_default().to_owned();
            let tag = rest.split('>').next().unwrap_or_default();
            (id, between(tag, "ChangeKey=\"", "\"").unwrap_or_default().to_owned())
        })
        .collect()
}

pub(crate) fn ids(all: &[(String, String)]) -> String {
    let mut out = String::new();
    for (id, key) in all {
        let _ = write!(out, "<t:ItemId Id=\"{id}\" ChangeKey=\"{key}\"/>");
    }
    out
}

pub(crate) fn sync(shape: &str, folder: &str, state: Option<&str>, most: usize) -> String {
    let state = state.map(|state| format!("<m:SyncState>{state}</m:SyncState>")).unwrap_or_default();
    format!(
        "<m:SyncFolderItems><m:ItemShape>{shape}</m:ItemShape><m:SyncFolderId>{folder}</m:SyncFolderId>{state}<m:MaxChangesReturned>{most}</m:MaxChangesReturned></m:SyncFolderItems>"
    )
}

pub(crate) const ID_ONLY: &str = "<t:BaseShape>IdOnly</t:BaseShape>";
pub(crate) const INBOX: &str = "<t:DistinguishedFolderId Id=\"inbox\"/>";

fn state(text: &str) -> String {
    between(text, "<m:SyncState>", "<").expect("a state").to_owned()
}

pub(crate) fn get(ids: &str, shape: &str) -> String {
    format!("<m:GetItem><m:ItemShape>{shape}</m:ItemShape><m:ItemIds>{ids}</m:ItemIds></m:GetItem>")
}

pub(crate) fn set(id: &(String, String), resolution: &str, field: &str, message: &str) -> String {
    format!(
        "<m:UpdateItem ConflictResolution=\"{resolution}\" MessageDisposition=\"SaveOnly\" SuppressReadReceipts=\"true\"><m:ItemChanges><t:ItemChange>{}<t:Updates><t:SetItemField>{field}<t:Message>{message}</t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>",
        ids(std::slice::from_ref(id))
    )
}

/// No token, a wrong one, an expired one, one for Graph, one of a user without a mailbox: each with what the headers tell.
#[tokio::test]
async fn tokens_are_checked() {
    let world = world().await;
    let url = format!("{}/EWS/Exchange.asmx", world.ready().ews);
    let bare = world.http.post(&url).send().await.expect("an answer");
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
    let challenge = bare.headers()["www-authenticate"].to_str().expect("text");
    assert!(
        challenge.contains("client_id=\"00000002-0000-0ff1-ce00-000000000000\"")
            && challenge.contains("token_types=\"app_asserted_user_v1 service_asserted_app_v1\"")
            && !challenge.contains("error="),
        "{challenge}"
    );
    let folder = format!(
        "<m:GetFolder><m:FolderShape>{ID_ONLY}</m:FolderShape><m:FolderIds>{INBOX}</m:FolderIds></m:GetFolder>"
    );
    let diagnostics = async |token: &str| {
        let answer = world.ews_raw(token, envelope(&folder), &[]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
        answer.header("x-ms-diagnostics").to_owned()
    };
    assert!(diagnostics("nonsense").await.starts_with("2000001;"));
    assert!(diagnostics("a.b.c").await.contains("error_category=\"invalid_signature\""));
    let graph = world.access(SUPPORT, MAIL).await;
    assert_eq!(
        diagnostics(&graph).await,
        "2000003;reason=\"The audience claim value is invalid 'aud'.\";error_category=\"invalid_resource\""
    );
    let kiosk = world.access("kiosk@contoso.test", SCOPE).await;
    assert!(diagnostics(&kiosk).await.starts_with("2000005;"));
    let token = world.access(SUPPORT, SCOPE).await;
    assert_eq!(world.ews_code(&token, &folder).await, "NoError");
    world.sim.clock().advance(SignedDuration::from_hours(2));
    assert!(diagnostics(&token).await.contains("error_category=\"token_expired\""));
}

/// The policy's two reasons, for the organization, a mailbox and the list of apps.
#[tokio::test]
async fn the_policy_says_why() {
    let world = world().await;
    let token = world.access(SUPPORT, SCOPE).await;
    let anna = world.access(ANNA, SCOPE).await;
    let body = envelope(&sync(ID_ONLY, INBOX, None, 5));
    let reason = async |token: &str| {
        let answer = world.ews_raw(token, body.clone(), &[]).await;
        (answer.status.as_u16(), answer.header("x-ews-policy-reason").to_owned())
    };
    let disabled = (403, "EWS is disabled for this user or tenant".to_owned());
    assert_eq!(reason(&token).await, (200, String::new()));
    world.post_lever("/ews/policy", json!({"enabled": false, "mailbox": SUPPORT})).await;
    assert_eq!(reason(&token).await, disabled);
    assert_eq!(reason(&anna).await.0, 200);
    world.post_lever("/ews/policy", json!({"enabled": false})).await;
    assert_eq!(reason(&anna).await, disabled);
    let policy = world.post_lever("/ews/policy", json!({"enabled": true, "allowed_app_ids": []})).await;
    assert_eq!(policy["allowed_app_ids"], json!([]));
    assert_eq!(reason(&anna).await, (403, "EWS is blocked by policy for this user or tenant".to_owned()));
    let own = world.ready().client_id.clone();
    world.post_lever("/ews/policy", json!({"allowed_app_ids": [own]})).await;
    assert_eq!(reason(&anna).await.0, 200);
}

/// Breaches of the schema are faults with their place; so are documents that are none.
#[tokio::test]
async fn breaches_of_the_schema_are_faults() {
    let world = world().await;
    let token = world.access(SUPPORT, SCOPE).await;
    let folders = format!("<m:FolderIds>{INBOX}</m:FolderIds>");
    let shape = format!("<m:FolderShape>{ID_ONLY}</m:FolderShape>");
    for wrong in [
        envelope(&format!("<m:GetFolder>{folders}{shape}</m:GetFolder>")),
        envelope(&format!("<m:GetFolder>{shape}</m:GetFolder>")),
        envelope(&sync(ID_ONLY, INBOX, None, 513)),
        envelope(&format!("<GetFolder>{shape}{folders}</GetFolder>")),
        envelope("").replace("<soap:Body>", "<soap:Body><m:GetFolder>"),
        "<!DOCTYPE x [<!ENTITY a \"b\">]><x/>".to_owned(),
        "not XML".to_owned(),
    ] {
        let answer = world.ews_raw(&token, wrong, &[]).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", answer.text);
        assert_eq!(code(&answer.text), "ErrorSchemaValidation");
        assert!(answer.text.contains("a:ErrorSchemaValidation") && answer.text.contains("<t:LineNumber>"));
    }
    let body = format!(
        "<x:GetFolder xmlns:x=\"http://schemas.microsoft.com/exchange/services/2006/messages\">{shape}{folders}</x:GetFolder>"
    );
    assert_eq!(world.ews_code(&token, &body).await, "NoError");
    let answer = world.ews_raw(&token, envelope("<m:GetUserConfiguration/>"), &[]).await;
    assert_eq!((answer.status.as_u16(), code(&answer.text).as_str()), (500, "ErrorInvalidOperation"));
    let version = envelope(&body).replace("Exchange2013_SP1", "Exchange2003");
    let answer = world.ews_raw(&token, version, &[]).await;
    assert_eq!(code(&answer.text), "ErrorInvalidServerVersion");
    let json = world.http.post(format!("{}/EWS/Exchange.asmx", world.ready().ews)).bearer_auth(&token);
    let json = json.json(&json!({})).send().await.expect("an answer");
    assert_eq!(json.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

/// A first synchronization tells everything in steps; later ones what changed, and how.
#[tokio::test]
async fn synchronization_tells_what_changed() {
    let world = world().await;
    let token = world.access(SUPPORT, SCOPE).await;
    for number in 0..5 {
        world.mail(SUPPORT, &format!("m{number}"));
    }
    let first = world.ews(&token, &sync(ID_ONLY, INBOX, None, 3)).await;
    assert!(first.contains("IncludesLastItemInRange>false<"));
    let second = world.ews(&token, &sync(ID_ONLY, INBOX, Some(&state(&first)), 3)).await;
    assert!(second.contains("IncludesLastItemInRange>true<"));
    let all = [items(&first), items(&second)].concat();
    assert_eq!(all.len(), 5);
    assert_eq!(first.matches("<t:Create>").count(), 3);

    let read = "<t:FieldURI FieldURI=\"message:IsRead\"/>";
    let done = world.ews(&token, &set(&all[0], "AutoResolve", read, "<t:IsRead>true</t:IsRead>")).await;
    assert_ne!(items(&done)[0].1, all[0].1, "a change has a new change key");
    let categories = "<t:FieldURI FieldURI=\"item:Categories\"/>";
    let jira = "<t:Categories><t:String>Jira</t:String></t:Categories>";
    world.ews(&token, &set(&all[1], "AutoResolve", categories, jira)).await;
    let to = "<m:ToFolderId><t:DistinguishedFolderId Id=\"archive\"/></m:ToFolderId>";
    let moved = world
        .ews(&token, &format!("<m:MoveItem>{to}<m:ItemIds>{}</m:ItemIds><m:ReturnNewItemIds>true</m:ReturnNewItemIds></m:MoveItem>", ids(&all[2..3])))
        .await;
    let moved = items(&moved).remove(0);
    assert_ne!(moved.0, all[2].0, "a move gives a new id");
    assert_eq!(world.ews_code(&token, &get(&ids(&all[2..3]), ID_ONLY)).await, "ErrorItemNotFound");
    assert_eq!(world.ews_code(&token, &get(&ids(&[moved]), ID_ONLY)).await, "NoError");
    world
        .ews(
            &token,
            &format!(
                "<m:DeleteItem DeleteType=\"HardDelete\"><m:ItemIds>{}</m:ItemIds></m:DeleteItem>",
                ids(&all[3..4])
            ),
        )
        .await;
    let text = world.ews(&token, &sync(ID_ONLY, INBOX, Some(&state(&second)), 512)).await;
    let flag =
        between(&text, "<t:ReadFlagChange>", "</t:ReadFlagChange>").expect("a change of the read flag");
    assert_eq!((items(flag)[0].0.as_str(), flag.contains("<t:IsRead>true<")), (all[0].0.as_str(), true));
    let update = between(&text, "<t:Update>", "</t:Update>").expect("an update");
    assert_eq!(items(update)[0].0, all[1].0);
    let gone: Vec<String> = text
        .split("<t:Delete>")
        .skip(1)
        .flat_map(|rest| items(rest).into_iter().take(1))
        .map(|(id, _)| id)
        .collect();
    assert_eq!(gone, [all[2].0.clone(), all[3].0.clone()]);

    assert_eq!(
        world.ews_code(&token, &sync(ID_ONLY, INBOX, Some("nonsense"), 5)).await,
        "ErrorInvalidSyncStateData"
    );
    let archive = "<t:DistinguishedFolderId Id=\"archive\"/>";
    assert_eq!(
        world.ews_code(&token, &sync(ID_ONLY, archive, Some(&state(&text)), 5)).await,
        "ErrorInvalidSyncStateData"
    );
    world.post_lever("/ews/sync/reset", json!({"mailbox": SUPPORT})).await;
    assert_eq!(
        world.ews_code(&token, &sync(ID_ONLY, INBOX, Some(&state(&text)), 5)).await,
        "ErrorInvalidSyncStateData"
    );
    assert_eq!(items(&world.ews(&token, &sync(ID_ONLY, INBOX, None, 5)).await).len(), 3);
}

/// A mail is one mail over both protocols: what one writes the other reads.
#[tokio::test]
async fn a_mail_is_the_same_over_graph() {
    let world = world().await;
    let token = world.access(SUPPORT, SCOPE).await;
    let graph = world.access(SUPPORT, MAIL).await;
    let raw = "From: \"Ada & Co\" <ada@customer.example>\r\nTo: Support <support@contoso.test>\r\nCc: b@customer.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe_=26_mehr?=\r\nMessage-ID: <one@customer.example>\r\nReferences: <zero@customer.example>\r\nX-Own: 1 < 2\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello &amp; welcome</p>\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--b--\r\n";
    let immutable = world.sim.deliver(SUPPORT, raw).expect("a mailbox");
    let id = items(&world.ews(&token, &sync(ID_ONLY, INBOX, None, 5)).await).remove(0);
    let shape = "<t:BaseShape>AllProperties</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent><t:BodyType>Text</t:BodyType><t:AdditionalProperties><t:ExtendedFieldURI PropertyTag=\"0x1039\" PropertyType=\"String\"/><t:IndexedFieldURI FieldURI=\"item:InternetMessageHeader\" FieldIndex=\"X-Own\"/><t:FieldURI FieldURI=\"item:UniqueBody\"/><t:FieldURI FieldURI=\"item:TextBody\"/></t:AdditionalProperties>";
    let text = world.ews(&token, &get(&ids(std::slice::from_ref(&id)), shape)).await;
    let mime = between(&text, "<t:MimeContent CharacterSet=\"UTF-8\">", "<").expect("MIME");
    let mime = STANDARD.decode(mime).expect("base64");
    assert!(mime.ends_with(raw.as_bytes()));
    let path = format!("/me/messages/{}", encoded(&immutable));
    let over_graph = world.get(&graph, &format!("{path}/$value")).await;
    assert_eq!(over_graph.text.as_bytes(), mime.as_slice());
    for expected in [
        "<t:Subject>Grüße &amp; mehr</t:Subject>",
        "<t:Name>Ada &amp; Co</t:Name>",
        "<t:InternetMessageId>&lt;one@customer.example&gt;</t:InternetMessageId>",
        "<t:Body BodyType=\"Text\">Hello &amp; welcome</t:Body>",
        "<t:HasAttachments>true</t:HasAttachments>",
        "<t:Value>&lt;zero@customer.example&gt;</t:Value>",
        "HeaderName=\"X-Own\">1 &lt; 2<",
        "<t:Name>a.pdf</t:Name>",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    let attachment = between(&text, "<t:AttachmentId Id=\"", "\"").expect("an attachment");
    let file = world
        .ews(&token, &format!("<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id=\"{attachment}\"/></m:AttachmentIds></m:GetAttachment>"))
        .await;
    assert_eq!(between(&file, "<t:Content>", "<"), Some("JVBERi0="));

    let graph_name = "String {00020329-0000-0000-C000-000000000046} Name Postroom";
    let property = format!("<t:ExtendedProperty>{STAMP}<t:Value>op-1</t:Value></t:ExtendedProperty>");
    world.ews(&token, &set(&id, "AlwaysOverwrite", STAMP, &property)).await;
    let expand =
        format!("{path}?$select=id&$expand=singleValueExtendedProperties($filter=id%20eq%20'{graph_name}')");
    let seen = world.get(&graph, &expand).await;
    assert_eq!(seen.json["singleValueExtendedProperties"][0]["value"], "op-1", "{}", seen.text);
    let filter = format!(
        "/me/messages?$filter=singleValueExtendedProperties/Any(ep:%20ep/id%20eq%20'{graph_name}'%20and%20ep/value%20eq%20'op-1')&$select=id"
    );
    let found = world.get(&graph, &filter).await;
    assert_eq!(found.json["value"][0]["id"], immutable.as_str(), "{}", found.text);
    let patch = json!({"singleValueExtendedProperties": [{"id": graph_name, "value": "op-2"}], "categories": ["Jira"]});
    world.graph(&graph, Method::PATCH, &path, Some(patch)).await;
    let find = |restriction: &str| {
        format!(
            "<m:FindItem Traversal=\"Shallow\"><m:ItemShape>{ID_ONLY}<t:AdditionalProperties>{STAMP}</t:AdditionalProperties></m:ItemShape><m:IndexedPageItemView MaxEntriesReturned=\"10\" Offset=\"0\" BasePoint=\"Beginning\"/><m:Restriction>{restriction}</m:Restriction><m:ParentFolderIds>{INBOX}</m:ParentFolderIds></m:FindItem>"
        )
    };
    let stamped = |value: &str| {
        find(&format!(
            "<t:And><t:IsEqualTo>{STAMP}<t:FieldURIOrConstant><t:Constant Value=\"{value}\"/></t:FieldURIOrConstant></t:IsEqualTo><t:Contains ContainmentMode=\"FullString\" ContainmentComparison=\"IgnoreCase\"><t:FieldURI FieldURI=\"item:Categories\"/><t:Constant Value=\"jira\"/></t:Contains></t:And>"
        ))
    };
    let text = world.ews(&token, &stamped("op-2")).await;
    assert_eq!(items(&text)[0].0, id.0);
    assert!(text.contains("<t:Value>op-2</t:Value>"));
    assert!(items(&world.ews(&token, &stamped("op-1")).await).is_empty());
    let by_message_id = find(
        "<t:IsEqualTo><t:FieldURI FieldURI=\"message:InternetMessageId\"/><t:FieldURIOrConstant><t:Constant Value=\"&lt;one@customer.example&gt;\"/></t:FieldURIOrConstant></t:IsEqualTo>",
    );
    assert_eq!(items(&world.ews(&token, &by_message_id).await)[0].0, id.0);
}

/// Pages, order, comparisons with times, and the limits.
#[tokio::test]
async fn items_are_found_in_pages() {
    let world = world().await;
    let token = world.access(SUPPORT, SCOPE).await;
    for number in 0..7 {
        world.mail(SUPPORT, &format!("m{number}"));
        world.sim.clock().advance(SignedDuration::from_secs(60));
    }
    let find = |view: &str, rest: &str| {
        format!(
            "<m:FindItem Traversal=\"Shallow\"><m:ItemShape>{ID_ONLY}<t:AdditionalProperties><t:FieldURI FieldURI=\"item:Subject\"/></t:AdditionalProperties></m:ItemShape>{view}{rest}<m:ParentFolderIds>{INBOX}</m:ParentFolderIds></m:FindItem>"
        )
    };
    let page = |offset: usize| {
        format!(
            "<m:IndexedPageItemView MaxEntriesReturned=\"3\" Offset=\"{offset}\" BasePoint=\"Beginning\"/>"
        )
    };
    let order = "<m:SortOrder><t:FieldOrder Order=\"Ascending\"><t:FieldURI FieldURI=\"item:DateTimeReceived\"/></t:FieldOrder></m:SortOrder>";
    let subjects = |text: &str| -> Vec<String> {
        text.split("<t:Subject>")
            .skip(1)
            .map(|rest| rest.split('<').next().unwrap_or_default().to_owned())
            .collect()
    };
    let text = world.ews(&token, &find(&page(0), order)).await;
    assert_eq!(subjects(&text), ["m0", "m1", "m2"]);
    assert!(
        text.contains("IndexedPagingOffset=\"3\" TotalItemsInView=\"7\" IncludesLastItemInRange=\"false\"")
    );
    let text = world.ews(&token, &find(&page(6), order)).await;
    assert_eq!(subjects(&text), ["m6"]);
    assert!(text.contains("IncludesLastItemInRange=\"true\""));
    let since = "<m:Restriction><t:IsGreaterThanOrEqualTo><t:FieldURI FieldURI=\"item:DateTimeReceived\"/><t:FieldURIOrConstant><t:Constant Value=\"2026-11-24T10:05:00Z\"/></t:FieldURIOrConstant></t:IsGreaterThanOrEqualTo></m:Restriction>";
    let text = world.ews(&token, &find("", &format!("{since}{order}"))).await;
    assert_eq!(subjects(&text), ["m5", "m6"]);
    let wrong = since.replace("2026-11-24T10:05:00Z", "soon");
    assert_eq!(world.ews_code(&token, &find("", &wrong)).await, "ErrorInvalidValueForProperty");
    let none = page(0).replace("\"3\"", "\"0\"");
    assert_eq!(world.ews_code(&token, &find(&none, "")).await, "ErrorInvalidPagingMaxRows");
}

/// Drafts, sending, conflicts of change keys.
#[tokio::test]
async fn drafts_are_made_and_sent() {
    let world = world().await;
    let token = world.access(SUPPORT, SCOPE).await;
    let mime = STANDARD.encode("From: Support <support@contoso.test>\r\nTo: anna@contoso.test, x@customer.example\r\nSubject: from MIME\r\nMessage-ID: <ours@contoso.test>\r\n\r\nHello\r\n");
    let make = |disposition: &str, message: &str| {
        format!(
            "<m:CreateItem MessageDisposition=\"{disposition}\"><m:Items><t:Message>{message}</t:Message></m:Items></m:CreateItem>"
        )
    };
    let stamped = format!(
        "<t:MimeContent CharacterSet=\"UTF-8\">{mime}</t:MimeContent><t:ExtendedProperty>{STAMP}<t:Value>op-9</t:Value></t:ExtendedProperty>"
    );
    let draft = items(&world.ews(&token, &make("SaveOnly", &stamped)).await).remove(0);
    let truth = world.truth(SUPPORT).await;
    assert_eq!((&truth[0]["folder"], &truth[0]["is_draft"]), (&json!("drafts"), &json!(true)));
    assert_eq!(truth[0]["ews_id"], draft.0.as_str());
    assert_eq!(world.truth(ANNA).await.len(), 0);

    let send = |id: &str| {
        format!(
            "<m:SendItem SaveItemToFolder=\"true\"><m:ItemIds>{id}</m:ItemIds><m:SavedItemFolderId><t:DistinguishedFolderId Id=\"sentitems\"/></m:SavedItemFolderId></m:SendItem>"
        )
    };
    let bare = format!("<t:ItemId Id=\"{}\"/>", draft.0);
    assert_eq!(world.ews_code(&token, &send(&bare)).await, "ErrorChangeKeyRequired");
    let subject = "<t:FieldURI FieldURI=\"item:Subject\"/>";
    let changed =
        world.ews(&token, &set(&draft, "NeverOverwrite", subject, "<t:Subject>changed</t:Subject>")).await;
    assert!(changed.contains("<m:ConflictResults><t:Count>0</t:Count>"));
    let now = items(&changed).remove(0);
    assert_eq!(world.ews_code(&token, &send(&ids(std::slice::from_ref(&draft)))).await, "ErrorStaleObject");
    assert_eq!(
        world.ews_code(&token, &set(&draft, "NeverOverwrite", subject, "<t:Subject>x</t:Subject>")).await,
        "ErrorIrresolvableConflict"
    );
    assert_eq!(world.ews_code(&token, &send(&ids(&[now]))).await, "NoError");
    let truth = world.truth(SUPPORT).await;
    assert_eq!((&truth[0]["folder"], &truth[0]["is_draft"]), (&json!("sentitems"), &json!(false)));
    assert_eq!(truth[0]["internet_message_id"], "<ours@contoso.test>");
    let stamp = truth[0]["extended_properties"].as_object().expect("properties").values().next();
    assert_eq!(stamp, Some(&json!("op-9")));
    assert_eq!(world.truth(ANNA).await[0]["subject"], "changed");
    let outside = world.lever(Method::GET, "/sent-outside", json!(null)).await;
    assert_eq!(outside[0]["to"], "x@customer.example");

    let fields = "<t:Subject>by fields</t:Subject><t:Body BodyType=\"HTML\">&lt;p&gt;hi&lt;/p&gt;</t:Body><t:ToRecipients><t:Mailbox><t:EmailAddress>anna@contoso.test</t:EmailAddress></t:Mailbox></t:ToRecipients>";
    let sent = world.ews(&token, &make("SendAndSaveCopy", fields)).await;
    assert!(sent.contains("<m:Items/>"));
    assert_eq!(world.truth(ANNA).await.len(), 2);
    let from = "<t:From><t:Mailbox><t:EmailAddress>bruno@contoso.test</t:EmailAddress></t:Mailbox></t:From>";
    assert_eq!(
        world.ews_code(&token, &make("SendOnly", &format!("{fields}{from}"))).await,
        "ErrorSendAsDenied"
    );
    let nobody = "<t:Subject>to nobody</t:Subject>";
    assert_eq!(world.ews_code(&token, &make("SendOnly", nobody)).await, "ErrorInvalidRecipients");
    let broken = "<t:MimeContent>%%%</t:MimeContent>";
    assert_eq!(
        world.ews_code(&token, &make("SaveOnly", broken)).await,
        "ErrorMimeContentInvalidBase64String"
    );
}

/// Files are added to a draft, and taken from it.
#[tokio::test]
async fn attachments_are_added_and_removed() {
    let world = world().await;
    let token = world.access(SUPPORT, SCOPE).await;
    let draft = "<m:CreateItem MessageDisposition=\"SaveOnly\"><m:Items><t:Message><t:Subject>with a file</t:Subject></t:Message></m:Items></m:CreateItem>";
    let id = items(&world.ews(&token, draft).await).remove(0);
    let text = world
        .ews(&token, &format!("<m:CreateAttachment><m:ParentItemId Id=\"{}\"/><m:Attachments><t:FileAttachment><t:Name>ä.txt</t:Name><t:ContentType>text/plain</t:ContentType><t:Content>aGk=</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>", id.0))
        .await;
    let attachment = between(&text, "<t:AttachmentId Id=\"", "\"").expect("an id");
    let root = between(&text, "RootItemChangeKey=\"", "\"").expect("a change key");
    assert_ne!(root, id.1);
    let one = format!("<m:AttachmentIds><t:AttachmentId Id=\"{attachment}\"/></m:AttachmentIds>");
    let file = world.ews(&token, &format!("<m:GetAttachment>{one}</m:GetAttachment>")).await;
    assert_eq!(between(&file, "<t:Content>", "<"), Some("aGk="));
    assert!(file.contains("<t:Name>ä.txt</t:Name>"));
    world.ews(&token, &format!("<m:DeleteAttachment>{one}</m:DeleteAttachment>")).await;
    assert_eq!(
        world.ews_code(&token, &format!("<m:GetAttachment>{one}</m:GetAttachment>")).await,
        "ErrorItemNotFound"
    );
}

/// Folders: the tree, new ones, renamed and vanished ones, and what synchronization says of them.
#[tokio::test]
async fn folders_come_and_go() {
    let world = world().await;
    let token = world.access(SUPPORT, SCOPE).await;
    let shape = "<m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>";
    let tree = format!(
        "<m:FindFolder Traversal=\"Deep\">{shape}<m:ParentFolderIds><t:DistinguishedFolderId Id=\"msgfolderroot\"/></m:ParentFolderIds></m:FindFolder>"
    );
    let hierarchy = |state: &str| {
        format!(
            "<m:SyncFolderHierarchy>{shape}<m:SyncFolderId><t:DistinguishedFolderId Id=\"msgfolderroot\"/></m:SyncFolderId>{state}</m:SyncFolderHierarchy>"
        )
    };
    let begin = world.ews(&token, &hierarchy("")).await;
    assert!(begin.contains("<t:DisplayName>Inbox</t:DisplayName>") && begin.contains("<t:Create>"));
    let made = world
        .post_lever(&format!("/mailboxes/{SUPPORT}/folders"), json!({"name": "Orders", "parent": "Inbox"}))
        .await;
    let id = made["ews_id"].as_str().expect("an id");
    let text = world.ews(&token, &tree).await;
    assert!(text.contains("<t:DisplayName>Orders</t:DisplayName>") && text.contains(id));
    let orders = format!("<t:FolderId Id=\"{id}\"/>");
    let synced = world.ews(&token, &sync(ID_ONLY, &orders, None, 5)).await;
    let lever = format!("/mailboxes/{SUPPORT}/folders/Inbox/Orders");
    world.lever(Method::PATCH, &lever, json!({"name": "Bestellungen"})).await;
    assert_eq!(world.ews_code(&token, &sync(ID_ONLY, &orders, Some(&state(&synced)), 5)).await, "NoError");
    let known = format!("<m:SyncState>{}</m:SyncState>", state(&begin));
    let changes = world.ews(&token, &hierarchy(&known)).await;
    assert_eq!(changes.matches("<t:Create>").count(), 1);
    world
        .lever(Method::DELETE, &format!("/mailboxes/{SUPPORT}/folders/Inbox/Bestellungen"), json!(null))
        .await;
    assert_eq!(
        world.ews_code(&token, &sync(ID_ONLY, &orders, Some(&state(&synced)), 5)).await,
        "ErrorSyncFolderNotFound"
    );
    let known = format!("<m:SyncState>{}</m:SyncState>", state(&changes));
    assert!(world.ews(&token, &hierarchy(&known)).await.contains("<t:Delete><t:FolderId"));
    let folder =
        |inside: &str| format!("<m:GetFolder>{shape}<m:FolderIds>{inside}</m:FolderIds></m:GetFolder>");
    assert_eq!(world.ews_code(&token, &folder(&orders)).await, "ErrorFolderNotFound");

    let create = "<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id=\"inbox\"/></m:ParentFolderId><m:Folders><t:Folder><t:DisplayName>Neu</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>";
    let text = world.ews(&token, create).await;
    let id = between(&text, "<t:FolderId Id=\"", "\"").expect("an id");
    assert_eq!(world.ews_code(&token, create).await, "ErrorFolderExists");
    let remove = |inside: &str| {
        format!(
            "<m:DeleteFolder DeleteType=\"HardDelete\"><m:FolderIds>{inside}</m:FolderIds></m:DeleteFolder>"
        )
    };
    assert_eq!(world.ews_code(&token, &remove(INBOX)).await, "ErrorDeleteDistinguishedFolder");
    assert_eq!(world.ews_code(&token, &remove(&format!("<t:FolderId Id=\"{id}\"/>"))).await, "NoError");
    let root = world.ews(&token, &folder("<t:DistinguishedFolderId Id=\"root\"/>")).await;
    assert!(root.contains("<t:DistinguishedFolderId>root<"));
}

/// Shared mailboxes: with rights and without, by an address that is not the primary one, and one that is not there.
#[tokio::test]
async fn shared_mailboxes_need_rights() {
    let world = world().await;
    world.mail(SUPPORT, "one");
    let anna = world.access(ANNA, SCOPE).await;
    let bruno = world.access("bruno@contoso.test", SCOPE).await;
    let of = |address: &str| {
        format!(
            "<t:DistinguishedFolderId Id=\"inbox\"><t:Mailbox><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>"
        )
    };
    let text = world.ews(&anna, &sync(ID_ONLY, &of(SUPPORT), None, 5)).await;
    let found = items(&text);
    assert_eq!(found.len(), 1);
    assert_eq!(world.ews_code(&anna, &get(&ids(&found), ID_ONLY)).await, "NoError");
    let mail = "<t:Message><t:Subject>from the shared one</t:Subject><t:ToRecipients><t:Mailbox><t:EmailAddress>bruno@contoso.test</t:EmailAddress></t:Mailbox></t:ToRecipients><t:From><t:Mailbox><t:EmailAddress>support@contoso.test</t:EmailAddress></t:Mailbox></t:From></t:Message>";
    let sent = of(SUPPORT).replace("inbox", "sentitems");
    let send = format!(
        "<m:CreateItem MessageDisposition=\"SendAndSaveCopy\"><m:SavedItemFolderId>{sent}</m:SavedItemFolderId><m:Items>{mail}</m:Items></m:CreateItem>"
    );
    assert_eq!(world.ews_code(&anna, &send).await, "NoError");
    let folders: Vec<Value> = world.truth(SUPPORT).await.iter().map(|mail| mail["folder"].clone()).collect();
    assert_eq!(folders, ["inbox", "sentitems"]);
    world
        .post_lever(
            "/delegates",
            json!({"mailbox": SUPPORT, "user": ANNA, "grant": false, "rights": ["send_as"]}),
        )
        .await;
    assert_eq!(world.ews_code(&anna, &send).await, "ErrorSendAsDenied");
    assert_eq!(world.ews_code(&bruno, &sync(ID_ONLY, &of(SUPPORT), None, 5)).await, "ErrorAccessDenied");
    assert_eq!(world.ews_code(&bruno, &get(&ids(&found), ID_ONLY)).await, "ErrorAccessDenied");
    assert_eq!(
        world.ews_code(&anna, &sync(ID_ONLY, &of("nobody@contoso.test"), None, 5)).await,
        "ErrorNonExistentMailbox"
    );
    let text = world.ews(&anna, &sync(ID_ONLY, &of("support+x@contoso.test"), None, 5)).await;
    assert_eq!(code(&text), "ErrorNonPrimarySmtpAddress");
    assert!(text.contains("<t:Value Name=\"Primary\">support@contoso.test</t:Value>"));
    let impersonates = envelope(&sync(ID_ONLY, INBOX, None, 5)).replace(
        "</soap:Header>",
        "<t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>support@contoso.test</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></soap:Header>",
    );
    let answer = world.ews_raw(&anna, impersonates, &[]).await;
    assert_eq!((answer.status.as_u16(), code(&answer.text).as_str()), (500, "ErrorImpersonateUserDenied"));
}

/// The app itself works in the name of the mailbox that it impersonates, and only so.
#[tokio::test]
async fn the_app_impersonates() {
    let world = world().await;
    world.mail(SUPPORT, "one");
    let resource = "https://outlook.office365.com/.default";
    let token = world.app_token_for(resource).await;
    let body = envelope(&sync(ID_ONLY, INBOX, None, 5));
    let answer = world.ews_raw(&token, body.clone(), &[]).await;
    assert_eq!((answer.status.as_u16(), code(&answer.text).as_str()), (500, "ErrorImpersonationRequired"));
    let of = |sid: &str| {
        let header = format!(
            "<t:ExchangeImpersonation><t:ConnectingSID>{sid}</t:ConnectingSID></t:ExchangeImpersonation></soap:Header>"
        );
        body.replace("</soap:Header>", &header)
    };
    for sid in ["SmtpAddress", "PrimarySmtpAddress", "PrincipalName"] {
        let answer = world.ews_raw(&token, of(&format!("<t:{sid}>{SUPPORT}</t:{sid}>")), &[]).await;
        assert_eq!(items(&answer.text).len(), 1, "{}", answer.text);
    }
    let nobody = world.ews_raw(&token, of("<t:SmtpAddress>nobody@contoso.test</t:SmtpAddress>"), &[]).await;
    assert_eq!((nobody.status.as_u16(), code(&nobody.text).as_str()), (500, "ErrorNonExistentMailbox"));
    let wrong = world.ews_raw(&token, of("<t:Address>support@contoso.test</t:Address>"), &[]).await;
    assert_eq!(code(&wrong.text), "ErrorSchemaValidation");
    let support = of(&format!("<t:SmtpAddress>{SUPPORT}</t:SmtpAddress>"));
    world.post_lever("/ews/policy", json!({"enabled": false, "mailbox": SUPPORT})).await;
    let other = [("x-anchormailbox", ANNA)];
    assert_eq!(world.ews_raw(&token, support.clone(), &other).await.status, StatusCode::FORBIDDEN);
    world.post_lever("/ews/policy", json!({"enabled": true, "mailbox": SUPPORT})).await;
    let asked = world.lever(Method::GET, "/ews/requests", json!(null)).await;
    assert_eq!(asked[1]["impersonates"], true);
}

/// Without the tenant's permission the app is not let in; a role of Exchange lets it into the mailboxes of its scope.
#[tokio::test]
async fn a_role_of_exchange_fences_the_app_in() {
    let world = world().await;
    world.post_lever("/enterprise-applications", json!({"roles": []})).await;
    let token = world.app_token_for("https://outlook.office365.com/.default").await;
    let of = |address: &str| {
        let header = format!(
            "<t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>{address}</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></soap:Header>"
        );
        envelope(&sync(ID_ONLY, INBOX, None, 5)).replace("</soap:Header>", &header)
    };
    let answer = world.ews_raw(&token, of(SUPPORT), &[]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.header("x-ms-diagnostics").starts_with("2000008;"));
    let fence = json!({"kind": "rbac", "roles": ["Application EWS.AccessAsApp"], "mailboxes": [SUPPORT]});
    world.post_lever("/fences", fence).await;
    assert_eq!(code(&world.ews_raw(&token, of(SUPPORT), &[]).await.text), "NoError");
    let outside = world.ews_raw(&token, of(ANNA), &[]).await;
    assert_eq!((outside.status.as_u16(), code(&outside.text).as_str()), (500, "ErrorImpersonateUserDenied"));
}

/// Throttling in its three forms, faults after the effect for one operation, and the record of what was asked.
#[tokio::test]
async fn busy_comes_in_three_forms() {
    let world = world().await;
    let token = world.access(SUPPORT, SCOPE).await;
    world.mail(SUPPORT, "one");
    world.mail(SUPPORT, "two");
    let found = items(&world.ews(&token, &sync(ID_ONLY, INBOX, None, 5)).await);
    let body = get(&ids(&found), ID_ONLY);
    world.post_lever("/ews/answers", json!({"as": "status", "count": 1})).await;
    let answer = world.ews_raw(&token, envelope(&body), &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    world.post_lever("/ews/answers", json!({"as": "fault", "back_off_ms": 5000, "count": 1})).await;
    let answer = world.ews_raw(&token, envelope(&body), &[]).await;
    assert_eq!((answer.status.as_u16(), code(&answer.text).as_str()), (500, "ErrorServerBusy"));
    assert!(answer.text.contains("<t:Value Name=\"BackOffMilliseconds\">5000</t:Value>"));
    let inner = json!({"as": "inner", "operation": "GetItem", "back_off_ms": 700, "count": 1});
    world.post_lever("/ews/answers", inner).await;
    let text = world.ews(&token, &body).await;
    assert!(text.contains("ErrorServerBusy") && text.contains("BackOffMilliseconds\">700<"));
    assert!(text.contains("ResponseClass=\"Warning\"") && text.contains("ErrorBatchProcessingStopped"));
    let one = json!({"as": "item", "code": "ErrorMailboxStoreUnavailable", "item": 1, "count": 1});
    world.post_lever("/ews/answers", one).await;
    let text = world.ews(&token, &body).await;
    assert!(text.contains("NoError") && text.contains("ErrorMailboxStoreUnavailable"));
    assert_eq!(world.ews_code(&token, &body).await, "NoError");

    let rule = json!({"service": "ews", "path": "/DeleteItem$", "kind": "status_after_effect", "status": 504, "count": 1});
    world.post_lever("/faults", rule).await;
    assert_eq!(world.ews_code(&token, &body).await, "NoError");
    let delete = format!(
        "<m:DeleteItem DeleteType=\"HardDelete\"><m:ItemIds>{}</m:ItemIds></m:DeleteItem>",
        ids(&found[..1])
    );
    let answer = world.ews_raw(&token, envelope(&delete), &[]).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(world.truth(SUPPORT).await.len(), 1);
    let rule = json!({"service": "ews", "kind": "status", "status": 500, "code": "ErrorServerBusy", "back_off_ms": 90, "count": 1});
    world.post_lever("/faults", rule).await;
    let answer = world.ews_raw(&token, envelope(&delete), &[]).await;
    assert!(answer.text.contains("BackOffMilliseconds\">90<"));

    let asked = world.lever(Method::GET, "/ews/requests", json!(null)).await;
    let last = asked.as_array().and_then(|all| all.iter().rev().find(|one| one["operation"] == "DeleteItem"));
    let last = last.expect("it was recorded");
    assert_eq!((&last["anchor"], &last["mailbox"]), (&json!(SUPPORT), &json!(SUPPORT)));
    assert_eq!(last["codes"], json!(["NoError"]));
    let counters = world.lever(Method::GET, "/counters", json!(null)).await;
    assert_eq!(counters["ews"]["by_operation"]["POST /EWS/Exchange.asmx/DeleteItem"], 2, "{counters}");
}

/// The twenty-eighth call at once is refused.
#[tokio::test]
async fn the_twenty_eighth_at_once_is_refused() {
    let world = world().await;
    let token = world.access(SUPPORT, SCOPE).await;
    world.post_lever("/latency", json!({"ms": 1500})).await;
    let body = envelope(&sync(ID_ONLY, INBOX, None, 5));
    let calls = (0..30).map(|_| {
        let request = world
            .http
            .post(format!("{}/EWS/Exchange.asmx", world.ready().ews))
            .bearer_auth(&token)
            .header("content-type", "text/xml; charset=utf-8")
            .body(body.clone());
        async move { Answer::of(request.send().await.expect("an answer")).await }
    });
    let answers = futures::future::join_all(calls).await;
    let refused: Vec<&Answer> =
        answers.iter().filter(|answer| answer.status == StatusCode::INTERNAL_SERVER_ERROR).collect();
    assert_eq!(refused.len(), 3);
    assert!(refused.iter().all(|answer| code(&answer.text) == "ErrorExceededConnectionCount"));
}

/// Ids of EWS become Graph's and back; foreign ones are malformed.
#[tokio::test]
async fn ids_are_translated() {
    let world = world().await;
    let token = world.access(SUPPORT, SCOPE).await;
    let graph = world.access(SUPPORT, MAIL).await;
    let immutable = world.mail(SUPPORT, "one");
    let other = world.mail(ANNA, "other");
    let id = items(&world.ews(&token, &sync(ID_ONLY, INBOX, None, 5)).await).remove(0).0;
    let truth = world.truth(SUPPORT).await;
    let translate = async |ids: &[&str], from: &str, to: &str| -> Value {
        let body = json!({"inputIds": ids, "sourceIdType": from, "targetIdType": to});
        let answer = world.graph(&graph, Method::POST, "/me/translateExchangeIds", Some(body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json["value"].clone()
    };
    let value = translate(&[&id, "foreign"], "ewsId", "restImmutableEntryId").await;
    assert_eq!(value[0]["targetId"], immutable.as_str());
    assert_eq!(value[1]["errorDetails"]["code"], "ErrorInvalidIdMalformed");
    let value = translate(&[&immutable, &other], "restImmutableEntryId", "ewsId").await;
    assert_eq!(value[0]["targetId"], id.as_str());
    assert_eq!(value[1]["errorDetails"]["code"], "ErrorInvalidIdMalformed");
    assert_eq!(translate(&[&id], "ewsId", "restId").await[0]["targetId"], truth[0]["id"]);
    for kind in ["entryId", "immutableEntryId", "restId"] {
        let there = translate(&[&id], "ewsId", kind).await[0]["targetId"].clone();
        let there = there.as_str().expect("an id");
        assert_eq!(translate(&[there], kind, "ewsId").await[0]["targetId"], id.as_str(), "{kind}");
    }
    assert_eq!(
        translate(&[&immutable], "ewsId", "restId").await[0]["errorDetails"]["code"],
        "ErrorInvalidIdMalformed"
    );
}
