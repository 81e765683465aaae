//! Against the simulator: after an administrator's sign-in the Enterprise Application is shown; whose consent covers an account is shown
//! where the directory tells.

use reqwest::Client;
use serde_json::{Value, json};
use store::testing::TestFolder;

use super::cloud::Cloud;
use super::tests_with_sim::{open, settings, walk};
use crate::demo::browser::{Browser, Page};
use crate::demo::connect;
use crate::serve::{self, Running};

struct Bench {
    _folder: TestFolder,
    sim: sim::Sim,
    running: Running,
    browser: Browser,
}

impl Bench {
    async fn new() -> Self {
        let folder = TestFolder::new();
        let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
        let running = serve::start(settings(&folder, sim.ready())).await.unwrap();
        let mut browser = Browser::new(connect::http().unwrap());
        connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
        Self { _folder: folder, sim, running, browser }
    }

    async fn lever(&self, path: &str, change: Value) {
        let at = format!("{}{path}", self.sim.ready().control.trim_end_matches('/'));
        let answer = Client::new().post(at).json(&change).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// Signs in as that person; the page that says who is signed in.
    async fn sign_in(&mut self, person: &str) -> Page {
        let list = open(&mut self.browser, &self.running, "/sources").await;
        let form = list.forms.iter().find(|form| form.action.path() == "/sources/sign-in").cloned().unwrap();
        let page = self.browser.submit(&form).await.unwrap();
        let page = walk(&mut self.browser, &self.running, page, person).await;
        assert!(page.url.path().starts_with("/accounts/"), "{}: {}", page.url, page.html);
        page
    }

    async fn registration_page(&mut self) -> Page {
        let list = open(&mut self.browser, &self.running, "/registrations").await;
        let is_one =
            |url: &url::Url| url.path().strip_prefix("/registrations/").is_some_and(|id| id.len() == 36);
        let (_, at) = list.links.iter().find(|(_, url)| is_one(url)).expect("a registration").clone();
        self.browser.open(&at).await.unwrap()
    }

    async fn stop(self) {
        self.running.stop().await;
        self.sim.stop().await;
    }
}

/// Promise: after an administrator's sign-in, and not after anybody else's, the Enterprise Application is shown with its application
/// id and the page of its permissions, and the registration's page lists it; without a right to the directory its name is what the
/// token tells, and its object id is not made up.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrators_sign_in_shows_the_enterprise_application() {
    let mut bench = Bench::new().await;
    let client_id = bench.sim.ready().client_id.clone();
    let page = bench.sign_in("support@contoso.test").await;
    assert!(!page.html.contains("Enterprise Application"), "{}", page.html);
    assert!(page.html.contains("is not known"), "{}", page.html);
    let page = bench.registration_page().await;
    assert!(!page.html.contains("Enterprise Applications"), "{}", page.html);

    let page = bench.sign_in("admin@contoso.test").await;
    let permissions = Cloud::Global.enterprise_permissions_page(&client_id, None);
    let name = "<strong>Postroom</strong>";
    for part in ["Enterprise Application", name, &client_id, "admin@contoso.test signed in", &permissions] {
        assert!(page.html.contains(part), "{part} is missing: {}", page.html);
    }
    assert!(!page.html.contains("object id"), "{}", page.html);
    let page = bench.registration_page().await;
    for part in ["Enterprise Applications", &bench.sim.ready().tenant_id, "admin@contoso.test signed in"] {
        assert!(page.html.contains(part), "{part} is missing: {}", page.html);
    }
    bench.stop().await;
}

/// Promise: where the token may read the directory, name and object id are those of the directory, and whose consent covers the account
/// is shown.
#[tokio::test(flavor = "multi_thread")]
async fn the_directory_tells_name_and_consent_where_it_may_be_read() {
    let mut bench = Bench::new().await;
    let scopes = [
        "User.Read",
        "Mail.ReadWrite",
        "openid",
        "profile",
        "email",
        "offline_access",
        "Application.Read.All",
        "DelegatedPermissionGrant.Read.All",
    ];
    bench.lever("/registrations", json!({ "scopes": scopes })).await;
    // The administrator consents for everybody to all that is configured.
    let (entra, tenant) = (bench.sim.ready().entra.clone(), bench.sim.ready().tenant_id.clone());
    let back = bench.running.url.join("oauth/callback").unwrap();
    let link = microsoft::signin::admin_consent_address(
        &entra.parse().unwrap(),
        &tenant,
        &bench.sim.ready().client_id,
        &["https://graph.microsoft.com/.default"],
        &back,
        "nobody-waits",
    );
    let mut administrator = Browser::new(connect::http().unwrap());
    let consent = administrator.open(&link).await.unwrap();
    walk(&mut administrator, &bench.running, consent, "admin@contoso.test").await;

    let page = bench.sign_in("support@contoso.test").await;
    let own = [
        "<strong>Postroom</strong>",
        "object id",
        "/Permissions/objectId/",
        "An administrator&#39;s consent covers it.",
    ];
    for part in own {
        assert!(page.html.contains(part), "{part} is missing: {}", page.html);
    }
    bench.stop().await;
}
