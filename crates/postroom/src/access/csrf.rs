//! The token that proves that a form is ours. Signed in, it belongs to the session; before, to a cookie made when the
//! form was shown. On the page it is masked anew each time, so that compressed pages tell nothing about it.

use aws_lc_rs::digest::{SHA256, digest};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use rand::{CryptoRng, Rng};
use subtle::ConstantTimeEq;

use super::session::cookie_name;

const VISIT: &str = "postroom-visit";

/// A fresh secret of 32 bytes, hexadecimal.
pub(crate) fn secret(rng: &mut (impl CryptoRng + ?Sized)) -> String {
    hex::encode(rng.random::<[u8; 32]>())
}

/// The cookie of a browser that nobody is signed in with.
pub(crate) fn visit_of_jar(jar: &CookieJar, secure: bool) -> Option<String> {
    let value = jar.get(&cookie_name(VISIT, secure))?.value();
    (value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| value.to_owned())
}

/// The cookie to set for one.
pub(crate) fn visit_cookie(visit: &str, secure: bool) -> Cookie<'static> {
    Cookie::build((cookie_name(VISIT, secure), visit.to_owned()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .build()
}

/// The cookie that ends it.
pub(crate) fn visit_gone(secure: bool) -> Cookie<'static> {
    let mut cookie = visit_cookie("", secure);
    cookie.make_removal();
    cookie
}

/// The token of forms that are bound to this visit.
pub(crate) fn of_visit(visit: &str) -> String {
    hex::encode(digest(&SHA256, format!("postroom form {visit}").as_bytes()))
}

/// The token as it stands in one page.
pub(crate) fn mask(token: &str, rng: &mut impl CryptoRng) -> String {
    let Ok(token) = hex::decode(token) else { return String::new() };
    let mask: Vec<u8> = token.iter().map(|_| rng.random()).collect();
    let masked: Vec<u8> = token.iter().zip(&mask).map(|(token, mask)| token ^ mask).collect();
    hex::encode(mask) + &hex::encode(masked)
}

/// Whether `given`, from a form, is a masked form of `token`. Takes the same time whatever is given.
pub(crate) fn matches(token: &str, given: &str) -> bool {
    let (Ok(token), Ok(given)) = (hex::decode(token), hex::decode(given)) else { return false };
    if token.is_empty() || given.len() != token.len() * 2 {
        return false;
    }
    let (mask, masked) = given.split_at(token.len());
    let unmasked: Vec<u8> = masked.iter().zip(mask).map(|(masked, mask)| masked ^ mask).collect();
    unmasked.ct_eq(&token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a page's token is other each time and means the same; nothing else does.
    #[test]
    fn masked_tokens_match_their_own_only() {
        let rng = &mut rand::rng();
        let (token, other) = (secret(rng), secret(rng));
        let (first, second) = (mask(&token, rng), mask(&token, rng));
        assert_ne!(first, second);
        assert!(matches(&token, &first) && matches(&token, &second));
        for wrong in
            [mask(&other, rng), token.clone(), String::new(), "zz".repeat(64), first[..64].to_owned()]
        {
            assert!(!matches(&token, &wrong), "{wrong}");
        }
        assert!(!matches("", ""), "no token matches nothing");
    }
}
