//! Credentials of an app registration against the simulator, through the console: certificates from their upload to their end,
//! rollover without a gap, and the ends that Microsoft Graph tells.

use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use serde_json::{Value, json};
use store::testing::TestFolder;
use url::Url;

use super::tests_of_fences::lever;
use super::tests_with_sim::{MAILBOX, open, settings};
use crate::demo::browser::{Browser, Page};
use crate::demo::connect::{self, Wishes};
use crate::serve::{self, Running};

/// A certificate with its key, as somebody makes it with openssl.
struct Own {
    certificate: String,
    key: String,
}

impl Own {
    /// One that ends so many days from now on.
    fn ending(now: Timestamp, days: i64) -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
        let key = rcgen::KeyPair::try_from(der.as_ref()).unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["postroom.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        let end = (now + SignedDuration::from_hours(24 * days)).to_zoned_datetime(jiff::tz::TimeZone::UTC);
        params.not_after = rcgen::date_time_ymd(
            end.year().into(),
            u8::try_from(end.month()).unwrap(),
            u8::try_from(end.day()).unwrap(),
        );
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { certificate, key: key.serialize_pem() }
    }
}

/// A console with a registration that was entered there, without credentials.
struct Console {
    _folder: TestFolder,
    sim: sim::Sim,
    running: Running,
    browser: Browser,
    registration: Url,
}

impl Console {
    async fn start() -> Self {
        Self::with("no", None).await
    }

    /// The same of a registration for further tenants or not, in a tenant or (none) the simulator's own.
    async fn with(multi_tenant: &str, tenant: Option<&str>) -> Self {
        let folder = TestFolder::new();
        let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
        let mut config = settings(&folder, sim.ready());
        config.microsoft.client_id = None;
        config.microsoft.client_secret = None;
        let running = serve::start(config).await.unwrap();
        let mut browser = Browser::new(connect::http().unwrap());
        connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
        let page = open(&mut browser, &running, "/registrations/new").await;
        let form = page.form(&["client_id", "cloud"]).unwrap();
        let form = form
            .with("client_id", &sim.ready().client_id)
            .with("multi_tenant", multi_tenant)
            .with("tenant", tenant.unwrap_or(&sim.ready().tenant_id))
            .with("cloud", "custom")
            .with("login_url", &sim.ready().entra)
            .with("graph_url", &sim.ready().graph);
        let page = browser.submit(&form).await.unwrap();
        let path = page.url.path().trim_end_matches("/credentials/new").to_owned();
        assert!(path.starts_with("/registrations/"), "{}: {}", page.url, page.html);
        let registration = running.url.join(&path).unwrap();
        Self { _folder: folder, sim, running, browser, registration }
    }

    async fn page(&mut self) -> Page {
        self.browser.open(&self.registration).await.unwrap()
    }

    /// Adds a credential through its form.
    async fn add(&mut self, fields: &[(&str, &str)]) -> Page {
        let at = format!("{}/credentials/new", self.registration.path());
        let page = open(&mut self.browser, &self.running, &at).await;
        let mut form = page.form(&["kind", "secret"]).unwrap();
        for (name, value) in fields {
            form = form.with(name, value);
        }
        self.browser.submit(&form).await.unwrap()
    }

    async fn add_certificate(&mut self, own: &Own, note: &str) -> Page {
        let fields = [
            ("kind", "certificate"),
            ("certificate", own.certificate.as_str()),
            ("key", own.key.as_str()),
            ("note", note),
        ];
        self.add(&fields).await
    }

    /// Presses a button of the credential at this place in the list.
    async fn press(&mut self, at: usize, what: &str) -> Page {
        let page = self.page().await;
        let forms: Vec<_> = page
            .forms
            .iter()
            .filter(|form| {
                let path = form.action.path();
                path.contains("/credentials/") && path.ends_with(what)
            })
            .collect();
        self.browser.submit(forms[at]).await.unwrap()
    }

    async fn lever(&self, path: &str, wish: Value) -> Value {
        lever(&self.sim, path, wish).await
    }

    /// Pings the source, whose tokens have ended at Microsoft: it needs a fresh one.
    async fn works(&mut self) -> bool {
        self.lever("/tokens", json!({ "expire": true })).await;
        let list = open(&mut self.browser, &self.running, "/sources").await;
        let ping = list.forms.iter().find(|form| form.action.path().ends_with("/ping")).cloned().unwrap();
        let pinged = self.browser.submit(&ping).await.unwrap();
        pinged.html.contains("All checks are good")
    }

    /// The page, once it says what the credentials have met.
    async fn after_use(&mut self) -> Page {
        self.running.connections.keep_what_credentials_met().await.unwrap();
        self.page().await
    }

    async fn stop(self) {
        self.running.stop().await;
        self.sim.stop().await;
    }
}

/// Promise: a certificate proves the app from the console to the token; a second one takes over without a gap, in whatever order it
/// reaches Entra and Postroom; and each refusal says whose it is and where it is mended.
#[tokio::test(flavor = "multi_thread")]
async fn certificates_roll_over_without_a_gap() {
    let mut console = Console::start().await;
    let now = console.running.connections.clock.now();
    let (first, second) = (Own::ending(now, 20), Own::ending(now, 300));

    // Entra does not know it yet: the entry says so, and leads to the page where it is uploaded.
    let page = console.add_certificate(&first, "first").await;
    for part in ["Microsoft refuses the credential", "AADSTS700027", "/Credentials/appId/"] {
        assert!(page.html.contains(part), "{part} is missing: {}", page.html);
    }
    let known = console.lever("/registrations/certificates", json!({ "pem": first.certificate })).await;
    let page = console.press(0, "/test").await;
    assert!(page.html.contains("Microsoft took the credential"), "{}", page.html);
    assert!(page.html.contains(": good") && !page.html.contains("AADSTS700027"), "{}", page.html);

    // People sign in with it, and mail is read.
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let signed_in = connect::sign_in(&mut console.browser, &console.running.url, &wishes).await.unwrap();
    connect::confirm(&mut console.browser, &console.running.url, signed_in, &wishes).await.unwrap();
    assert!(console.works().await, "tokens are renewed with the first certificate");

    // The second one is put in before Entra has it: it is tried first and refused, and the first one goes on.
    let page = console.add_certificate(&second, "second").await;
    assert!(page.html.contains("AADSTS700027") && page.html.contains("Two live now"), "{}", page.html);
    assert!(console.works().await, "the first certificate fills the gap");
    let newer = console.lever("/registrations/certificates", json!({ "pem": second.certificate })).await;
    // Using it proves it: what stood against it is over without a test.
    assert!(console.works().await, "the second certificate is taken");
    let page = console.after_use().await;
    assert!(page.html.contains(": good") && !page.html.contains("AADSTS700027"), "{}", page.html);
    let page = console.press(0, "/test").await;
    assert!(page.html.contains("Microsoft took the credential"), "{}", page.html);

    // What Microsoft says of a credential in use stands beside it, whatever a test had said before.
    console.lever("/registrations/certificates", json!({ "remove": newer["key_id"] })).await;
    assert!(console.works().await, "the first certificate fills the gap");
    let page = console.after_use().await;
    let (second_one, first_one) = page.html.split_once(">first<").unwrap();
    assert!(second_one.contains("AADSTS700027") && !second_one.contains(": good"), "{}", page.html);
    assert!(first_one.contains(": good") && !first_one.contains("AADSTS700027"), "{}", page.html);
    console.lever("/registrations/certificates", json!({ "pem": second.certificate })).await;

    // Entra forgets the first one before it is taken out here.
    console.lever("/registrations/certificates", json!({ "remove": known["key_id"] })).await;
    assert!(console.works().await, "the second certificate has taken over");
    let page = console.press(1, "/remove").await;
    assert!(page.html.contains("second") && !page.html.contains(">first<"), "{}", page.html);
    assert!(console.works().await, "and goes on alone");

    // Long after its end Microsoft refuses it.
    console.sim.clock().advance(SignedDuration::from_hours(24 * 301));
    let page = console.press(0, "/test").await;
    for part in ["AADSTS700027", "certificate", "/Credentials/appId/"] {
        assert!(page.html.contains(part), "{part} is missing: {}", page.html);
    }
    console.stop().await;
}

/// Promise: a certificate that cannot be used is refused beside its field before it is kept, and the end of one that can is
/// shown and forecast.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_looked_at_before_it_is_kept() {
    let mut console = Console::start().await;
    let now = console.running.connections.clock.now();
    let (good, other, over) = (Own::ending(now, 20), Own::ending(now, 20), Own::ending(now, -2));
    let both = format!("{}{}", good.key, good.certificate);
    for (certificate, key, said) in [
        (&good.certificate, &other.key, "belongs to another certificate"),
        (&over.certificate, &over.key, "has ended already"),
        (&good.key, &good.key, "no certificate in the text"),
        (&good.certificate, &good.certificate, "no private key in the text"),
        (&both, &other.key, "belongs to another certificate"),
    ] {
        let fields = [("kind", "certificate"), ("certificate", certificate.as_str()), ("key", key.as_str())];
        let page = console.add(&fields).await;
        assert!(page.html.contains(said), "{said} is missing: {}", page.html);
        assert!(!page.html.contains(&good.key[30..80]), "a key is shown");
    }
    assert!(console.page().await.html.contains("Nobody can sign in"), "nothing was kept");

    console.lever("/registrations/certificates", json!({ "pem": good.certificate })).await;
    let page = console.add_certificate(&good, "").await;
    assert!(page.html.contains("ends ") && page.html.contains("SHA-256"), "{}", page.html);
    let warned = async {
        loop {
            let notices = open(&mut console.browser, &console.running, "/notices").await;
            if notices.html.contains("Certificate of the app registration") {
                break notices;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let notices = tokio::time::timeout(Duration::from_secs(60), warned).await.expect("a warning");
    assert!(
        notices.html.contains("ends in 19 days") || notices.html.contains("ends in 20 days"),
        "{}",
        notices.html
    );
    console.stop().await;
}

/// Promise: where the app may read applications, Microsoft tells when a secret ends; without that it is entered by hand.
#[tokio::test(flavor = "multi_thread")]
async fn microsoft_tells_when_a_secret_ends() {
    let mut console = Console::start().await;
    let secret = console.sim.ready().client_secret.clone();
    let page = console.add(&[("kind", "secret"), ("secret", &secret)]).await;
    assert!(page.html.contains("Microsoft took the credential"), "{}", page.html);
    assert!(page.html.contains("its end is not known"), "without the permission: {}", page.html);

    console.lever("/registrations", json!({ "roles": ["Application.Read.All"] })).await;
    let page = console.press(0, "/test").await;
    assert!(!page.html.contains("its end is not known"), "{}", page.html);
    let control = format!("{}/registrations", console.sim.ready().control.trim_end_matches('/'));
    let told: Value = reqwest::get(control).await.unwrap().json().await.unwrap();
    let client_id = console.sim.ready().client_id.as_str();
    let own = told.as_array().unwrap().iter().find(|own| own["client_id"] == client_id).unwrap();
    let ends = own["secrets"][0]["ends"].as_str().unwrap();
    assert!(page.html.contains(&ends[..10]), "{ends} is missing: {}", page.html);
    console.stop().await;
}

/// Promise: whatever Entra makes of an application that names no tenant, refuses it or guesses one, Postroom names one: a credential
/// is tested in the tenant of somebody who has signed in and not before, and application permission asks for the tenant.
#[rstest]
#[case::refused(false)]
#[case::guessed(true)]
#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_tested_in_a_tenant_that_is_named(#[case] guesses: bool) {
    let mut console = Console::with("yes", Some("organizations")).await;
    console.lever("/tokens", json!({ "guesses_tenants": guesses })).await;
    let secret = console.sim.ready().client_secret.clone();
    let page = console.add(&[("kind", "secret"), ("secret", &secret)]).await;
    assert!(page.html.contains("It cannot be tested yet"), "{}", page.html);
    let page = open(&mut console.browser, &console.running, "/applications/new").await;
    let form = page.forms.iter().find(|form| form.action.path() == "/applications/new").unwrap().clone();
    let form = form.with("tenant", "organizations").with("mailboxes", MAILBOX);
    let refused = console.browser.submit(&form).await.unwrap();
    assert!(refused.html.contains("The tenant is needed"), "{}", refused.html);
    let control = format!("{}/counters", console.sim.ready().control.trim_end_matches('/'));
    let counted: Value = reqwest::get(control).await.unwrap().json().await.unwrap();
    let asked = counted["entra"]["by_operation"].as_object().unwrap();
    assert!(!asked.keys().any(|operation| operation.ends_with("/token")), "nothing was tried: {asked:?}");

    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    connect::sign_in(&mut console.browser, &console.running.url, &wishes).await.unwrap();
    let page = console.press(0, "/test").await;
    let said = format!("Microsoft took the credential in the tenant {}", console.sim.ready().tenant_id);
    assert!(page.html.contains(&said), "{}", page.html);
    console.stop().await;
}
