//! The limit probe: a bare loop with the fewest requests that the interfaces allow. It keeps no record, survives nothing,
//! reads no body and writes a fixed document. Whatever is slower than this is Postroom's own cost.
//!
//! It runs as a process of its own (`postroom-bench probe …`), so that its processor time can be read like Postroom's.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

/// Creates a second, just under what Jira's token bucket lets through (100 a second).
const RATE: f64 = 99.0;
/// Creates at once.
const AT_ONCE: usize = 16;

/// What the probe needs.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Login base.
    #[arg(long)]
    login: String,
    /// Tenant.
    #[arg(long)]
    tenant: String,
    /// Client id.
    #[arg(long)]
    client_id: String,
    /// Client secret.
    #[arg(long)]
    client_secret: String,
    /// Graph base.
    #[arg(long)]
    graph: String,
    /// Mailbox.
    #[arg(long)]
    mailbox: String,
    /// Jira base.
    #[arg(long)]
    jira: String,
    /// Jira user.
    #[arg(long)]
    jira_user: String,
    /// Jira token.
    #[arg(long)]
    jira_token: String,
    /// Project.
    #[arg(long)]
    project: String,
    /// Issue type id.
    #[arg(long)]
    issue_type: String,
}

#[derive(Deserialize)]
struct Page {
    value: Vec<Item>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    subject: Option<String>,
}

/// Drains the mailbox; prints the number of issues made.
pub async fn run(args: Args) -> Result<()> {
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(AT_ONCE)
        .build()?;
    let token: Value = http
        .post(format!("{}/{}/oauth2/v2.0/token", args.login, args.tenant))
        .form(&[
            ("grant_type", "client_credentials"),
            ("client_id", &args.client_id),
            ("client_secret", &args.client_secret),
            ("scope", "https://graph.microsoft.com/.default"),
        ])
        .send()
        .await?
        .json()
        .await?;
    let token = token["access_token"].as_str().with_context(|| format!("no token: {token}"))?.to_owned();
    let (found, waiting) = tokio::sync::mpsc::channel::<String>(20_000);
    let reader = {
        let (http, args) = (http.clone(), args.clone());
        tokio::spawn(async move {
            let select = "id,internetMessageId,conversationId,subject,from,toRecipients,receivedDateTime,hasAttachments,body,internetMessageHeaders";
            let mut next = Some(format!(
                "{}/v1.0/users/{}/mailFolders/inbox/messages/delta?$select={select}",
                args.graph, args.mailbox
            ));
            while let Some(url) = next {
                let answer = http
                    .get(&url)
                    .bearer_auth(&token)
                    .header("Prefer", "odata.maxpagesize=50, IdType=\"ImmutableId\"")
                    .send()
                    .await?;
                ensure!(answer.status().is_success(), "delta: {}", answer.status());
                let page: Page = answer.json().await?;
                for item in page.value {
                    found.send(item.subject.unwrap_or_default()).await.ok();
                }
                next = page.next;
            }
            Ok(())
        })
    };
    let args = Arc::new(args);
    let begun = Instant::now();
    let stream = futures::stream::unfold((waiting, 0_u32), |(mut waiting, number)| async move {
        waiting.recv().await.map(|subject| ((number, subject), (waiting, number + 1)))
    });
    let made = stream
        .map(|(number, subject)| {
            let (http, args) = (http.clone(), Arc::clone(&args));
            async move {
                tokio::time::sleep_until(begun + Duration::from_secs_f64(f64::from(number) / RATE)).await;
                create(&http, &args, &subject).await
            }
        })
        .buffer_unordered(AT_ONCE)
        .fold(Ok(0_u32), |made: Result<u32>, one| async move { Ok(made? + one.map(|()| 1)?) })
        .await?;
    reader.await??;
    println!("{made}");
    Ok(())
}

async fn create(http: &reqwest::Client, args: &Args, subject: &str) -> Result<()> {
    let body = json!({
        "fields": {
            "project": { "key": args.project },
            "issuetype": { "id": args.issue_type },
            "summary": subject,
            "description": { "version": 1, "type": "doc", "content": [{ "type": "paragraph", "content": [{ "type": "text", "text": subject }] }] },
        },
    });
    let answer = http
        .post(format!("{}/rest/api/3/issue", args.jira))
        .basic_auth(&args.jira_user, Some(&args.jira_token))
        .json(&body)
        .send()
        .await?;
    ensure!(answer.status().as_u16() == 201, "create: {}", answer.status());
    answer.bytes().await?;
    Ok(())
}
