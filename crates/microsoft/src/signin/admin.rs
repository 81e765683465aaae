//! The administrator's consent: the link to send, and what its return says (Microsoft identity platform, admin consent
//! endpoint v2.0).

use fault::Fault;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::came_back_with;

/// Where an administrator consents for the whole tenant. `tenant` is a tenant's id or domain, or `organizations` (which stands in
/// for `common`, that this endpoint does not take). `scopes` are named ones, or one `…/.default`, which application permission
/// takes. `state` comes back unchanged.
pub fn admin_consent_address(
    login_url: &Url,
    tenant: &str,
    client_id: &str,
    scopes: &[&str],
    redirect_uri: &Url,
    state: &str,
) -> Url {
    let tenant = if tenant == "common" { "organizations" } else { tenant };
    let segment =
        utf8_percent_encode(tenant, NON_ALPHANUMERIC).to_string().replace("%2D", "-").replace("%2E", ".");
    let mut url = login_url.clone();
    url.set_path(&format!("{}/{segment}/v2.0/adminconsent", login_url.path().trim_end_matches('/')));
    url.set_fragment(None);
    url.query_pairs_mut()
        .clear()
        .append_pair("client_id", client_id)
        .append_pair("scope", &scopes.join(" "))
        .append_pair("redirect_uri", redirect_uri.as_str())
        .append_pair("state", state);
    url
}

/// An administrator's return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminConsented {
    /// The tenant that is said to have consented. Anybody can write this into an address: it is a reason to look, and never one
    /// to believe.
    pub tenant: String,
    /// What is said to have been consented to.
    pub scopes: Vec<String>,
}

/// Reads the query of a return. The caller has compared `state` with what it kept, before anything else. `None`: this is not the
/// return of a consent link.
pub fn admin_consent_return<'a>(
    query: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<Result<AdminConsented, Fault>> {
    let (mut consented, mut tenant, mut scopes) = (None, None, Vec::new());
    let (mut error, mut description) = (None, "");
    for (name, value) in query {
        match name {
            "admin_consent" => consented = Some(value.eq_ignore_ascii_case("true")),
            "tenant" => tenant = Some(value),
            "scope" => scopes = value.split_whitespace().map(str::to_owned).collect(),
            "error" => error = Some(value),
            "error_description" => description = value,
            _ => {}
        }
    }
    if let Some(error) = error.filter(|error| !error.is_empty()) {
        return Some(Err(came_back_with(error, description)));
    }
    match (consented?, tenant.filter(|tenant| !tenant.is_empty())) {
        (true, Some(tenant)) => Some(Ok(AdminConsented { tenant: tenant.to_owned(), scopes })),
        (true, None) => Some(Err(Fault::own("entra.admin_consent", "the return names no tenant"))),
        (false, _) => Some(Err(came_back_with("access_denied", "the administrator did not consent"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_that_of_the_endpoint() {
        let login: Url = "https://login.microsoftonline.us".parse().expect("a URL");
        let back: Url = "https://postroom.example.org/signin/return?a=1".parse().expect("a URL");
        let url =
            admin_consent_address(&login, "common", "c-1", &["User.Read", "Mail.ReadWrite"], &back, "s&1");
        assert_eq!(
            url.as_str(),
            "https://login.microsoftonline.us/organizations/v2.0/adminconsent?client_id=c-1\
             &scope=User.Read+Mail.ReadWrite&redirect_uri=https%3A%2F%2Fpostroom.example.org%2Fsignin%2Freturn%3Fa%3D1&state=s%261"
        );
        let login: Url = "http://127.0.0.1:4000/entra/".parse().expect("a URL");
        let url = admin_consent_address(&login, "contoso.com/../x", "c", &[".default"], &back, "s");
        assert_eq!(url.path(), "/entra/contoso.com%2F..%2Fx/v2.0/adminconsent");
    }

    #[test]
    fn a_return_is_read_and_another_is_left_alone() {
        let read = |query: &[(&'static str, &'static str)]| admin_consent_return(query.iter().copied());
        let yes = read(&[("admin_consent", "True"), ("tenant", "t-1"), ("scope", "a b"), ("state", "s")]);
        let tenant = "t-1".to_owned();
        assert_eq!(yes, Some(Ok(AdminConsented { tenant, scopes: vec!["a".to_owned(), "b".to_owned()] })));
        assert_eq!(read(&[("code", "x"), ("state", "s")]), None);
        let id = |query: &[(&'static str, &'static str)]| {
            read(query).expect("a return").expect_err("refused").entry.id
        };
        assert_eq!(
            id(&[("error", "access_denied"), ("admin_consent", "True"), ("tenant", "t")]),
            "entra.declined"
        );
        assert_eq!(id(&[("admin_consent", "False"), ("tenant", "t")]), "entra.declined");
        assert_eq!(id(&[("admin_consent", "True")]), "entra.admin_consent");
    }
}
