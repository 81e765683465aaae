//! Connections: what Postroom is connected to, how it got there and whether it works.
//!
//! Begin with [`Connections`] (`registry.rs`): mailboxes (`budgets.rs`: what each may be asked) and Jira clients, made from their rows and kept until these change;
//! `tokens.rs` rotates an account's tokens (`patience.rs`: when it may ask again), `registration.rs` is the Entra app in use (`met.rs`: what its credentials meet; [`registration_pages`] shows it, [`registration_credentials`] tests what it proves itself
//! with, [`registration_set_up`] says how it is made, [`enterprise`] shows what it is in its tenants, [`cloud`] has the addresses), `destination.rs` a Jira project in use.
//!
//! How a mailbox is connected, in the order in which a person does it: [`sign_in`] (to Microsoft and back; its owner may do it with a [`sign_in_link`], an
//! administrator may have to approve: [`consent`]), [`confirm`] (what
//! the new source shall do, with a [`dry_run`]), then [`list`] and [`source`] show it ([`mend`] has the buttons), [`ping`] tests it, [`switch`] pauses,
//! resumes and removes it, [`alarm`] is rung when it falls silent. [`outbounds`] are the mailboxes that mail is sent from. Jira sites are connected in [`jira_site`] (of which kinds: [`jira_kind`]; its form: [`jira_form`]), shown by [`jira_list`] and [`jira_one`], switched by [`jira_switch`], and tested by [`jira_ping`], the least of it ([`jira_checks`]) now and then by themselves ([`jira_watch`]). [`bootstrap`] takes over what the configuration says.
//! Whether a mailbox is reached over Graph or EWS is its source's [`connection_type`]; [`convert`] moves it to Graph, in the background.
//! Where Microsoft can reach Postroom, [`push`] has new mail announced.
//! How a connection is, is judged in [`health`], and [`mend`] has the buttons for what is wrong with it; what will end, in [`expiry`] from what is [known](known_ends); what of it lists say, in [`ending`].
//! The addresses are in [`routes`], the SQL in [`store`], what pages show in [`pages`].

pub mod alarm;
pub mod application;
pub mod application_grants;
mod bootstrap;
mod budgets;
pub mod cloud;
pub mod confirm;
pub mod connection_type;
pub mod consent;
pub mod convert;
pub mod create_ews;
pub mod credential_ends;
mod destination;
pub mod device_code;
pub mod dry_run;
pub mod ending;
pub mod enterprise;
pub mod expiry;
pub mod goal;
pub mod health;
pub mod jira_checks;
pub mod jira_form;
pub mod jira_kind;
pub mod jira_list;
pub mod jira_one;
pub mod jira_ping;
pub mod jira_site;
pub mod jira_switch;
pub mod jira_watch;
mod keep;
pub mod known_ends;
pub mod list;
pub mod mend;
mod met;
mod offer;
pub mod outbounds;
pub mod pages;
mod patience;
pub mod ping;
pub mod push;
mod registration;
pub mod registration_credentials;
pub mod registration_pages;
pub mod registration_set_up;
pub mod registration_set_up_page;
mod registry;
pub mod routes;
pub mod scopes;
pub mod sign_in;
pub mod sign_in_link;
pub mod source;
mod start_counts;
mod start_day;
pub mod store;
pub mod switch;
pub mod tell;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_coming_back;
#[cfg(test)]
mod tests_of_consent;
#[cfg(test)]
mod tests_of_credentials;
#[cfg(test)]
mod tests_of_enterprise;
#[cfg(test)]
mod tests_of_ews;
#[cfg(test)]
mod tests_of_fences;
#[cfg(test)]
mod tests_of_jira;
#[cfg(test)]
mod tests_of_lists;
#[cfg(test)]
mod tests_of_marks;
#[cfg(test)]
mod tests_of_mends;
#[cfg(test)]
mod tests_of_pages;
#[cfg(test)]
mod tests_of_ping;
#[cfg(test)]
mod tests_of_portals;
#[cfg(test)]
mod tests_of_purposes;
#[cfg(test)]
mod tests_of_reading;
#[cfg(test)]
mod tests_of_registrations;
#[cfg(test)]
mod tests_of_secrets;
#[cfg(test)]
mod tests_of_sign_in;
#[cfg(test)]
mod tests_of_start_days;
#[cfg(test)]
mod tests_with_sim;
mod tokens;

pub use bootstrap::bootstrap;
pub use connection_type::ConnectionType;
pub use destination::{Destination, Target};
pub use registration::{About, Proof, Registration};
pub use registry::{Connections, JiraWay, Reach};
pub use tokens::{AccountTokens, ExchangeTokens};
