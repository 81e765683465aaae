//! The pages of connections: what they show as plain structs, filled in by the actions beside them.
//!
//! [`SourcesPage`] (the list), [`SourcePage`] (one of them), [`ConfirmPage`] (what a new one shall do),
//! [`SignedInPage`] and [`SignInFailedPage`] (back from Microsoft), [`JiraPage`], [`JiraConnectionPage`] and [`ConnectJiraPage`],
//! [`RegistrationsPage`] and [`RegistrationPage`] (the Entra app that Postroom is).

mod alarm;
mod application;
mod approval;
mod confirm;
mod create_ews;
mod device;
mod jira;
mod links;
mod registrations;
mod set_up;
mod signed_in;
mod source;
mod sources;

pub use alarm::AlarmPage;
pub use application::{ApplicationFormPage, ApplicationPage};
pub use approval::{ApprovalPage, ApprovedPage};
pub use confirm::{ConfirmPage, DryRun, DryRunRow};
pub use create_ews::CreateEwsPage;
pub use device::DevicePage;
pub use jira::{
    ChooseJiraPage, ConnectJiraPage, JiraConnectionPage, JiraPage, KindChoice, ProjectRow, StepView,
    WriterRow,
};
pub use links::{LinkMadePage, LinkRow, LinksPage, OwnerDonePage, OwnerPage, OwnerWaitsPage};
pub use registrations::{
    AccountOfRegistration, CredentialFormPage, CredentialRow, RegistrationFormPage, RegistrationPage,
    RegistrationRow, RegistrationsPage,
};
pub use set_up::SetUpPage;
pub use signed_in::{GrantedView, SignInFailedPage, SignedInPage, SwapPage};
pub use source::{Expiry, MovingToGraph, Setting, SourcePage};
pub use sources::{ORGANISATION_BOX, Said, SourceRow, SourcesPage};
