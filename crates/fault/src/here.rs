//! Pages of Postroom on which faults are mended. The catalogue says which one; the console knows its address.

use serde::{Deserialize, Serialize};

/// A page of Postroom on which a fault is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Here {
    /// The app registration: client id, tenant, cloud, addresses, credentials. It says so where the settings file owns it.
    Registration,
    /// The address of Exchange Web Services: the connection's own or, where it names none, that of its app registration.
    EwsAddress,
    /// The form of a new source, for another folder of the mailbox.
    AnotherFolder,
    /// The settings of the source, for what becomes of handled mail.
    HandledMail,
}

impl Here {
    /// As a person is led there.
    pub fn title(self) -> &'static str {
        match self {
            Self::Registration => "The app registration's page",
            Self::EwsAddress => "The form for a connection over EWS, or the app registration's page",
            Self::AnotherFolder => "The form for a new source",
            Self::HandledMail => "The source's settings",
        }
    }
}
