//! A mailbox connected through the pages of the console and of the simulator, as a person does it, over HTTP.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;
use store::testing::TestFolder;
use store::{args, sql};

use crate::config::Config;
use crate::demo::browser::{Browser, Page};
use crate::demo::connect::{self, Wishes};
use crate::serve::{self, Running};

pub(super) const MAILBOX: &str = "support@contoso.test";

pub(super) fn settings(folder: &TestFolder, sim: &sim::Ready) -> Config {
    let mut config = Config::defaults();
    config.data_folder = folder.path().join("data");
    config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.microsoft.login_url = sim.entra.parse().unwrap();
    config.microsoft.graph_url = sim.graph.parse().unwrap();
    config.microsoft.client_id = Some(sim.client_id.clone());
    config.microsoft.client_secret = Some(SecretString::from(sim.client_secret.clone()));
    config.microsoft.tenant = sim.tenant_id.clone();
    config.jira.base_url = Some(sim.jira.parse().unwrap());
    config.jira.user = Some(sim.jira_user.clone());
    config.jira.token = Some(SecretString::from(sim.jira_token.clone()));
    config.inbound.poll_interval = Duration::from_secs(1);
    config
}

pub(super) async fn open(browser: &mut Browser, running: &Running, path: &str) -> Page {
    let page = browser.open(&running.url.join(path).unwrap()).await.unwrap();
    assert!(page.status.is_success(), "{path}: {}", page.html);
    page
}

/// Promise: signed in, tried on the newest mails, confirmed, pinged; and when Microsoft ends the sign-in, the source says so
/// with the code and the button that mends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_connected_tested_and_watched() {
    let folder = TestFolder::new();
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    sim.deliver(
        MAILBOX,
        "From: anna@contoso.test\r\nTo: support@contoso.test\r\nSubject: Printer on fire\r\n\r\nHelp.\r\n",
    )
    .unwrap();
    let running = serve::start(settings(&folder, sim.ready())).await.unwrap();
    let mut browser = Browser::new(connect::http().unwrap());
    connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let signed_in = connect::sign_in(&mut browser, &running.url, &wishes).await.unwrap();
    assert!(
        signed_in.html.contains(MAILBOX) && signed_in.html.contains("Mail.ReadWrite"),
        "{}",
        signed_in.html
    );

    // The dry run decides as the live flow does, and makes nothing.
    let (_, form_at) = signed_in.links.iter().find(|(_, url)| url.path() == "/sources/new").unwrap().clone();
    let page = browser.open(&form_at).await.unwrap();
    assert!(page.html.contains("came in the last 7 days"), "{}", page.html);
    let form = page.form(&["mailbox", "project", "start"]).unwrap();
    let form = form
        .choosing("project", "SUP")
        .unwrap()
        .choosing("issue_type", "Task")
        .unwrap()
        .with("start", "everything");
    let tried = browser.submit(&form.with("do", "dry_run")).await.unwrap();
    assert!(
        tried.html.contains("Printer on fire") && tried.html.contains("becomes a Task in SUP"),
        "{}",
        tried.html
    );
    let list = open(&mut browser, &running, "/sources").await;
    assert!(list.html.contains("not confirmed"), "{}", list.html);

    connect::confirm(&mut browser, &running.url, signed_in, &wishes).await.unwrap();
    let list = open(&mut browser, &running, "/sources").await;
    let ping = list.forms.iter().find(|form| form.action.path().ends_with("/ping")).cloned().unwrap();
    let pinged = browser.submit(&ping).await.unwrap();
    for part in [
        "All checks are good",
        "Folder",
        "Count",
        "Right to write",
        "Quota",
        "Jira sign-in",
        "Permissions",
        "Issue type",
        " ms",
    ] {
        assert!(pinged.html.contains(part), "{part} is missing: {}", pinged.html);
    }
    let source = pinged.links.iter().find(|(text, _)| text.contains(MAILBOX)).unwrap().1.clone();
    let page = browser.open(&source).await.unwrap();
    assert!(page.html.contains("signed in as") || page.html.contains("Signed in as"), "{}", page.html);
    let jira = open(&mut browser, &running, "/jira").await;
    assert!(jira.html.contains("SUP") && jira.html.contains("online"), "{}", jira.html);

    let revoke = json!({ "upn": MAILBOX, "access_tokens": true });
    let control = format!("{}/revoke", sim.ready().control.trim_end_matches('/'));
    let told = reqwest::Client::new().post(control).json(&revoke).send().await.unwrap();
    assert!(told.status().is_success(), "{}", told.status());
    let offline = async {
        loop {
            running.poll_now();
            let list = open(&mut browser, &running, "/sources").await;
            if list.html.contains("offline") {
                break list;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let list = tokio::time::timeout(Duration::from_secs(30), offline).await.expect("the source goes offline");
    assert!(list.html.contains("AADSTS50173") && list.html.contains("Sign in again"), "{}", list.html);
    running.stop().await;
    sim.stop().await;
}

/// Presses what a person would on a page of the simulated Microsoft: chooses the account, types the password, and accepts what is
/// asked for or, where an administrator has to approve, goes back.
fn on(page: &Page, account: &str) -> crate::demo::browser::Form {
    for form in &page.forms {
        if let Some((name, value, _)) = form.buttons.iter().find(|(_, value, _)| value == account) {
            return form.clone().with(name, value);
        }
        if let Some((name, _)) = form.fields.iter().find(|(name, _)| name.contains("pass")) {
            return form.clone().with(&name.clone(), "Password-1");
        }
    }
    let pressed = ["accept", "back"].into_iter().find_map(|word| {
        page.forms.iter().find_map(|form| {
            let button = form.buttons.iter().find(|(_, value, _)| value == word)?;
            Some(form.clone().with(&button.0, &button.1))
        })
    });
    pressed.unwrap_or_else(|| panic!("nothing to press on {}: {}", page.url.path(), page.html))
}

/// Goes through Microsoft's pages until the browser is back.
pub(super) async fn walk(browser: &mut Browser, running: &Running, mut page: Page, account: &str) -> Page {
    for _ in 0..12 {
        if page.url.origin() == running.url.origin() {
            return page;
        }
        page = browser.submit(&on(&page, account)).await.unwrap();
    }
    panic!("the sign-in has no end: {}", page.html);
}

/// Promise: where the tenant keeps mail for administrators, the person is told what to do, and the mailbox comes alive by itself
/// within seconds of the administrator's approval.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_approves_and_the_mailbox_comes_alive() {
    let folder = TestFolder::new();
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    let control = format!("{}/consent", sim.ready().control.trim_end_matches('/'));
    let barred = reqwest::Client::new().post(control).json(&json!({ "user_consent": "barred" }));
    assert!(barred.send().await.unwrap().status().is_success());
    let running = serve::start(settings(&folder, sim.ready())).await.unwrap();
    let mut browser = Browser::new(connect::http().unwrap());
    connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
    let list = open(&mut browser, &running, "/sources").await;
    let sign_in = list.forms.iter().find(|form| form.action.path() == "/sources/sign-in").cloned().unwrap();
    let page = browser.submit(&sign_in).await.unwrap();
    let page = walk(&mut browser, &running, page, MAILBOX).await;
    assert!(page.url.path().starts_with("/approvals/"), "{}: {}", page.url, page.html);
    assert!(page.html.contains("AADSTS9009") && page.html.contains(MAILBOX), "{}", page.html);
    let list = open(&mut browser, &running, "/sources").await;
    assert!(list.html.contains("admin approval needed"), "{}", list.html);

    let (_, link) = page.links.iter().find(|(_, url)| url.path().ends_with("/adminconsent")).unwrap().clone();
    let mut administrator = Browser::new(connect::http().unwrap());
    let consent = administrator.open(&link).await.unwrap();
    let thanks = walk(&mut administrator, &running, consent, "admin@contoso.test").await;
    assert!(thanks.html.contains("Thank you"), "{}", thanks.html);
    let alive = async {
        loop {
            let list = open(&mut browser, &running, "/sources").await;
            if list.html.contains("not confirmed") && !list.html.contains("admin approval needed") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(15), alive).await.expect("the mailbox comes alive by itself");
    running.stop().await;
    sim.stop().await;
}

/// Promise: by application permission a mailbox is read without a person; where the application reaches every mailbox of the tenant,
/// that is found out and said.
#[tokio::test(flavor = "multi_thread")]
async fn an_application_reads_a_mailbox_and_its_fence_is_tried() {
    let folder = TestFolder::new();
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    let control = format!("{}/registrations", sim.ready().control.trim_end_matches('/'));
    let roles =
        reqwest::Client::new().post(control).json(&json!({ "roles": ["Mail.ReadWrite", "Mail.Send"] }));
    let answer = roles.send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    let running = serve::start(settings(&folder, sim.ready())).await.unwrap();
    let mut browser = Browser::new(connect::http().unwrap());
    connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
    let page = open(&mut browser, &running, "/applications/new").await;
    let form = page.forms.iter().find(|form| form.action.path() == "/applications/new").unwrap().clone();
    let form = form.with("mailboxes", MAILBOX).with("control", "admin@contoso.test");
    let page = browser.submit(&form).await.unwrap();
    assert!(page.url.path().starts_with("/applications/"), "{}: {}", page.url, page.html);
    for part in ["reaches every mailbox of the tenant", "can be read", MAILBOX, "2 hours"] {
        assert!(page.html.contains(part), "{part} is missing: {}", page.html);
    }
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    connect::confirm(&mut browser, &running.url, page, &wishes).await.unwrap();
    let online = async {
        loop {
            let list = open(&mut browser, &running, "/sources").await;
            if list.html.contains(">online<") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), online).await.expect("the mailbox is read");
    running.stop().await;
    sim.stop().await;
}

/// Promise: an application that is connected at Message Outbounds leads on to the form of one; *Validate* fetches a fresh token though the
/// one at hand lasts, checks the fence and pings what uses it, sends nothing, and says what is wrong with the credential.
#[tokio::test(flavor = "multi_thread")]
async fn an_application_sends_and_is_validated() {
    let folder = TestFolder::new();
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    let control = sim.ready().control.trim_end_matches('/').to_owned();
    let http = reqwest::Client::new();
    let lever = async |path: &str, change: serde_json::Value| {
        let answer = http.post(format!("{control}{path}")).json(&change).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    };
    let seen =
        async |path: &str| http.get(format!("{control}{path}")).send().await.unwrap().text().await.unwrap();
    let fence = json!({
        "kind": "rbac", "roles": ["Application Mail.ReadWrite", "Application Mail.Send"], "mailboxes": [MAILBOX],
    });
    lever("/enterprise-applications", json!({ "roles": [] })).await;
    lever("/fences", fence).await;
    let running = serve::start(settings(&folder, sim.ready())).await.unwrap();
    let mut browser = Browser::new(connect::http().unwrap());
    connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();

    let page = open(&mut browser, &running, "/applications/new?for=outbound").await;
    assert!(page.html.contains("<a href=\"/outbounds\">Message Outbounds</a>"), "{}", page.html);
    let form = page.forms.iter().find(|form| form.action.path() == "/applications/new").unwrap().clone();
    // What was wrong does not lose what it is for.
    let page = browser.submit(&form.clone().with("mailboxes", "nobody")).await.unwrap();
    assert!(page.html.contains("is no address") && page.html.contains("value=\"outbound\""), "{}", page.html);
    let form = form.with("mailboxes", MAILBOX).with("control", "admin@contoso.test");
    let page = browser.submit(&form).await.unwrap();
    assert!(page.html.contains("The fence holds"), "{}", page.html);
    assert!(page.html.contains("<a href=\"/outbounds\">Message Outbounds</a>"), "{}", page.html);
    let application = page.url.path().to_owned();
    let page = browser.open(&page.link("Choose the mailbox to send from").unwrap()).await.unwrap();
    let form = page.form(&["mailbox", "from_name"]).unwrap().choosing("mailbox", MAILBOX).unwrap();
    let list = browser.submit(&form).await.unwrap();
    assert!(list.html.contains(">online<") && list.html.contains("can send"), "{}", list.html);
    let page = open(&mut browser, &running, &application).await;
    assert!(page.html.contains("Back to its 1 outbound"), "{}", page.html);

    let of_line = |form: &crate::demo::browser::Form| {
        form.action.path().starts_with("/outbounds/")
            && form.action.path().len() > 40
            && form.action.path().ends_with("/sign-in")
    };
    let validate = list.forms.iter().find(|form| of_line(form)).unwrap().clone();
    // How often Microsoft was asked for a token since the last look.
    let tokens = async || {
        let counted: serde_json::Value = serde_json::from_str(&seen("/counters").await).unwrap();
        http.delete(format!("{control}/counters")).send().await.unwrap();
        counted["entra"]["by_operation"]["POST /{}/oauth2/v2.0/token"].as_u64().unwrap_or_default()
    };
    let check = page.forms.iter().find(|form| form.action.path().ends_with("/check")).unwrap().clone();
    tokens().await;
    browser.submit(&check).await.unwrap();
    let by_check = tokens().await;
    let page = browser.submit(&validate).await.unwrap();
    assert_eq!(page.url.path(), "/outbounds", "{}", page.html);
    for part in ["All that was tried is good", "Right to send", "not tried"] {
        assert!(page.html.contains(part), "{part} is missing: {}", page.html);
    }
    let by_validate = tokens().await;
    assert!(by_validate > by_check, "no fresh token: {by_validate} and {by_check}");
    assert_eq!(seen("/sent-outside").await, "[]", "nobody pressed Ping");

    lever("/registrations", json!({ "secrets": [] })).await;
    let page = browser.submit(&validate).await.unwrap();
    for part in ["AADSTS7000215", "offline"] {
        assert!(page.html.contains(part), "{part} is missing: {}", page.html);
    }
    running.stop().await;
    sim.stop().await;
}

/// Promise: a source that begins with a backlog handles it oldest first, by listing, before the first round of the delta is through;
/// what comes after is told by the delta, and nothing is handled twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_is_handled_before_the_folder_is_read_through() {
    let folder = TestFolder::new();
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    let mail = |number: u32| {
        format!("From: anna@contoso.test\r\nTo: {MAILBOX}\r\nSubject: Old {number}\r\n\r\nHelp.\r\n")
    };
    for number in 0..120 {
        sim.deliver(MAILBOX, mail(number)).unwrap();
    }
    let control = sim.ready().control.trim_end_matches('/').to_owned();
    let http = reqwest::Client::new();
    let barred = json!({ "service": "graph", "path": "/delta", "kind": "status", "status": 503 });
    let answer = http.post(format!("{control}/faults")).json(&barred).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    let running = serve::start(settings(&folder, sim.ready())).await.unwrap();
    let mut browser = Browser::new(connect::http().unwrap());
    connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let signed_in = connect::sign_in(&mut browser, &running.url, &wishes).await.unwrap();
    connect::confirm(&mut browser, &running.url, signed_in, &wishes).await.unwrap();
    let made = async |count: usize| {
        let issues = async {
            loop {
                let told = http.get(format!("{control}/jira/issues")).send().await.unwrap();
                let issues: Vec<serde_json::Value> = told.json().await.unwrap();
                if issues.len() >= count {
                    break issues.len();
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), issues).await.expect("the mails become issues")
    };
    assert_eq!(made(120).await, 120, "while no delta is to be had");
    assert!(http.delete(format!("{control}/faults")).send().await.unwrap().status().is_success());
    sim.deliver(MAILBOX, mail(120)).unwrap();
    assert_eq!(made(121).await, 121);
    let online = async {
        while !open(&mut browser, &running, "/sources").await.html.contains(">online<") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), online).await.expect("the folder is read through");
    assert_eq!(made(121).await, 121, "the round after the backlog makes nothing twice");
    running.stop().await;
    sim.stop().await;
}

/// Promise: to validate is to sign in again and then to try whatever uses the account, sources and outbounds; the page shows what was
/// found of the one that was validated, unless another does not work; and no test mail is sent to anybody.
#[tokio::test(flavor = "multi_thread")]
async fn validating_tries_whatever_uses_the_account() {
    let folder = TestFolder::new();
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    let running = serve::start(settings(&folder, sim.ready())).await.unwrap();
    let mut browser = Browser::new(connect::http().unwrap());
    connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let form = connect::sign_in_at(&mut browser, &running.url, "/outbounds", &wishes).await.unwrap();
    browser.submit(&form.form(&["mailbox", "from_name"]).unwrap()).await.unwrap();
    let (account,): (uuid::Uuid,) =
        running.db.fetch_one(sql!("SELECT id FROM account"), args![]).await.unwrap();
    let page = open(&mut browser, &running, &format!("/sources/new?account={account}")).await;
    connect::confirm(&mut browser, &running.url, page, &wishes).await.unwrap();

    let pings = async || -> Vec<(String,)> {
        let statement = sql!("SELECT object_kind FROM connection_event WHERE kind = 'ping' ORDER BY at, id");
        running.db.fetch_all(statement, args![]).await.unwrap()
    };
    // Of an outbound sending is not tried.
    for (list, before, verdict) in
        [("/outbounds", 0, "All that was tried is good"), ("/sources", 2, "All checks are good")]
    {
        assert_eq!(pings().await.len(), before);
        let page = open(&mut browser, &running, list).await;
        let validate = |form: &&crate::demo::browser::Form| {
            form.action.path().ends_with("/sign-in") && form.action.path() != format!("{list}/sign-in")
        };
        let form = page.forms.iter().find(validate).cloned().unwrap();
        let page = browser.submit(&form).await.unwrap();
        let page = connect::through_microsoft(&mut browser, &running.url, page, &wishes).await.unwrap();
        assert_eq!(page.url.path(), list, "{}", page.html);
        assert!(page.html.contains(verdict) && page.html.contains("Token"), "{}", page.html);
    }
    let mut both: Vec<String> = pings().await.into_iter().map(|row| row.0).collect();
    both.sort();
    assert_eq!(both, ["outbound", "outbound", "source", "source"]);

    // One that does not work is shown, whichever was validated.
    let broken = sql!("UPDATE source SET folder_id = 'gone'");
    running.db.execute(broken, args![]).await.unwrap();
    let page = open(&mut browser, &running, "/outbounds").await;
    let validate = |form: &&crate::demo::browser::Form| {
        form.action.path().ends_with("/sign-in") && form.action.path() != "/outbounds/sign-in"
    };
    let form = page.forms.iter().find(validate).cloned().unwrap();
    let page = browser.submit(&form).await.unwrap();
    let page = connect::through_microsoft(&mut browser, &running.url, page, &wishes).await.unwrap();
    assert_eq!(page.url.path(), "/sources", "{}", page.html);
    assert!(page.html.contains("Something is wrong"), "{}", page.html);

    let control = format!("{}/sent-outside", sim.ready().control.trim_end_matches('/'));
    let sent: serde_json::Value = reqwest::get(control).await.unwrap().json().await.unwrap();
    assert_eq!(sent.as_array().map(Vec::len), Some(0), "{sent}");
    running.stop().await;
    sim.stop().await;
}
