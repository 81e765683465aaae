//! Consent: what lies between a sign-in and the right to use a mailbox, where an administrator of the tenant has to approve.
//!
//! A sign-in asks for the basic scopes first, so that whoever is stopped at the mail scopes leaves a token behind ([`begin`]
//! waiting). With it [`watch`] asks Microsoft, once a minute at most, whether the approval was given; the administrator's return
//! from the consent link ([`return_of_admin`]) has it asked at once. [`page`] says what to do meanwhile, [`listed`] shows who waits
//! in the list of sources. The words are in [`words`], pure.

pub mod begin;
pub mod listed;
pub mod page;
pub mod return_of_admin;
pub mod watch;
pub mod words;

use fault::Fault;

/// Whether a fault means that an administrator has to approve.
pub fn is_missing(fault: &Fault) -> bool {
    fault.entry.awaits_approval()
        || matches!(fault.code.as_str(), "AADSTS65001" | "AADSTS90094" | "AADSTS90095")
}

/// Whether somebody turned back at Microsoft's consent or approval page: the two say the same.
pub fn is_turned_back(fault: &Fault) -> bool {
    fault.code == "AADSTS65004" || fault.entry.id == "entra.declined"
}
