//! The whole sign-in, against the simulator: a person's way through the pages, tokens, refresh, revocation.
#![allow(missing_docs, reason = "a test")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fault::Fault;
use futures::future::BoxFuture;
use jiff::Timestamp;
use microsoft::graph::{GraphMailbox, User};
use microsoft::signin::{self, Application, Begun, Credential, Discovery, Hint};
use microsoft::{AccessTokens, Budget, Mailbox};
use rand::SeedableRng;
use rand::rngs::StdRng;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

const SCOPES: [&str; 5] = ["openid", "profile", "offline_access", "User.Read", "Mail.ReadWrite"];
const PERSON: &str = "admin@contoso.test";

struct Place {
    sim: sim::Sim,
    ready: Value,
    http: reqwest::Client,
    discovery: Discovery,
    app: Application,
    clock: sim::clock::Clock,
}

impl Place {
    async fn open() -> Self {
        let clock = sim::clock::Clock::default();
        let config = sim::Config { clock: clock.clone(), ..sim::Config::default() };
        let sim = sim::Sim::start(config).await.expect("a simulator");
        let ready = serde_json::to_value(sim.ready()).expect("JSON");
        let told = |name: &str| ready[name].as_str().expect("told").to_owned();
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let app = Application {
            client_id: told("client_id"),
            credential: Credential::Secret(SecretString::from(told("client_secret"))),
            tenant: "organizations".to_owned(),
            redirect_uri: "http://localhost:8080/signin/return".parse().expect("a URL"),
        };
        let login = told("entra").parse().expect("a URL");
        let discovery = signin::discover(&http, &login, &app.tenant).await.expect("endpoints");
        Self { sim, ready, http, discovery, app, clock }
    }

    fn person(&self) -> &Value {
        let users = self.ready["users"].as_array().expect("users");
        users.iter().find(|user| user["upn"] == PERSON).expect("there")
    }

    fn begin(&self) -> Begun {
        signin::begin(
            &self.discovery,
            &self.app,
            &SCOPES,
            Some(Hint::SelectAccount),
            &mut StdRng::seed_from_u64(77),
        )
    }

    /// Goes through the pages as a person does; the query of the return.
    async fn come_back(&self, begun: &Begun, decision: &str) -> Vec<(String, String)> {
        let mut cookies: BTreeMap<String, String> = BTreeMap::new();
        let mut next = self.http.get(begun.url.clone());
        for _ in 0..8 {
            let jar: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let answer = next.header("cookie", jar.join("; ")).send().await.expect("a page");
            for cookie in answer.headers().get_all("set-cookie") {
                let pair = cookie.to_str().expect("text").split(';').next().unwrap_or_default();
                let (name, value) = pair.split_once('=').expect("a cookie");
                cookies.insert(name.to_owned(), value.to_owned());
            }
            let url = answer.url().clone();
            if let Some(location) = answer.headers().get("location") {
                let location = url.join(location.to_str().expect("text")).expect("an address");
                if location.as_str().starts_with(self.app.redirect_uri.as_str()) {
                    return location.query_pairs().into_owned().collect();
                }
                next = self.http.get(location);
                continue;
            }
            let page = answer.text().await.expect("a page");
            let after = |mark: &str| {
                let (_, rest) = page.split_once(mark)?;
                rest.split('"').next().map(str::to_owned)
            };
            let action =
                after("method=\"post\" action=\"").unwrap_or_else(|| panic!("no form on {url}: {page}"));
            let flow = after("name=\"flow\" value=\"").expect("a flow");
            let mut form = vec![("flow", flow)];
            if action.ends_with("/account") {
                form.push(("account", PERSON.to_owned()));
            } else if action.ends_with("/password") {
                form.push(("passwd", self.person()["password"].as_str().expect("told").to_owned()));
            } else {
                form.extend([("consent_org", "on".to_owned()), ("decision", decision.to_owned())]);
            }
            next = self.http.post(url.join(&action).expect("an address")).form(&form);
        }
        panic!("the pages do not come to an end");
    }

    async fn redeem(&self, begun: &Begun, code: &str) -> Result<signin::Tokens, Fault> {
        let now: Timestamp = self.clock.now();
        signin::redeem(
            &self.http,
            &self.discovery,
            &self.app,
            code,
            &begun.verifier,
            &begun.nonce,
            &SCOPES,
            now,
        )
        .await
    }
}

fn told<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

struct Token(SecretString);

impl AccessTokens for Token {
    fn get(&self) -> BoxFuture<'_, Result<SecretString, Fault>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn refused(&self, _: &SecretString) -> BoxFuture<'_, Result<SecretString, Fault>> {
        self.get()
    }
}

#[tokio::test]
async fn a_person_signs_in_and_the_tokens_are_renewed_until_they_are_revoked() {
    let place = Place::open().await;
    let begun = place.begin();
    let query = place.come_back(&begun, "accept").await;
    assert_eq!(told(&query, "state"), Some(begun.state.as_str()));
    let tokens = place.redeem(&begun, told(&query, "code").expect("a code")).await.expect("tokens");
    let id = tokens.id.expect("known");
    let person = place.person();
    assert_eq!(
        (id.oid.as_str(), id.tid.as_str()),
        (person["oid"].as_str().expect("an id"), place.ready["tenant_id"].as_str().expect("an id"))
    );
    assert!(signin::missing_scopes(&SCOPES, &tokens.scopes).is_empty(), "{:?}", tokens.scopes);

    let old = tokens.refresh.expect("offline_access");
    let renewed =
        signin::refresh(&place.http, &place.discovery, &place.app, &old, &SCOPES, place.clock.now())
            .await
            .expect("renewed");
    let next = renewed.refresh.expect("rotated");
    assert_ne!(next.expose_secret(), old.expose_secret());
    let graph_url: Url = place.ready["graph"].as_str().expect("told").parse().expect("a URL");
    let mailbox = GraphMailbox::new(
        place.http.clone(),
        graph_url,
        User::Me,
        Arc::new(Token(renewed.access)),
        Arc::new(Budget::graph()),
        Duration::from_secs(10),
    );
    let report = mailbox.probe().await;
    assert!(report.is_well(), "{report:?}");
    assert!(report.checks[0].outcome.as_ref().is_ok_and(|who| who.contains(PERSON)), "{report:?}");

    let revoke = format!("{}/revoke", place.ready["control"].as_str().expect("told"));
    let revoked = place.http.post(revoke).json(&json!({ "upn": PERSON })).send().await.expect("sent");
    assert!(revoked.status().is_success());
    let fault = signin::refresh(&place.http, &place.discovery, &place.app, &next, &SCOPES, place.clock.now())
        .await
        .expect_err("revoked");
    assert_eq!((fault.entry.id, fault.code.as_str()), ("entra.grant_revoked", "AADSTS50173"));
    place.sim.stop().await;
}

#[tokio::test]
async fn a_code_is_taken_once_and_only_with_its_verifier() {
    let place = Place::open().await;
    let begun = place.begin();
    let query = place.come_back(&begun, "accept").await;
    let code = told(&query, "code").expect("a code");
    let other = Begun { verifier: SecretString::from("x".repeat(43)), ..begun.clone() };
    assert_eq!(place.redeem(&other, code).await.expect_err("another verifier").entry.id, "entra.verifier");

    let begun = place.begin();
    let query = place.come_back(&begun, "accept").await;
    let code = told(&query, "code").expect("a code");
    place.redeem(&begun, code).await.expect("tokens");
    assert_eq!(place.redeem(&begun, code).await.expect_err("used").entry.id, "entra.code_used");
    place.sim.stop().await;
}

#[tokio::test]
async fn a_refused_consent_comes_back_as_a_fault() {
    let place = Place::open().await;
    let begun = place.begin();
    let query = place.come_back(&begun, "cancel").await;
    let fault = signin::came_back_with(
        told(&query, "error").expect("an error"),
        told(&query, "error_description").unwrap_or_default(),
    );
    assert_eq!(fault.entry.id, "entra.declined", "{query:?}");
    place.sim.stop().await;
}
