//! Items as EWS and Graph tell them: those that cannot be read, how many at once, their kinds, and calls that go astray.

use reqwest::StatusCode;
use serde_json::json;

use crate::client::{MAIL, SUPPORT, encoded, world};
use crate::ews::{ANNA, ID_ONLY, INBOX, SCOPE, code, envelope, get, ids, items, set, sync};

/// A damaged item costs itself alone over EWS, as Microsoft documents it; in the other reading it takes along what was asked for
/// together with it. Over Graph its page fails, in either form that was seen; ids alone list it.
#[tokio::test]
async fn damaged_items_fail_where_they_are_read() {
    let world = world().await;
    let token = world.access(SUPPORT, SCOPE).await;
    let graph = world.access(SUPPORT, MAIL).await;
    world.post_lever("/delta/quirks", json!({"empty_pages": 0.0})).await;
    let bad = world.mail(SUPPORT, "bad");
    world.mail(SUPPORT, "good");
    let found = items(&world.ews(&token, &sync(ID_ONLY, INBOX, None, 5)).await);
    let damage = async |kind: &str| {
        world.post_lever(&format!("/mailboxes/{SUPPORT}/damage"), json!({"id": bad, "as": kind})).await;
    };
    let mime = format!("{ID_ONLY}<t:IncludeMimeContent>true</t:IncludeMimeContent>");
    let default = "<t:BaseShape>Default</t:BaseShape>";
    let body = format!(
        "{ID_ONLY}<t:AdditionalProperties><t:FieldURI FieldURI=\"item:Body\"/></t:AdditionalProperties>"
    );
    damage("mime").await;
    let text = world.ews(&token, &get(&ids(&found), &mime)).await;
    assert!(text.contains("ErrorMimeContentConversionFailed") && text.contains("NoError"));
    assert!(!world.ews(&token, &get(&ids(&found), default)).await.contains("ResponseClass=\"Error\""));
    for alone in [true, false] {
        damage(if alone { "item" } else { "batch" }).await;
        for shape in [default, &mime, &body] {
            let answer = world.ews_raw(&token, envelope(&get(&ids(&found), shape)), &[]).await;
            if alone {
                let codes: Vec<&str> = answer.text.split("<m:ResponseCode>").skip(1).collect();
                assert!(
                    codes[0].starts_with("ErrorItemCorrupt") && codes[1].starts_with("NoError"),
                    "{codes:?}"
                );
            } else {
                let told = (answer.status.as_u16(), code(&answer.text));
                assert_eq!(told, (500, "ErrorContentConversionFailed".to_owned()), "{shape}");
            }
            assert_eq!(world.ews_code(&token, &get(&ids(&found[..1]), shape)).await, "ErrorItemCorrupt");
            assert_eq!(world.ews_code(&token, &get(&ids(&found[1..]), shape)).await, "NoError");
        }
        assert!(!world.ews(&token, &get(&ids(&found), ID_ONLY)).await.contains("ResponseClass=\"Error\""));
        assert_eq!(world.ews_code(&token, &sync(default, INBOX, None, 5)).await, "ErrorItemCorrupt");
        assert_eq!(items(&world.ews(&token, &sync(ID_ONLY, INBOX, None, 5)).await).len(), 2);
    }

    for (is_named, wanted) in [(true, "ErrorCorruptData"), (false, "InternalServerError")] {
        let quirks = json!({"empty_pages": 0.0, "names_corrupt": is_named});
        world.post_lever("/delta/quirks", quirks).await;
        for select in ["delta?$select=subject,receivedDateTime", "?$select=body"] {
            let path = format!("/me/mailFolders/inbox/messages/{select}").replace("/?", "?");
            let page = world.get(&graph, &path).await;
            assert_eq!((page.status.as_u16(), page.code()), (500, wanted), "{path}");
        }
        let listed =
            world.get(&graph, "/me/mailFolders/inbox/messages/delta?$select=id,receivedDateTime").await;
        assert_eq!(listed.json["value"].as_array().map(Vec::len), Some(2), "{}", listed.text);
    }
    let path = format!("/me/messages/{}", encoded(&bad));
    assert_eq!(world.get(&graph, &path).await.code(), "ErrorContentConversionFailed");
    assert_eq!(world.get(&graph, &format!("{path}/$value")).await.code(), "ErrorMimeContentConversionFailed");
    damage("none").await;
    assert_eq!(world.get(&graph, &path).await.status, StatusCode::OK);
}

/// As many items as a caller asks for together come together: Exchange advises ten, and refuses no more.
#[tokio::test]
async fn a_request_may_name_more_than_ten_items() {
    let world = world().await;
    let token = world.access(SUPPORT, SCOPE).await;
    for number in 0..60 {
        world.mail(SUPPORT, &format!("many-{number}"));
    }
    let found = items(&world.ews(&token, &sync(ID_ONLY, INBOX, None, 512)).await);
    assert_eq!(found.len(), 60);
    let default = "<t:BaseShape>Default</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent>";
    let text = world.ews(&token, &get(&ids(&found), default)).await;
    assert_eq!(
        (text.matches("<m:ResponseCode>NoError").count(), text.matches("<t:MimeContent").count()),
        (60, 60)
    );
}

/// Without the header that leads to its mailbox a call that impersonates fails at times, and takes longer; with it, it does not.
#[tokio::test]
async fn who_impersonates_without_an_anchor_goes_astray() {
    let world = world().await;
    let token = world.app_token_for("https://outlook.office365.com/.default").await;
    let of_support = "<t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>support@contoso.test</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></soap:Header>";
    let body = envelope(&sync(ID_ONLY, INBOX, None, 5)).replace("</soap:Header>", of_support);
    let statuses = async |anchor: Option<&str>| {
        let mut all = Vec::new();
        for _ in 0..40 {
            let request = world
                .http
                .post(format!("{}/EWS/Exchange.asmx", world.ready().ews))
                .bearer_auth(&token)
                .header("content-type", "text/xml; charset=utf-8")
                .body(body.clone());
            let request =
                anchor.iter().fold(request, |request, anchor| request.header("x-anchormailbox", *anchor));
            all.push(request.send().await.expect("an answer").status().as_u16());
        }
        all
    };
    for right in ["Support@contoso.test", "SMTP:support@contoso.test"] {
        assert!(statuses(Some(right)).await.iter().all(|status| *status == 200), "{right}");
    }
    for wrong in [None, Some(ANNA)] {
        let told = statuses(wrong).await;
        for status in [200, 500, 503] {
            assert!(told.contains(&status), "{wrong:?}: {told:?}");
        }
    }
    world.post_lever("/ews/quirks", json!({"unanchored": 0.0})).await;
    assert!(statuses(None).await.iter().all(|status| *status == 200));
    // Whoever signed in works in their own mailbox: there is nothing to be led to.
    world.post_lever("/ews/quirks", json!({"unanchored": 1.0})).await;
    let own = world.access(SUPPORT, SCOPE).await;
    let answer = world.ews_raw(&own, envelope(&sync(ID_ONLY, INBOX, None, 5)), &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
}

/// A mail's class is told over EWS, where meetings have elements of their own, and over Graph as derived types and where the
/// property is asked for.
#[tokio::test]
async fn the_class_of_a_mail_is_told() {
    let world = world().await;
    let token = world.access(SUPPORT, SCOPE).await;
    let graph = world.access(SUPPORT, MAIL).await;
    let deliver = |head: &str| {
        let raw = format!(
            "From: a@customer.example\r\nTo: {SUPPORT}\r\nSubject: s\r\nMIME-Version: 1.0\r\n{head}\r\n"
        );
        world.sim.deliver(SUPPORT, raw).expect("delivered")
    };
    let cases = [
        ("Content-Type: text/plain\r\n\r\nx", "IPM.Note", "Message", None),
        (
            "Content-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\nAA==",
            "IPM.Note.SMIME",
            "Message",
            None,
        ),
        (
            "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\nAA==\r\n--b--",
            "IPM.Note.SMIME.MultipartSigned",
            "Message",
            None,
        ),
        (
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nno\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns;x.test\r\n\r\nFinal-Recipient: rfc822;b@x.test\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--",
            "REPORT.IPM.Note.NDR",
            "Message",
            None,
        ),
        (
            "Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR",
            "IPM.Schedule.Meeting.Request",
            "MeetingRequest",
            Some("eventMessageRequest"),
        ),
        (
            "Content-Type: text/calendar; method=CANCEL\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR",
            "IPM.Schedule.Meeting.Canceled",
            "MeetingCancellation",
            Some("eventMessage"),
        ),
    ];
    let shape = format!(
        "{ID_ONLY}<t:AdditionalProperties><t:FieldURI FieldURI=\"item:ItemClass\"/><t:ExtendedFieldURI PropertyTag=\"0x001A\" PropertyType=\"String\"/></t:AdditionalProperties>"
    );
    for (head, class, element, derived) in cases {
        let id = deliver(head);
        let all = items(&world.ews(&token, &sync(ID_ONLY, INBOX, None, 512)).await);
        let newest = &all[all.len() - 1..];
        let text = world.ews(&token, &get(&ids(newest), &shape)).await;
        assert!(text.contains(&format!("<t:{element}>")), "{class}: {text}");
        assert!(text.contains(&format!("<t:ItemClass>{class}</t:ItemClass>")), "{class}: {text}");
        assert!(text.contains(&format!("<t:Value>{class}</t:Value>")), "{class}: {text}");
        let whole = world.ews(&token, &get(&ids(newest), "<t:BaseShape>AllProperties</t:BaseShape>")).await;
        assert!(whole.contains(&format!("<t:{element}>")));
        // It is written under its own name.
        let read = "<t:FieldURI FieldURI=\"message:IsRead\"/>";
        let written = set(&newest[0], "AutoResolve", read, "<t:IsRead>true</t:IsRead>")
            .replace("<t:Message>", &format!("<t:{element}>"))
            .replace("</t:Message>", &format!("</t:{element}>"));
        assert_eq!(world.ews_code(&token, &written).await, "NoError", "{class}");

        let expand = "$expand=singleValueExtendedProperties($filter=id eq 'String 0x001A')";
        let one =
            world.get(&graph, &format!("/me/messages/{}?{}", encoded(&id), expand.replace(' ', "%20"))).await;
        assert_eq!(one.json["singleValueExtendedProperties"][0]["value"], class, "{}", one.text);
        let kind = derived.map(|kind| format!("#microsoft.graph.{kind}"));
        assert_eq!(one.json["@odata.type"].as_str(), kind.as_deref(), "{class}");
        assert_eq!(one.json["meetingMessageType"].is_string(), derived.is_some(), "{class}");
        let filter = format!(
            "/me/messages?$select=id&$filter=singleValueExtendedProperties/Any(ep: ep/id eq 'String 0x001A' and ep/value eq '{class}')"
        );
        let found = world.get(&graph, &filter.replace(' ', "%20")).await;
        assert_eq!(found.json["value"].as_array().map(Vec::len), Some(1), "{class}: {}", found.text);
    }
    let listed = world.get(&graph, "/me/mailFolders/inbox/messages/delta?$select=subject").await;
    let kinds: Vec<&str> = listed.json["value"]
        .as_array()
        .expect("a page")
        .iter()
        .filter_map(|one| one["@odata.type"].as_str())
        .collect();
    assert!(
        kinds.contains(&"#microsoft.graph.message")
            && kinds.contains(&"#microsoft.graph.eventMessageRequest"),
        "{kinds:?}"
    );
}
