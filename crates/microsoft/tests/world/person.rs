//! A person signs in: through the pages, by hand.

use std::collections::BTreeMap;

use microsoft::signin;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use secrecy::SecretString;

use super::World;

impl World {
    /// A token of a person, who accepts what is asked for.
    pub(super) async fn token_of(&self, upn: &str, scopes: &[&str]) -> SecretString {
        let scopes: Vec<&str> =
            ["openid", "profile", "offline_access"].iter().chain(scopes).copied().collect();
        let (discovery, app) = (self.discovery().await, self.app());
        let begun = signin::begin(&discovery, &app, &scopes, None, &mut StdRng::seed_from_u64(77));
        let code = self.come_back(upn, begun.url.clone(), app.redirect_uri.as_str()).await;
        let now = self.sim.clock().now();
        let told =
            signin::redeem(&self.http, &discovery, &app, &code, &begun.verifier, &begun.nonce, &scopes, now);
        told.await.expect("tokens").access
    }

    /// Goes through the pages; the code of the return.
    async fn come_back(&self, upn: &str, begin: url::Url, end: &str) -> String {
        let mut cookies: BTreeMap<String, String> = BTreeMap::new();
        let mut next = self.http.get(begin);
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
                if location.as_str().starts_with(end) {
                    let code = location.query_pairs().find(|(name, _)| name == "code");
                    return code.unwrap_or_else(|| panic!("no code: {location}")).1.into_owned();
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
            let mut form = vec![("flow", after("name=\"flow\" value=\"").expect("a flow"))];
            form.push(if action.ends_with("/account") {
                ("account", upn.to_owned())
            } else if action.ends_with("/password") {
                ("passwd", self.user(upn)["password"].as_str().expect("told").to_owned())
            } else {
                ("decision", "accept".to_owned())
            });
            next = self.http.post(url.join(&action).expect("an address")).form(&form);
        }
        panic!("the pages do not come to an end");
    }
}
