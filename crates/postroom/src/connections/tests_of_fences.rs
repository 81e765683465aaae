//! The fence around application permission, tried against the simulator: in the console and over the API.

use fault::Fault;
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::DataFolder;
use store::testing::TestFolder;

use super::tests_with_sim::{MAILBOX, open, settings};
use crate::cli::client::Client;
use crate::cli::shapes::{ApplicationCheck, Applications};
use crate::demo::browser::{Browser, Page};
use crate::demo::connect;
use crate::serve::{self, Running};

const OUTSIDE: &str = "billing@contoso.test";

/// Moves a lever of the simulator.
pub(super) async fn lever(sim: &sim::Sim, path: &str, wish: Value) -> Value {
    let control = format!("{}{path}", sim.ready().control.trim_end_matches('/'));
    let answer = reqwest::Client::new().post(control).json(&wish).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    answer.json().await.unwrap_or_default()
}

/// An application with these permissions of the directory, connected for one mailbox.
async fn connected(sim: &sim::Sim, folder: &TestFolder, roles: &[&str]) -> (Running, Browser, Page) {
    lever(sim, "/registrations", json!({ "roles": roles })).await;
    let running = serve::start(settings(folder, sim.ready())).await.unwrap();
    let mut browser = Browser::new(connect::http().unwrap());
    connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
    let page = open(&mut browser, &running, "/applications/new").await;
    let form = page.forms.iter().find(|form| form.action.path() == "/applications/new").unwrap().clone();
    let form = form.with("mailboxes", MAILBOX).with("control", OUTSIDE);
    let page = browser.submit(&form).await.unwrap();
    assert!(page.url.path().starts_with("/applications/"), "{}: {}", page.url, page.html);
    (running, browser, page)
}

/// *Check* of the application's page.
async fn check(browser: &mut Browser, page: &Page) -> Page {
    let form = page.forms.iter().find(|form| form.action.path().ends_with("/check")).unwrap();
    browser.submit(form).await.unwrap()
}

/// What the API says after another check.
async fn check_over_the_api(folder: &TestFolder, page: &Page) -> ApplicationCheck {
    let id = page.url.path().rsplit('/').next().unwrap();
    let client = Client::at_socket(DataFolder::socket_in(&folder.path().join("data")));
    let all: Applications = client.get("/api/v1/applications").await.unwrap();
    assert_eq!(all.applications.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), [id]);
    client.post(&format!("/api/v1/applications/{id}/check")).await.unwrap()
}

/// Promise: a fence that holds is proven by a refusal, which is shown; one that is not felt yet is told apart from none by the time
/// that Exchange keeps its answers for, and a later check gives the truth.
#[tokio::test(flavor = "multi_thread")]
async fn a_fence_is_proven_once_it_is_felt() {
    let folder = TestFolder::new();
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    let policy = json!({ "kind": "restrict_access", "mailboxes": [MAILBOX], "lag_seconds": 3_600 });
    lever(&sim, "/fences", policy).await;
    let (running, mut browser, page) = connected(&sim, &folder, &["Mail.ReadWrite"]).await;
    for part in [
        "reaches every mailbox of the tenant",
        "Exchange may have answered from its cache",
        "up to 2 hours",
        "API permissions",
        "Test-ServicePrincipalAuthorization",
    ] {
        assert!(page.html.contains(part), "{part} is missing: {}", page.html);
    }
    let told = check_over_the_api(&folder, &page).await;
    assert_eq!((told.application.fence.as_str(), told.check.ok), ("open", false));
    let until = told.application.cached_until.unwrap();
    assert_eq!(until.duration_since(told.application.checked_at.unwrap()), SignedDuration::from_hours(2));
    let fence = told.check.checks.iter().find(|check| check.name == "Fence").unwrap().fault.as_ref().unwrap();
    assert!(fence.page.as_ref().unwrap().title.contains("API permissions"), "{fence:?}");
    assert!(fence.command.as_ref().unwrap().contains(OUTSIDE), "{fence:?}");

    sim.clock().advance(SignedDuration::from_secs(3_700));
    let page = check(&mut browser, &page).await;
    for part in [
        "The fence holds",
        "is refused, as it should be",
        "HTTP 403 ErrorAccessDenied",
        "request ",
        "can be read",
    ] {
        assert!(page.html.contains(part), "{part} is missing: {}", page.html);
    }
    assert!(!page.html.contains("reaches every mailbox"), "{}", page.html);
    let told = check_over_the_api(&folder, &page).await;
    assert_eq!((told.application.fence.as_str(), told.check.ok), ("holds", true));
    assert_eq!(told.application.control_mailbox.as_deref(), Some(OUTSIDE));
    running.stop().await;
    sim.stop().await;
}

/// Promise: with a role of Exchange alone the application reaches its mailboxes and no other; a mailbox that the fence leaves out is
/// told with the command that looks into it, and a permission of the directory beside opens the fence again.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_fences_and_a_permission_beside_opens() {
    let folder = TestFolder::new();
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    let role = json!({ "kind": "rbac", "roles": ["Application Mail.ReadWrite"], "mailboxes": [MAILBOX] });
    lever(&sim, "/fences", role).await;
    let (running, mut browser, page) = connected(&sim, &folder, &[]).await;
    assert!(page.html.contains("The fence holds"), "{}", page.html);

    let form = page.forms.iter().find(|form| form.action.path().ends_with("/mailboxes")).unwrap().clone();
    let both = format!("{MAILBOX}\n{OUTSIDE}");
    let page =
        browser.submit(&form.with("mailboxes", &both).with("control", "admin@contoso.test")).await.unwrap();
    for part in
        ["Something is wrong", "Mailboxes (Exchange admin center)", "Test-ServicePrincipalAuthorization"]
    {
        assert!(page.html.contains(part), "{part} is missing: {}", page.html);
    }
    lever(&sim, "/registrations", json!({ "roles": ["Mail.Read"] })).await;
    lever(&sim, "/tokens", json!({ "expire": true })).await;
    let page = check(&mut browser, &page).await;
    assert!(page.html.contains("reaches every mailbox of the tenant"), "{}", page.html);
    running.stop().await;
    sim.stop().await;
}

/// Promise: changing the mailboxes of an application keeps the one outside the fence, with which the fence goes on being proven, until
/// somebody takes it out; and the commands for the fence are those of the mailboxes that are kept.
#[tokio::test(flavor = "multi_thread")]
async fn changed_mailboxes_keep_the_one_outside() {
    let folder = TestFolder::new();
    let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
    let more = "anna@contoso.test";
    let role =
        json!({ "kind": "rbac", "roles": ["Application Mail.ReadWrite"], "mailboxes": [MAILBOX, more] });
    lever(&sim, "/fences", role).await;
    let (running, mut browser, page) = connected(&sim, &folder, &[]).await;
    let of_mailboxes = |page: &Page| {
        page.forms.iter().find(|form| form.action.path().ends_with("/mailboxes")).unwrap().clone()
    };
    let form = of_mailboxes(&page).with("mailboxes", &format!("{MAILBOX}\n{more}"));
    let page = browser.submit(&form).await.unwrap();
    for part in ["The fence holds", OUTSIDE, "is refused, as it should be"] {
        assert!(page.html.contains(part), "{part} is missing: {}", page.html);
    }
    let commands = browser.open(&page.link("The commands for the fence").unwrap()).await.unwrap();
    for part in ["New-ManagementScope", MAILBOX, more, "Test-ServicePrincipalAuthorization"] {
        assert!(commands.html.contains(part), "{part} is missing: {}", commands.html);
    }
    let page = browser.submit(&of_mailboxes(&page).with("control", "")).await.unwrap();
    assert!(page.html.contains("none named") && !page.html.contains(OUTSIDE), "{}", page.html);
    running.stop().await;
    sim.stop().await;
}

/// Promise: an open fence has an entry of its own, with who acts, page and command.
#[test]
fn an_open_fence_is_in_the_catalogue() {
    let entry = Fault::own("own.fence", "").entry;
    assert_eq!((entry.id, entry.who), ("own.fence", fault::Who::EntraAdministrator));
    assert!(entry.page.is_some() && entry.command.is_some() && entry.mend.contains("2 hours"));
}
