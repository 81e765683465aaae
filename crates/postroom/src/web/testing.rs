//! The console in process, for tests: a browser that keeps cookies and posts forms as a page would.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use store::testing::TestDb;
use store::{TestClock, args, sql};
use tower::ServiceExt;
use url::Url;
use uuid::Uuid;

use super::{Problem, Section, Shell, router};
use crate::access::{Admin, Owner, Viewer, link};

/// The address that people reach the test's console under.
pub(crate) const PUBLIC: &str = "http://127.0.0.1:7080/";

/// A console with a database of its own.
pub(crate) struct TestConsole {
    pub(crate) shell: Shell,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) router: Router,
    /// Kept, because the database vanishes with it.
    _db: TestDb,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |to| to.to_str().expect("a location is text"))
    }

    /// The value of the first hidden field of that name.
    pub(crate) fn field(&self, name: &str) -> String {
        let begin = format!("name=\"{name}\" value=\"");
        let rest = self.body.split_once(&begin).map(|(_, rest)| rest);
        rest.and_then(|rest| rest.split_once('"')).map(|(value, _)| value.to_owned()).unwrap_or_default()
    }
}

impl TestConsole {
    /// A console on every database that this machine has.
    pub(crate) async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for db in TestDb::all().await {
            all.push(Self::on(db, PUBLIC).await);
        }
        all
    }

    /// A console on SQLite.
    pub(crate) async fn new() -> Self {
        Self::on(TestDb::sqlite().await, PUBLIC).await
    }

    pub(crate) async fn on(db: TestDb, public: &str) -> Self {
        let clock = Arc::new(TestClock::default());
        let workspace = Uuid::now_v7();
        db.db
            .execute(
                sql!("INSERT INTO workspace (id, name, time_zone, created_at) VALUES ($1, $2, $3, $4)"),
                args![workspace, "Test", "UTC", 0_i64],
            )
            .await
            .expect("the workspace is made");
        let public = Url::parse(public).expect("an address");
        let shell = Shell::new(db.db.clone(), clock.clone(), public, workspace);
        let router = router(&shell, vec![feature(shell.clone())]);
        Self { shell, clock, router, _db: db }
    }

    /// A browser that has been nowhere.
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser { console: self, cookies: BTreeMap::new() }
    }

    /// A browser of the owner, made by the link that is printed at start.
    pub(crate) async fn owner(&self) -> Browser<'_> {
        let link = self.owner_link().await.expect("there is no owner yet");
        let mut browser = self.browser();
        let done = browser.sign_up(&link, "owner@contoso.test").await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/"), "{}", done.body);
        browser
    }

    pub(crate) async fn owner_link(&self) -> Option<String> {
        let link = link::first_owner(&self.shell, &mut rand::rng()).await.expect("a link is made");
        link.map(|link| link.replace(PUBLIC.trim_end_matches('/'), ""))
    }
}

/// A feature with a page for each role, one that panics and one that fails.
fn feature(shell: Shell) -> Router {
    async fn viewer(viewer: Viewer) -> Result<Response, Problem> {
        let frame = viewer.frame(Section::Overview, "Overview");
        super::page(&super::overview::OverviewView {
            frame,
            first_run: super::overview::OverviewView::first_steps(false, false, false),
            needed: Vec::new(),
            numbers: super::overview::Numbers::default(),
            sources: Vec::new(),
            outbounds: Vec::new(),
        })
    }
    async fn admin(_: Admin) -> &'static str {
        "changed"
    }
    async fn owner(_: Owner) -> &'static str {
        "decided"
    }
    async fn panics(_: Viewer) -> &'static str {
        panic!("a secret of the inside")
    }
    async fn fails(State(_): State<Shell>, _: Viewer) -> Result<Response, Problem> {
        Err(Problem::internal("a secret of the inside"))
    }
    async fn mail(_: Viewer) -> Response {
        super::mail_frame("<p>x</p>".into())
    }
    async fn leads(viewer: Viewer) -> Result<Response, Problem> {
        let frame = viewer.frame(Section::Sources, "Leads");
        let page = super::Leave { frame, to: "https://login.example.com/".into(), name: "Microsoft".into() };
        super::page_leading_to(&page, &Url::parse("https://login.example.com/x").expect("an address"))
    }
    Router::new()
        .route("/test/mail", get(mail))
        .route("/test/leads", get(leads))
        .route("/", get(viewer))
        .route("/test/admin", post(admin))
        .route("/test/owner", post(owner))
        .route("/test/panics", get(panics))
        .route("/test/fails", get(fails))
        .route("/messages/{id}", get(viewer))
        .with_state(shell)
}

/// A browser: keeps cookies, follows nothing.
#[derive(Clone)]
pub(crate) struct Browser<'a> {
    console: &'a TestConsole,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(
            Request::get(path).header(header::ACCEPT, "text/html").body(Body::empty()).expect("a request"),
        )
        .await
    }

    /// Posts a form as a page of ours would, with the token that the page held.
    pub(crate) async fn post(&mut self, path: &str, token: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", token).extend_pairs(fields);
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .header(header::ORIGIN, "null");
        self.send(request.body(Body::from(form.finish())).expect("a request")).await
    }

    /// The token of the page at that address.
    pub(crate) async fn token(&mut self, path: &str) -> String {
        self.get(path).await.field("csrf")
    }

    pub(crate) async fn sign_up(&mut self, link: &str, email: &str) -> Answer {
        let form = self.get(link).await;
        let (csrf, token) = (form.field("csrf"), form.field("token"));
        let fields = [
            ("token", &*token),
            ("name", "Somebody"),
            ("email", email),
            ("password", "four unrelated words"),
        ];
        self.post("/setup", &csrf, &fields).await
    }

    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        let csrf = self.token("/sign-in").await;
        self.post("/sign-in", &csrf, &[("email", email), ("password", password)]).await
    }

    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse().expect("cookies"));
        }
        if !request.headers().contains_key(header::HOST) {
            request.headers_mut().insert(header::HOST, "127.0.0.1:7080".parse().expect("a host"));
        }
        let response = self.console.router.clone().oneshot(request).await.expect("the router answers");
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("a cookie is text");
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a name");
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}
