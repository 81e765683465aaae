//! Signing a mailbox in: to Microsoft and back.
//!
//! [`Asked`] is what a sign-in asks for, and what for. [`begin()`] keeps what must come back unchanged (hashed state, nonce, sealed
//! PKCE verifier, the browser) for ten minutes and sends the person on. [`come_back`] takes the state once, redeems the code outside
//! any transaction, and `keep` commits the refresh token before the access token is used (R1 of design §4). `stopped` says what came
//! of it otherwise, [`signed_in`] shows who is signed in.
//!
//! A new account signs in twice in a row, mostly without noticing: with the basic scopes first, then with all of them. Whoever is
//! stopped at the second waits for an administrator with a token to watch with (see [`super::consent`]).

mod asked;
mod begin;
mod come_back;
mod keep;
mod signed_in;
mod stopped;
mod who;

use aws_lc_rs::digest;
use store::Place;
use url::Url;

use super::routes::State;
use super::store::accounts::{self as rows, Account};
use crate::access::Viewer;

pub use asked::{
    Asked, to_replace, wanted_again, wanted_over_ews, wanted_to_read, wanted_to_send,
    wanted_to_send_over_graph,
};
pub use begin::{
    begin, begin_new, begin_outbound, begin_replace, begin_validate, begin_validate_outbound,
    begin_validate_source, no_registration,
};
pub use come_back::come_back;
pub use keep::{Known, record, row};
pub use signed_in::{granted_for, next_page, signed_in};
pub use who::Who;

/// What a sign-in is for.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// Somebody new.
    New,
    /// The same person again.
    Validate(Account),
    /// Whoever it is reads this account's mailboxes from then on.
    Replace(Account),
}

impl Purpose {
    fn word(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Validate(_) => "validate",
            Self::Replace(_) => "replace",
        }
    }

    fn account(&self) -> Option<&Account> {
        match self {
            Self::New => None,
            Self::Validate(account) | Self::Replace(account) => Some(account),
        }
    }
}

fn hash(state: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, state.as_bytes()).as_ref().to_vec()
}

/// Where a verifier is sealed to.
fn place(state_hash: &[u8]) -> Place {
    Place::new("sign_in", "verifier_sealed", hex::encode(state_hash))
}

/// Where Microsoft's pages are, for pages with a sign-in button.
pub async fn login_url(state: &State, viewer: &Viewer) -> Option<Url> {
    let id = rows::registration(&state.connections.db, viewer.workspace()).await.ok()??;
    state.connections.registration(id).await.ok().map(|registration| registration.login_url.clone())
}
