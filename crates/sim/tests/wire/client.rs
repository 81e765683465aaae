//! A caller: signs in by walking the pages, talks to Graph and to the control address.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use sim::clock::Clock;
use sim::{Config, Ready, Sim};

pub(crate) const REDIRECT: &str = "http://localhost:8400/callback";
pub(crate) const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-one-0123456789";
pub(crate) const MAIL: &str = "openid profile offline_access Mail.ReadWrite Mail.Send";
pub(crate) const SUPPORT: &str = "support@contoso.test";

pub(crate) fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()))
}

/// A simulator whose clock stands, and a caller of it.
pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) http: Client,
    pub(crate) cookie: std::sync::Mutex<Option<String>>,
}

/// An answer read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let json = serde_json::from_str(&text).unwrap_or_default();
        Self { status, headers, text, json }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Graph's error code.
    pub(crate) fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_default()
    }
}

/// The start of the simulated time.
pub(crate) fn begin() -> Timestamp {
    "2026-11-24T10:00:00Z".parse().expect("a moment")
}

pub(crate) async fn world() -> World {
    world_with(Config::default()).await
}

pub(crate) async fn world_with(config: Config) -> World {
    let sim =
        Sim::start(Config { clock: Clock::standing(begin()), ..config }).await.expect("the simulator starts");
    let http = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .build()
        .expect("a client");
    World { sim, http, cookie: std::sync::Mutex::new(None) }
}

impl World {
    pub(crate) fn ready(&self) -> &Ready {
        self.sim.ready()
    }

    /// A lever of the control address; it must work.
    pub(crate) async fn lever(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.ready().control);
        let answer =
            Answer::of(self.http.request(method, url).json(&body).send().await.expect("an answer")).await;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text);
        answer.json
    }

    pub(crate) async fn post_lever(&self, path: &str, body: Value) -> Value {
        self.lever(Method::POST, path, body).await
    }

    pub(crate) fn authorize_url(&self, more: &[(&str, &str)]) -> String {
        let challenge = challenge();
        let mut all = vec![
            ("client_id", self.ready().client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", MAIL),
            ("state", "a state & more"),
            ("nonce", "a-nonce"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in more {
            all.retain(|(own, _)| own != name);
            if !value.is_empty() {
                all.push((name, value));
            }
        }
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
        format!("{}/{}/oauth2/v2.0/authorize?{query}", self.ready().entra, self.ready().tenant_id)
    }

    async fn page(&self, request: reqwest::RequestBuilder) -> Answer {
        let cookie = self.cookie.lock().expect("a lock").clone();
        let request = match cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        };
        let answer = Answer::of(request.send().await.expect("an answer")).await;
        if !answer.header("set-cookie").is_empty() {
            let pair = answer.header("set-cookie").split(';').next().map(str::to_owned);
            *self.cookie.lock().expect("a lock") = pair;
        }
        answer
    }

    pub(crate) async fn get_page(&self, url: &str) -> Answer {
        self.page(self.http.get(url)).await
    }

    /// Posts the form of the page that leads to `step`.
    pub(crate) async fn step(&self, page: &Answer, step: &str, fields: &[(&str, &str)]) -> Answer {
        let flow =
            between(&page.text, "name=\"flow\" value=\"", "\"").expect("the page has a flow").to_owned();
        let mut all = vec![("flow", flow.as_str())];
        all.extend_from_slice(fields);
        let url = format!("{}/{}/login/{step}", self.ready().entra, self.ready().tenant_id);
        self.page(self.http.post(url).form(&all)).await
    }

    /// Walks from the authorize address to the redirect as this user, accepting everything.
    pub(crate) async fn walk(&self, url: &str, upn: &str) -> url::Url {
        let mut page = self.get_page(url).await;
        for _ in 0..6 {
            if page.status.is_redirection() {
                return url::Url::parse(page.header("location")).expect("an address");
            }
            page = if page.text.contains("Pick an account") {
                self.step(&page, "account", &[("account", upn)]).await
            } else if page.text.contains("name=\"passwd\"") {
                self.step(&page, "password", &[("passwd", "Password-1")]).await
            } else if page.text.contains("Permissions requested") {
                self.step(&page, "consent", &[("decision", "accept")]).await
            } else {
                panic!("an unexpected page: {}", page.text);
            };
        }
        panic!("the sign-in has no end: {}", page.text)
    }

    pub(crate) async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        let url = format!("{}/{}/oauth2/v2.0/token", self.ready().entra, self.ready().tenant_id);
        let mut all = vec![
            ("client_id", self.ready().client_id.as_str()),
            ("client_secret", self.ready().client_secret.as_str()),
        ];
        for (name, value) in fields {
            all.retain(|(own, _)| own != name);
            if !value.is_empty() {
                all.push((name, value));
            }
        }
        Answer::of(self.http.post(url).form(&all).send().await.expect("an answer")).await
    }

    /// Signs in and redeems; the answer of the token endpoint.
    pub(crate) async fn sign_in(&self, upn: &str, scope: &str) -> Answer {
        *self.cookie.lock().expect("a lock") = None;
        let to = self.walk(&self.authorize_url(&[("scope", scope)]), upn).await;
        let code = parameter(&to, "code").expect("a code");
        self.redeem(&code, &[("scope", scope)]).await
    }

    pub(crate) async fn redeem(&self, code: &str, more: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        for (name, value) in more {
            fields.retain(|(own, _)| own != name);
            fields.push((name, value));
        }
        self.token(&fields).await
    }

    /// An access token for a user.
    pub(crate) async fn access(&self, upn: &str, scope: &str) -> String {
        let answer = self.sign_in(upn, scope).await;
        answer.json["access_token"].as_str().unwrap_or_else(|| panic!("no token: {}", answer.text)).to_owned()
    }

    /// A token of the app itself.
    pub(crate) async fn app_token(&self) -> String {
        self.app_token_for("https://graph.microsoft.com/.default").await
    }

    /// A token of the app itself for a resource.
    pub(crate) async fn app_token_for(&self, scope: &str) -> String {
        let answer = self.token(&[("grant_type", "client_credentials"), ("scope", scope)]).await;
        answer.json["access_token"].as_str().expect("a token").to_owned()
    }

    pub(crate) async fn graph(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.graph_with(token, method, path, body, &[("prefer", "IdType=\"ImmutableId\"")]).await
    }

    pub(crate) async fn graph_with(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}/v1.0{path}", self.ready().graph)
        };
        let mut request = self.http.request(method, url).bearer_auth(token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request.send().await.expect("an answer")).await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.graph(token, Method::GET, path, None).await
    }

    /// Puts a mail with this subject into a mailbox; its immutable id.
    pub(crate) fn mail(&self, upn: &str, subject: &str) -> String {
        let raw = format!(
            "From: Ada <ada@customer.example>\r\nTo: {upn}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@customer.example>\r\n\r\nHello {subject}\r\n"
        );
        self.sim.deliver(upn, raw).expect("the mailbox is there")
    }

    pub(crate) async fn truth(&self, upn: &str) -> Vec<Value> {
        let all = self.lever(Method::GET, &format!("/mailboxes/{upn}/messages"), json!(null)).await;
        all.as_array().expect("a list").clone()
    }

    /// Follows a delta to its deltaLink: all items, and the link.
    pub(crate) async fn round(&self, token: &str, from: &str) -> (Vec<Value>, String) {
        let headers = [("prefer", "IdType=\"ImmutableId\", odata.maxpagesize=3")];
        let mut link = from.to_owned();
        let mut items = Vec::new();
        for _ in 0..100 {
            let page = self.graph_with(token, Method::GET, &link, None, &headers).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.text);
            items.extend(page.json["value"].as_array().expect("a page").iter().cloned());
            if let Some(delta) = page.json["@odata.deltaLink"].as_str() {
                return (items, delta.to_owned());
            }
            page.json["@odata.nextLink"].as_str().expect("a link").clone_into(&mut link);
        }
        panic!("the round has no end")
    }
}

pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    rest.find(after).map(|end| &rest[..end])
}

pub(crate) fn parameter(url: &url::Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}

/// An id in a path.
pub(crate) fn encoded(id: &str) -> String {
    percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC).to_string()
}
