//! Who is there: session, theme, flash message and where the request came from.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::cookie::CookieJar;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, header};
use store::StoreError;

use super::is_loopback;
use super::log::LoggedUser;
use crate::access::{SignedIn, csrf, session};
use crate::notices;
use crate::web::frame::{Flash, Section, Theme};
use crate::web::shell::peer;
use crate::web::times::Times;
use crate::web::{Frame, Shell};

/// Everything known about who asks; put on the request before anything else looks at it.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// Who is signed in.
    pub(crate) signed_in: Result<Option<Arc<SignedIn>>, StoreError>,
    /// The secret that forms are bound to before anybody is signed in.
    pub(crate) visit: Option<String>,
    /// A masked form of the CSRF token, other on every page.
    pub(crate) csrf: String,
    /// Light or dark.
    pub(crate) theme: Theme,
    /// The message for this page.
    pub(crate) flash: Option<Flash>,
    /// Now.
    pub(crate) times: Times,
    /// Where the request came from.
    pub(crate) client: Option<IpAddr>,
    /// Whether cookies go over TLS only.
    pub(crate) secure: bool,
    /// Notices that nobody has seen: all, and those that need a person now.
    pub(crate) unseen: (i64, i64),
}

impl Visitor {
    fn token(&self) -> Option<String> {
        match &self.signed_in {
            Ok(Some(signed_in)) => Some(signed_in.csrf.clone()),
            _ => self.visit.as_deref().map(csrf::of_visit),
        }
    }

    /// Whether a form carries the right token.
    pub(crate) fn accepts(&self, given: &str) -> bool {
        self.token().is_some_and(|token| csrf::matches(&token, given))
    }

    /// A page's frame.
    pub(crate) fn frame(&self, section: Section, title: impl Into<String>) -> Frame {
        let person = match &self.signed_in {
            Ok(Some(signed_in)) => Some(signed_in.user.name.clone()),
            _ => None,
        };
        Frame {
            section,
            person,
            csrf: self.csrf.clone(),
            flash: self.flash.clone(),
            unseen: self.unseen,
            ..Frame::outside(title, self.theme)
        }
    }
}

pub(super) async fn find(State(shell): State<Shell>, mut request: Request, next: Next) -> Response {
    let jar = CookieJar::from_headers(request.headers());
    let secure = shell.is_https();
    let now = shell.clock.now();
    let signed_in = match session::of_jar(&jar, secure) {
        Some(id) => session::find(&shell.db, &id, now).await.map(|found| found.map(Arc::new)),
        None => Ok(None),
    };
    let mut visitor = Visitor {
        signed_in,
        visit: csrf::visit_of_jar(&jar, secure),
        csrf: String::new(),
        theme: Theme::of_jar(&jar),
        flash: Flash::of_jar(&jar),
        times: shell.times(),
        client: client(&shell, &request),
        secure,
        unseen: (0, 0),
    };
    // Only pages show them; what a form or a stream is answered with does not.
    if let Ok(Some(signed_in)) = &visitor.signed_in
        && request.method() == Method::GET
    {
        match notices::store::unseen(&shell.db, signed_in.workspace).await {
            Ok(unseen) => visitor.unseen = (unseen.all, unseen.grave),
            // A page without the number is better than none; what is wrong with the database says the page's own query.
            Err(error) => tracing::warn!(%error, "unseen notices cannot be counted"),
        }
    }
    visitor.csrf = visitor.token().map(|token| csrf::mask(&token, &mut rand::rng())).unwrap_or_default();
    let user = visitor.signed_in.as_ref().ok().and_then(|signed_in| signed_in.as_ref().map(|s| s.user.id));
    let had_flash = visitor.flash.is_some();
    request.extensions_mut().insert(visitor);

    let mut response = next.run(request).await;

    if let Some(user) = user {
        response.extensions_mut().insert(LoggedUser(user));
    }
    if had_flash && is_page(response.headers()) {
        let gone = Flash::gone(secure).to_string();
        if let Ok(value) = HeaderValue::from_str(&gone) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    response
}

fn is_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/html"))
}

/// The address that the request came from: a trusted proxy's word for it where it comes from one, else the connection's.
fn client(shell: &Shell, request: &Request) -> Option<IpAddr> {
    let peer = peer(request.extensions());
    let forwarded = request.headers().get_all("x-forwarded-for");
    if forwarded.iter().next().is_none() {
        return peer;
    }
    if !shell.believes(request.extensions()) {
        // Somebody forwards without being trusted: the connection's address says nothing about who asks.
        return peer.filter(|peer| !is_loopback(*peer));
    }
    // The last one is what the proxy itself saw. Where that is a proxy of ours, too, the one before is what that one saw; those
    // before are the client's word.
    let mut seen = None;
    for value in forwarded.iter().rev() {
        for text in value.to_str().ok()?.rsplit(',') {
            let address: IpAddr = text.trim().parse().ok()?;
            seen = Some(address);
            if !shell.is_proxy(address) {
                return seen;
            }
        }
    }
    seen
}

/// Where the request came from, for handlers that serve machines and people.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    address: Option<IpAddr>,
    /// Whether somebody is signed in.
    pub signed_in: bool,
}

impl Peer {
    /// Whether it came from this machine itself.
    pub fn is_loopback(&self) -> bool {
        self.address.is_some_and(is_loopback)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let visitor = parts.extensions.get::<Visitor>();
        Ok(Self {
            address: visitor.and_then(|visitor| visitor.client),
            signed_in: visitor.is_some_and(|visitor| matches!(visitor.signed_in, Ok(Some(_)))),
        })
    }
}

/// The browser before anybody is signed in: what binds a sign-in under way to it, and the frame for its pages.
#[derive(Clone, Debug)]
pub struct Client(pub(crate) Visitor);

impl Client {
    /// A page's frame.
    pub fn frame(&self, title: impl Into<String>) -> Frame {
        self.0.frame(Section::Outside, title)
    }

    /// Now.
    pub fn now(&self) -> jiff::Timestamp {
        self.0.times.now
    }

    /// What binds something under way to this browser while nobody is signed in; none where it has no cookie of ours.
    pub fn visit_hash(&self) -> Option<Vec<u8>> {
        let signed_in = self.0.signed_in.as_ref().ok().and_then(Option::as_ref);
        match signed_in {
            Some(signed_in) => Some(signed_in.session.clone()),
            None => self.0.visit.as_deref().map(|visit| {
                aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, visit.as_bytes()).as_ref().to_vec()
            }),
        }
    }

    /// Who is there, for what binds forms.
    pub(crate) fn visitor(&self) -> &Visitor {
        &self.0
    }

    /// Where the request came from, where that is known.
    pub fn address(&self) -> Option<IpAddr> {
        self.0.client
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = crate::web::Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let visitor = parts.extensions.get::<Visitor>().cloned();
        visitor
            .map(Self)
            .ok_or_else(|| crate::web::Problem::internal("a page outside of the console's router"))
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::body::Body;
    use axum::extract::ConnectInfo;

    use super::*;
    use crate::config::Network;
    use crate::web::testing::TestConsole;

    /// Promise: `X-Forwarded-For` is believed where the connection comes from a trusted proxy, and from nobody else.
    #[tokio::test]
    async fn only_a_trusted_proxy_says_who_asks() {
        let mut shell = TestConsole::new().await.shell;
        let asks = |shell: &Shell, peer: &str, forwarded: &[&str]| {
            let mut request = Request::get("/");
            for value in forwarded {
                request = request.header("x-forwarded-for", *value);
            }
            let mut request = request.body(Body::empty()).unwrap();
            let peer: IpAddr = peer.parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 4711))));
            client(shell, &request).map(|client| client.to_string())
        };
        let is = |text: &str| Some(text.to_owned());
        assert_eq!(asks(&shell, "192.0.2.9", &["203.0.113.7"]), is("192.0.2.9"), "nobody is trusted");
        assert_eq!(asks(&shell, "127.0.0.1", &["203.0.113.7"]), None, "a proxy that was not named");
        shell.trusted_proxies =
            ["10.0.0.5", "10.1.0.0/16"].map(|text| text.parse::<Network>().unwrap()).as_slice().into();
        for (peer, forwarded, found) in [
            ("10.0.0.5", &["203.0.113.7"][..], is("203.0.113.7")),
            ("::ffff:10.0.0.5", &["203.0.113.7"], is("203.0.113.7")),
            ("10.0.0.5", &["198.51.100.1, 203.0.113.7"], is("203.0.113.7")),
            ("10.0.0.5", &["198.51.100.1, 203.0.113.7, 10.1.2.3"], is("203.0.113.7")),
            ("10.0.0.5", &["198.51.100.1", "203.0.113.7", "10.1.2.3"], is("203.0.113.7")),
            ("10.0.0.5", &["10.1.2.3"], is("10.1.2.3")),
            ("10.0.0.5", &["somebody"], None),
            ("10.0.0.5", &[], is("10.0.0.5")),
            // Another machine says that it is a proxy.
            ("10.0.0.6", &["203.0.113.7"], is("10.0.0.6")),
            ("192.0.2.9", &["203.0.113.7"], is("192.0.2.9")),
        ] {
            assert_eq!(asks(&shell, peer, forwarded), found, "{peer} with {forwarded:?}");
        }
    }
}
