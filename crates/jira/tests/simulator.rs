//! The client against the simulated Jira, which knows nothing of it: every call as it is used, refusals, and the pace under
//! enforced limits.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jira::{
    AttachmentRef, Auth, Client, Effect, NewIssue, Permissions, Search, Settings, Site, adf, quoted,
    same_file_name, summary,
};
use mail::Rich;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use sim::clock::Clock;
use sim::jira::{JiraSettings, JiraState, router};

struct Talk {
    site: Arc<JiraState>,
    client: Arc<Client>,
}

async fn talk(settings: JiraSettings) -> Talk {
    let (user, token) = settings.service_user();
    let auth = Auth::Basic { user: user.to_owned(), token: SecretString::from(token.to_owned()) };
    let site = JiraState::new(settings, Clock::running());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a good answer");
    let base_url: url::Url =
        format!("http://{}", listener.local_addr().expect("a good answer")).parse().expect("a good answer");
    site.set_base_url(&base_url);
    let router = router(Arc::clone(&site));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a good answer");
    let site_of = Site { base_url, api_version: jira::ApiVersion::V3, auth };
    Talk { site, client: Arc::new(Client::new(http, site_of, Settings::default())) }
}

fn document(html: &str) -> String {
    let options =
        adf::Options { limit: jira::TEXT_LIMIT, whole_is_in: "mail.html", image: &|_| adf::Shown::Nothing };
    adf::write(&Rich::from_html(html), &options).serialized
}

fn issue<'a>(description: &'a str, properties: &'a [(&'a str, Value)]) -> NewIssue<'a> {
    NewIssue {
        project_key: "SUP",
        issue_type_id: "10001",
        summary: summary("Printer\r\non fire"),
        description,
        properties,
    }
}

#[tokio::test]
async fn what_a_ping_asks() {
    let Talk { client, .. } = talk(JiraSettings::default()).await;
    assert_eq!(
        client.myself().await.expect("a good answer").email_address.as_deref(),
        Some("postroom@contoso.test")
    );
    assert!(client.server_info().await.expect("a good answer").is_cloud());
    let projects = client.projects("").await.expect("a good answer");
    assert_eq!(projects.iter().map(|p| p.key.as_str()).collect::<Vec<_>>(), ["BILL", "SUP"]);
    assert_eq!(client.projects("supp").await.expect("a good answer").len(), 1);
    assert_eq!(client.issue_types("SUP").await.expect("a good answer").len(), 3);
    let fields = client.create_fields("SUP", "10001").await.expect("a good answer");
    assert!(fields.iter().any(|field| field.id() == "summary" && field.required));
    assert!(
        client.permissions("SUP", &Permissions::NEEDED).await.expect("a good answer").missing().is_empty()
    );
    assert_eq!(client.attachment_limit().await.expect("a good answer").upload_limit, Some(20 << 20));
}

#[tokio::test]
async fn an_issue_with_everything_that_a_mail_brings() {
    let Talk { client, .. } = talk(JiraSettings::default()).await;
    let body = document(
        "<h1>Hi</h1><ul><li>a<table><tr><td>b</table></ul><blockquote>c<blockquote>d</blockquote></blockquote>",
    );
    let properties = [("postroom", json!({"op": "op-1", "v": 1}))];
    let created = client.create_issue(&issue(&body, &properties)).await.expect("a good answer");

    let there = client
        .get_issue(&created.key, &["summary", "description"], &["postroom"])
        .await
        .expect("a good answer");
    assert_eq!((there.id.as_str(), there.key.as_str()), (created.id.as_str(), created.key.as_str()));
    assert_eq!(there.fields["summary"], "Printer on fire");
    assert_eq!(
        adf::text(&there.fields["description"]),
        adf::text(&serde_json::from_str(&body).expect("a good answer"))
    );
    assert_eq!(there.properties["postroom"]["op"], "op-1");
    assert_eq!(
        client.issue_property(&created.key, "postroom").await.expect("a good answer").expect("a good answer")
            ["op"],
        "op-1"
    );
    assert_eq!(client.issue_property(&created.key, "other").await.expect("a good answer"), None);
    client.put_issue_property(&created.key, "other", &json!({"x": 1})).await.expect("a good answer");
    assert_eq!(
        client.issue_property(&created.key, "other").await.expect("a good answer"),
        Some(json!({"x": 1}))
    );

    let keys: Vec<String> = (1..=120).map(|n| format!("SUP-{n}")).collect();
    let found = client.bulk_fetch(&keys, &[], &["postroom"]).await.expect("a good answer");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].properties["postroom"]["op"], "op-1");

    let edited = document("<p>new</p>");
    client
        .edit_description(&created.id, &edited, &[("postroom.description", json!({"op": "op-2"}))])
        .await
        .expect("a good answer");
    let fields: Map<String, Value> = json!({"labels": ["a"]}).as_object().cloned().expect("a good answer");
    client.edit_issue(&created.id, &fields, &[]).await.expect("a good answer");
    let there = client.get_issue(&created.id, &["description", "labels"], &[]).await.expect("a good answer");
    assert_eq!(
        (adf::text(&there.fields["description"]).as_str(), &there.fields["labels"]),
        ("new", &json!(["a"]))
    );

    let jql = format!("project = SUP AND labels = {}", quoted("a"));
    let search = Search { jql: &jql, fields: &["summary"], properties: &["postroom"], ..Search::default() };
    assert_eq!(client.search(&search).await.expect("a good answer").issues[0].key, created.key);

    let transitions = client.transitions(&created.id).await.expect("a good answer");
    client.transition(&created.id, &transitions[0].id, &Map::new()).await.expect("a good answer");
}

#[tokio::test]
async fn comments_and_files_are_found_again() {
    let Talk { client, .. } = talk(JiraSettings::default()).await;
    let body = document("<p>x</p>");
    let created = client.create_issue(&issue(&body, &[])).await.expect("a good answer");
    let mut ids = Vec::new();
    for n in 0..3 {
        let properties = [("postroom", json!({"op": n}))];
        ids.push(
            client
                .add_comment(&created.id, &document(&format!("<p>{n}</p>")), &properties)
                .await
                .expect("a good answer")
                .id,
        );
    }
    let listed: Vec<String> =
        client.comments(&created.id, 0).await.expect("a good answer").into_iter().map(|c| c.id).collect();
    assert_eq!(listed.iter().rev().collect::<Vec<_>>(), ids.iter().collect::<Vec<_>>());
    assert!(client.comments(&created.id, 3).await.expect("a good answer").is_empty());
    let read = client.comments_by_ids(&ids).await.expect("a good answer");
    assert_eq!(read.len(), 3);
    assert!(read.iter().all(|comment| comment.properties["postroom"]["op"].is_u64()));

    let name = "Übersicht \"neu\" 表.png";
    let file = client
        .attach(&created.id, name, "image/png", Bytes::from_static(b"\x89PNG"))
        .await
        .expect("a good answer");
    assert!(same_file_name(&file.filename, name), "stored as {}", file.filename);
    assert!(
        file.filename.contains("Übersicht") && file.filename.contains('表'),
        "stored as {}",
        file.filename
    );
    let me = client.myself().await.expect("a good answer");
    let files: Vec<AttachmentRef> = client.attachments(&created.id).await.expect("a good answer");
    assert_eq!((files.len(), files[0].size, files[0].author.as_deref()), (1, 4, me.id()));
    assert_eq!(files[0].id, file.id);

    let id = client.attachment_media_id(&file.id).await.expect("a good answer").expect("a good answer");
    let shown = move |_: &mail::Image| adf::Shown::Media {
        id: id.clone(),
        width: 10,
        height: 10,
        alt: String::new(),
    };
    let options = adf::Options { limit: jira::TEXT_LIMIT, whole_is_in: "mail.html", image: &shown };
    let with_image =
        adf::write(&Rich::from_html("<p>a<img src=\"cid:x@y\" width=\"10\" height=\"10\">b</p>"), &options);
    assert!(with_image.serialized.contains("mediaSingle"));
    client.edit_description(&created.id, &with_image.serialized, &[]).await.expect("a good answer");
}

#[tokio::test]
async fn refusals_say_what_to_do_and_that_nothing_was_done() {
    let Talk { site, client } = talk(JiraSettings::default()).await;
    let body = document("<p>x</p>");
    let refused = |project_key, issue_type_id, description| NewIssue {
        project_key,
        issue_type_id,
        summary: "s".to_owned(),
        description,
        properties: &[],
    };
    let cases = [
        (refused("NONE", "10001", body.as_str()), "jira.project"),
        (refused("SUP", "999", body.as_str()), "jira.issue_type"),
    ];
    for (issue, entry) in cases {
        let error = client.create_issue(&issue).await.unwrap_err();
        assert_eq!((error.fault.entry.id, error.effect), (entry, Effect::None), "{:?}", error.fault);
    }
    let error = client.add_comment("SUP-999", &body, &[]).await.unwrap_err();
    assert_eq!((error.fault.entry.id, error.effect), ("jira.issue_gone", Effect::None));
    let error = client.search(&Search { jql: "ORDER BY created", ..Search::default() }).await.unwrap_err();
    assert_eq!(error.fault.status, Some(400));
    site.revoke_tokens(true);
    let error = client.myself().await.unwrap_err();
    assert_eq!(error.fault.entry.id, "jira.token", "{:?}", error.fault);
    assert!(site.issues().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_drains_at_the_limit_without_one_refusal() {
    let Talk { site, client } = talk(JiraSettings { enforce_quotas: true, ..JiraSettings::default() }).await;
    let begin = tokio::time::Instant::now();
    let body: Arc<str> = document("<p>x</p>").into();
    let mut hands = Vec::new();
    for hand in 0..32 {
        let (client, body) = (Arc::clone(&client), Arc::clone(&body));
        hands.push(tokio::spawn(async move {
            for n in 0..12 {
                let properties = [("postroom", json!({"op": format!("{hand}-{n}")}))];
                client.create_issue(&issue(&body, &properties)).await.expect("a good answer");
            }
        }));
    }
    for hand in hands {
        hand.await.expect("a good answer");
    }
    assert_eq!(site.issues().len(), 32 * 12);
    assert!(begin.elapsed() < Duration::from_secs(30), "took {:?}", begin.elapsed());
}
