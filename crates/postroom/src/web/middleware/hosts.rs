//! The console answers under its public address only, so that no stranger's name can be pointed at it.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, Method, StatusCode, header};
use url::Url;

use crate::web::components::Action;
use crate::web::{Problem, Shell};

pub(super) async fn check(State(shell): State<Shell>, request: Request, next: Next) -> Response {
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let asked = asked(shell.believes(request.extensions()), request.headers(), authority);
    match judge(&shell.public_url, asked.as_deref()) {
        Verdict::Ours => next.run(request).await,
        Verdict::Alias if matches!(*request.method(), Method::GET | Method::HEAD) => {
            let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
            Redirect::temporary(&shell.address(path)).into_response()
        }
        Verdict::Alias | Verdict::Strange => Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "This is not the address that Postroom is reached under.",
            format!(
                "Open {} instead. If this address is right, set public_url to it in the configuration.",
                shell.public_url
            ),
        )
        .with(Action::go("Open Postroom", shell.public_url.as_str()))
        .into_response(),
    }
}

/// The host that the browser asked for; `believed`: what is forwarded comes from a trusted proxy.
fn asked(believed: bool, headers: &HeaderMap, authority: Option<&str>) -> Option<String> {
    let text = |value: &http::HeaderValue| value.to_str().ok().map(|text| text.trim().to_ascii_lowercase());
    let forwarded = headers.get("x-forwarded-host").filter(|_| believed).and_then(text);
    forwarded
        .or_else(|| headers.get(header::HOST).and_then(text))
        .or_else(|| authority.map(str::to_ascii_lowercase))
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// The public address.
    Ours,
    /// Another name of this machine for itself, where the public address is one too: sent on to that, because cookies
    /// do not go from one to the other.
    Alias,
    /// Anything else.
    Strange,
}

fn judge(public: &Url, asked: Option<&str>) -> Verdict {
    let Some(asked) = asked.and_then(|asked| Url::parse(&format!("{}://{asked}/", public.scheme())).ok())
    else {
        return Verdict::Strange;
    };
    let same_port = asked.port_or_known_default() == public.port_or_known_default();
    if same_port && asked.host() == public.host() {
        Verdict::Ours
    } else if same_port && is_loopback(public) && is_loopback(&asked) {
        Verdict::Alias
    } else {
        Verdict::Strange
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: only the public address is answered; other names for loopback are sent on; all else is refused.
    #[test]
    fn hosts_are_judged() {
        let local = Url::parse("http://127.0.0.1:8080/").unwrap();
        let wide = Url::parse("https://postroom.example.com/").unwrap();
        for (public, asked, verdict) in [
            (&local, Some("127.0.0.1:8080"), Verdict::Ours),
            (&local, Some("localhost:8080"), Verdict::Alias),
            (&local, Some("[::1]:8080"), Verdict::Alias),
            (&local, Some("localhost"), Verdict::Strange),
            (&local, Some("evil.example:8080"), Verdict::Strange),
            (&local, None, Verdict::Strange),
            (&wide, Some("postroom.example.com"), Verdict::Ours),
            (&wide, Some("postroom.example.com:443"), Verdict::Ours),
            (&wide, Some("127.0.0.1"), Verdict::Strange),
            (&wide, Some("postroom.example.com@evil.example"), Verdict::Strange),
        ] {
            assert_eq!(judge(public, asked), verdict, "{asked:?} at {public}");
        }
    }
}
