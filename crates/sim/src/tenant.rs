//! The tenant: its people, who may use whose mailbox, and the app registrations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use serde::Serialize;
use uuid::Uuid;

/// The verified domain.
pub(crate) const DOMAIN: &str = "contoso.test";

/// A person, or a shared mailbox that signs in like one.
#[derive(Clone, Debug, Serialize)]
pub struct User {
    /// Sign-in name and primary address.
    pub upn: String,
    /// Display name.
    pub name: String,
    /// Password for the sign-in page.
    pub password: String,
    /// Object id in the directory.
    pub oid: Uuid,
    /// Whether an administrator: may consent for everybody.
    pub admin: bool,
    /// Whether there is an Exchange mailbox.
    pub mailbox: bool,
}

/// An app registration.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    pub(crate) client_id: String,
    pub(crate) name: String,
    pub(crate) secrets: Vec<String>,
    pub(crate) redirect_uris: BTreeSet<String>,
    pub(crate) multi_tenant: bool,
    pub(crate) disabled: bool,
    /// Graph application permissions that an administrator has granted.
    pub(crate) roles: BTreeSet<String>,
}

/// The tenant's directory.
pub(crate) struct Tenant {
    pub(crate) id: Uuid,
    pub(crate) users: Vec<User>,
    /// Mailbox address → addresses of those with full access.
    delegates: RwLock<BTreeMap<String, BTreeSet<String>>>,
    registrations: RwLock<BTreeMap<String, Registration>>,
}

fn person(tenant: Uuid, name: &str, local: &str, admin: bool, mailbox: bool) -> User {
    let upn = format!("{local}@{DOMAIN}");
    User {
        oid: Uuid::new_v5(&tenant, upn.as_bytes()),
        name: name.to_owned(),
        password: "Password-1".to_owned(),
        upn,
        admin,
        mailbox,
    }
}

impl Tenant {
    /// The tenant of the demo. Its ids come from the seed.
    pub(crate) fn contoso(seed: u64, redirect_uris: &[String]) -> Self {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, &seed.to_be_bytes());
        // Version 4 like those of Entra, though it is made of the seed.
        let id =
            uuid::Builder::from_random_bytes(*Uuid::new_v5(&namespace, b"tenant").as_bytes()).into_uuid();
        let client =
            uuid::Builder::from_random_bytes(*Uuid::new_v5(&namespace, b"client").as_bytes()).into_uuid();
        let secret = Uuid::new_v5(&namespace, b"secret").simple();
        let registration = Registration {
            client_id: client.to_string(),
            name: "Postroom".to_owned(),
            secrets: vec![format!("sim8Q~{secret}")],
            redirect_uris: redirect_uris.iter().cloned().collect(),
            multi_tenant: true,
            disabled: false,
            roles: ["Mail.ReadWrite", "Mail.Send", "User.Read.All"].map(str::to_owned).into(),
        };
        let support = format!("support@{DOMAIN}");
        let delegates = ["admin", "anna"].map(|local| format!("{local}@{DOMAIN}")).into();
        Self {
            id,
            users: vec![
                person(id, "Alex Admin", "admin", true, true),
                person(id, "Support", "support", false, true),
                person(id, "Billing", "billing", false, true),
                person(id, "Anna Berger", "anna", false, true),
                person(id, "Bruno Keller", "bruno", false, true),
                person(id, "Kiosk without mailbox", "kiosk", false, false),
            ],
            delegates: RwLock::new([(support, delegates)].into()),
            registrations: RwLock::new([(registration.client_id.clone(), registration)].into()),
        }
    }

    /// A person by sign-in name or object id, letter case aside.
    pub(crate) fn user(&self, name: &str) -> Option<&User> {
        let oid = Uuid::parse_str(name).ok();
        self.users.iter().find(|user| Some(user.oid) == oid || user.upn.eq_ignore_ascii_case(name))
    }

    pub(crate) fn user_by_oid(&self, oid: Uuid) -> Option<&User> {
        self.users.iter().find(|user| user.oid == oid)
    }

    /// Whether `user` has full access to the mailbox with this address.
    pub(crate) fn has_access(&self, user: &User, mailbox: &str) -> bool {
        user.upn.eq_ignore_ascii_case(mailbox)
            || self
                .delegates
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&mailbox.to_ascii_lowercase())
                .is_some_and(|delegates| delegates.contains(&user.upn.to_ascii_lowercase()))
    }

    /// Gives or takes full access to a mailbox.
    pub(crate) fn delegate(&self, mailbox: &str, user: &str, grant: bool) {
        let mut delegates = self.delegates.write().unwrap_or_else(PoisonError::into_inner);
        let of_mailbox = delegates.entry(mailbox.to_ascii_lowercase()).or_default();
        if grant {
            of_mailbox.insert(user.to_ascii_lowercase());
        } else {
            of_mailbox.remove(&user.to_ascii_lowercase());
        }
    }

    /// A registration by client id.
    pub(crate) fn registration(&self, client_id: &str) -> Option<Registration> {
        let registrations = self.registrations.read().unwrap_or_else(PoisonError::into_inner);
        registrations.get(&client_id.to_ascii_lowercase()).cloned()
    }

    /// The first registration, which the ready line tells.
    pub(crate) fn first_registration(&self) -> Option<Registration> {
        self.registrations.read().unwrap_or_else(PoisonError::into_inner).values().next().cloned()
    }

    /// Changes a registration; false when there is none with the id. Without an id the first is meant.
    pub(crate) fn change_registration(
        &self,
        client_id: Option<&str>,
        change: impl FnOnce(&mut Registration),
    ) -> bool {
        let mut registrations = self.registrations.write().unwrap_or_else(PoisonError::into_inner);
        let found = match client_id {
            Some(id) => registrations.get_mut(&id.to_ascii_lowercase()),
            None => registrations.values_mut().next(),
        };
        found.map(change).is_some()
    }

    /// The local part's mailbox address when `address` is in the tenant; a plus part is dropped.
    pub(crate) fn own_address(address: &str) -> Option<String> {
        let (local, domain) = address.trim().rsplit_once('@')?;
        if !domain.eq_ignore_ascii_case(DOMAIN) {
            return None;
        }
        let local = local.split('+').next().unwrap_or(local);
        Some(format!("{}@{DOMAIN}", local.to_ascii_lowercase()))
    }
}
