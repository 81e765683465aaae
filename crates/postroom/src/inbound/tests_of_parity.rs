//! Promise: rules see one mail, whichever way it was fetched. Where a page suffices, its fields and the mail's MIME, both as the
//! simulated Exchange tells them, are read alike (design §4, Completeness).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fault::Fault;
use futures::future::BoxFuture;
use microsoft::graph::{GraphMailbox, User, message};
use microsoft::signin::{self, Application, Credential};
use microsoft::{AccessTokens, Budget, Cursor, Mailbox};
use secrecy::SecretString;

use super::read::read_page;

const MAILBOX: &str = "support@contoso.test";

struct Token(SecretString);

impl AccessTokens for Token {
    fn get(&self) -> BoxFuture<'_, Result<SecretString, Fault>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn refused(&self, _: &SecretString) -> BoxFuture<'_, Result<SecretString, Fault>> {
        self.get()
    }
}

/// The corpora, beside the project unless `POSTROOM_SHARED` says otherwise.
fn corpora() -> Option<PathBuf> {
    let root = std::env::var_os("POSTROOM_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let path = root.join("corpora/mail");
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: corpora/mail (shared data not present)");
    None
}

fn files(below: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(below).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "eml") {
            out.push(path);
        }
    }
}

/// Whether the head of a mail keeps to RFC 5322. The simulator gives MIME as it came in; Exchange rebuilds it, and what a broken
/// head meant is then decided once, by Exchange.
fn has_sound_head(raw: &[u8]) -> bool {
    let text = String::from_utf8_lossy(raw).replace("\r\n", "\n");
    let Some((head, _)) = text.trim_start_matches('\u{feff}').split_once("\n\n") else { return false };
    let once = |name: &str| {
        head.lines().filter(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:"))).count() <= 1
    };
    !head.is_empty()
        && head.is_ascii()
        && ["from", "sender", "to", "cc", "reply-to", "subject", "message-id"].into_iter().all(once)
        && head.lines().all(|line| {
            let folded = line.starts_with([' ', '\t']) && !line.trim().is_empty();
            let name = line.split(':').next().unwrap_or_default();
            folded || (line.contains(':') && !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic()))
        })
}

async fn mailbox(sim: &sim::Sim) -> GraphMailbox {
    let ready = sim.ready();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let app = Application {
        client_id: ready.client_id.clone(),
        credential: Credential::Secret(SecretString::from(ready.client_secret.clone())),
        tenant: ready.tenant_id.clone(),
        redirect_uri: "http://localhost/return".parse().unwrap(),
    };
    let discovery = signin::discover(&http, &ready.entra.parse().unwrap(), &app.tenant).await.unwrap();
    let scope = "https://graph.microsoft.com/.default";
    let now = store::Clock::now(&store::SystemClock);
    let token = signin::as_application(&http, &discovery, &app, scope, now).await.unwrap().access;
    GraphMailbox::new(
        http,
        ready.graph.parse().unwrap(),
        User::Id(MAILBOX.to_owned()),
        Arc::new(Token(token)),
        Arc::new(Budget::graph()),
        Duration::from_secs(20),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_and_mime_are_read_alike() {
    let Some(root) = corpora() else { return };
    let mut all = Vec::new();
    files(&root, &mut all);
    let sim = sim::Sim::start(sim::Config { enforce_quotas: false, ..sim::Config::default() }).await.unwrap();
    let delivered = all
        .iter()
        .map(|path| fs::read(path).unwrap())
        .filter(|raw| has_sound_head(raw) && sim.deliver(MAILBOX, raw).is_ok())
        .count();
    assert!(delivered > 100, "only {delivered} of {} mails were taken", all.len());
    let mailbox = mailbox(&sim).await;
    let (inbox, mut cursor) = ("inbox".into(), None::<Cursor>);
    let (mut compared, mut failures) = (0, Vec::new());
    loop {
        let page = mailbox.sync(&inbox, cursor.as_ref()).await.unwrap();
        for item in page.items {
            assert!(item.is_whole, "{:?}", item.id);
            if message::read(&item.raw).unwrap().needs_mime() {
                // Its MIME is fetched before anything is decided: there is one way only.
                continue;
            }
            let told = read_page(&item.raw).unwrap();
            let mime = mail::parse(&mailbox.mime(&item.id).await.unwrap()).unwrap();
            compared += 1;
            for found in mail::differences(&told, &mime) {
                failures.push(format!(
                    "{:?}: {}: the page says {:?}, MIME {:?}",
                    told.subject, found.field, found.one, found.other
                ));
            }
        }
        if page.complete {
            break;
        }
        cursor = Some(page.cursor);
    }
    assert!(compared > 40, "only {compared} mails were told by their page alone");
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
    sim.stop().await;
}
