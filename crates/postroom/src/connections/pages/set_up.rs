//! How Postroom is registered in Entra.

use askama::Template;

use crate::connections::registration_set_up::Texts;
use crate::web::Frame;
use crate::web::components::Action;
use crate::web::form::Fields;

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "connections/set_up.html")]
pub struct SetUpPage {
    /// The frame.
    pub frame: Frame,
    /// Id and name of the registration that it is about; none before there is one.
    pub registration: Option<(String, String)>,
    /// The portal's page of its credentials.
    pub credentials: Option<String>,
    /// The portal's page of its permissions.
    pub permissions_page: Option<String>,
    /// What Postroom shall be able to do.
    pub wishes: Fields,
    /// Name, cloud and kind, while there is no registration.
    pub kind: Fields,
    /// Whether other tenants may connect.
    pub multi_tenant: bool,
    /// The texts; none where something in the form has to be put right.
    pub texts: Option<Texts>,
}

impl SetUpPage {
    /// A button that copies a text.
    fn copy(label: &str, text: &str) -> Action {
        Action::copy(label, text)
    }

    /// A link to the portal.
    fn leave(label: &str, to: &str) -> Action {
        Action::leave(label, to)
    }
}
