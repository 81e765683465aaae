//! App registrations: the list, one of them, the forms.

use askama::Template;

use crate::connections::enterprise::EnterpriseView;
use crate::web::Frame;
use crate::web::components::{Action, Empty, FaultView, Health};
use crate::web::form::Fields;
use crate::web::times::Moment;

/// A registration in the list.
#[derive(Clone, Debug)]
pub struct RegistrationRow {
    /// Its page.
    pub href: String,
    /// Its name, else its client id.
    pub name: String,
    /// Its client id.
    pub client_id: String,
    /// Its cloud.
    pub cloud: &'static str,
    /// Who may sign in.
    pub tenants: String,
    /// How many accounts belong to it.
    pub accounts: usize,
    /// When its last credential ends, where that is known.
    pub ends: Option<Moment>,
    /// How many credentials live.
    pub credentials: usize,
    /// Whether new sign-ins use it.
    pub preferred: bool,
    /// Whether the settings file owns it.
    pub of_file: bool,
}

/// The list.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/registrations.html")]
pub struct RegistrationsPage {
    /// The frame.
    pub frame: Frame,
    /// The registrations.
    pub rows: Vec<RegistrationRow>,
    /// What an empty list says.
    pub empty: Empty,
}

impl RegistrationsPage {
    /// What an empty list says.
    pub fn nothing() -> Empty {
        Empty {
            title: "Postroom is not registered with Microsoft yet".to_owned(),
            text: "You bring your own app registration in Entra. A script makes it, with exactly the permissions that you want; \
                   its client id and a credential are entered here."
                .to_owned(),
            action: Some(Action::go("How to register", "/registrations/set-up").primary()),
        }
    }
}

/// A live credential.
#[derive(Clone, Debug)]
pub struct CredentialRow {
    /// `Client secret` or `Certificate`.
    pub kind: &'static str,
    /// What people wrote beside it.
    pub note: String,
    /// A certificate's thumbprint; empty for a secret.
    pub thumbprint: String,
    /// When it was put in.
    pub since: Option<Moment>,
    /// When it ends; none: not known.
    pub ends: Option<Moment>,
    /// Whether it has ended.
    pub over: bool,
    /// When it was tested last.
    pub tested: Option<Moment>,
    /// What the last test said against it.
    pub fault: Option<FaultView>,
    /// Tests it.
    pub test: Option<Action>,
    /// Takes it out.
    pub remove: Option<Action>,
}

/// An account that belongs to a registration.
#[derive(Clone, Debug)]
pub struct AccountOfRegistration {
    /// Its page.
    pub href: String,
    /// The person's address, or the application's name.
    pub username: String,
    /// Its tenant.
    pub tenant: String,
    /// Its health.
    pub health: Health,
    /// How many sources are read with it.
    pub sources: u64,
    /// How many outbounds send as it.
    pub outbounds: u64,
    /// Whether it is the application itself.
    pub is_app: bool,
}

/// One registration.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/registration.html")]
pub struct RegistrationPage {
    /// The frame.
    pub frame: Frame,
    /// Whether the settings file owns it, so that nothing is changed here.
    pub of_file: bool,
    /// Whether new sign-ins use it.
    pub preferred: bool,
    /// Name and value.
    pub facts: Vec<(String, String)>,
    /// The redirect URI, to be registered letter for letter.
    pub redirect_uri: String,
    /// The live credentials, in the order in which they are tried.
    pub credentials: Vec<CredentialRow>,
    /// Adds one.
    pub add: Option<Action>,
    /// Whether as many live as may.
    pub full: bool,
    /// The accounts.
    pub accounts: Vec<AccountOfRegistration>,
    /// Pages of the portal.
    pub links: Vec<Action>,
    /// What it is in each tenant where an administrator signed in.
    pub enterprises: Vec<EnterpriseView>,
    /// What changes it.
    pub dangers: Vec<Action>,
}

/// Enters or changes one.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/registration_form.html")]
pub struct RegistrationFormPage {
    /// The frame.
    pub frame: Frame,
    /// Where it is posted to.
    pub action: String,
    /// Where *Cancel* leads.
    pub back: String,
    /// The fields.
    pub fields: Fields,
    /// What another client id would mean.
    pub warning: Option<String>,
}

/// Adds a credential.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/credential_form.html")]
pub struct CredentialFormPage {
    /// The frame.
    pub frame: Frame,
    /// Where it is posted to.
    pub action: String,
    /// Where *Cancel* leads.
    pub back: String,
    /// The registration's name.
    pub registration: String,
    /// The fields.
    pub fields: Fields,
}
