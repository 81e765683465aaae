//! The directory: tenants with their people and roles, who may use whose mailbox, and the app registrations.
//!
//! There are two tenants. *Contoso* is the home of the app registration and of the demo; *Fabrikam* is a stranger in
//! which a multi-tenant registration can be consented to by its administrator.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::entra::certificates::Certificate;
use crate::fences::Fences;

/// The verified domain of the first tenant.
pub(crate) const DOMAIN: &str = "contoso.test";
/// The verified domain of the second tenant.
const OTHER_DOMAIN: &str = "fabrikam.test";

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
    /// Whether an administrator: may consent for everybody. Roles can be changed later; this is how it began.
    pub admin: bool,
    /// Whether there is an Exchange mailbox.
    pub mailbox: bool,
    /// The tenant whose directory has this person.
    #[serde(skip)]
    pub tenant: Uuid,
}

/// A role in the directory, by its name in the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::enum_variant_names, reason = "the roles' own names")]
pub(crate) enum Role {
    /// May do everything, so also consent to everything.
    GlobalAdministrator,
    /// May consent to everything.
    PrivilegedRoleAdministrator,
    /// May consent to all but application permissions of Microsoft Graph.
    CloudApplicationAdministrator,
    /// As the cloud application administrator.
    ApplicationAdministrator,
    /// Runs Exchange; may not consent.
    ExchangeAdministrator,
    /// Looks after people; may not consent.
    UserAdministrator,
}

impl Role {
    /// The role's template: the same in every tenant.
    pub(crate) fn template(self) -> &'static str {
        match self {
            Self::GlobalAdministrator => "62e90394-69f5-4237-9190-012177145e10",
            Self::PrivilegedRoleAdministrator => "e8611ab8-c189-46e8-94e1-60213ab1f814",
            Self::CloudApplicationAdministrator => "158c047a-c907-4556-b7ef-446551a6b5f7",
            Self::ApplicationAdministrator => "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
            Self::ExchangeAdministrator => "29232cdf-9323-42fd-ade2-1d097af3e4de",
            Self::UserAdministrator => "fe930be7-5e62-47db-91af-98c3a49a38b1",
        }
    }
}

/// What somebody may do with a mailbox that is not his own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Right {
    /// Opens the mailbox and works in it.
    FullAccess,
    /// Sends as the mailbox.
    SendAs,
    /// Sends on behalf of the mailbox.
    SendOnBehalf,
}

/// A client secret.
#[derive(Clone, Debug)]
pub(crate) struct Secret {
    pub(crate) text: String,
    pub(crate) key_id: Uuid,
    pub(crate) name: String,
    pub(crate) begins: Timestamp,
    pub(crate) ends: Timestamp,
}

/// An app registration.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    pub(crate) client_id: String,
    pub(crate) object_id: Uuid,
    /// The tenant in which it was made.
    pub(crate) home: Uuid,
    pub(crate) name: String,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) certificates: Vec<Certificate>,
    /// Whether an assertion is good for one use, as the standard has it; the service lets clients use one again.
    pub(crate) single_assertions: bool,
    pub(crate) redirect_uris: BTreeSet<String>,
    pub(crate) multi_tenant: bool,
    pub(crate) disabled: bool,
    /// Whether *Allow public client flows* is on: the device code flow without a credential.
    pub(crate) public_flows: bool,
    /// Application permissions that are configured; granted they are at the enterprise application.
    pub(crate) roles: BTreeSet<String>,
    /// Delegated permissions that are configured: what `.default` means.
    pub(crate) scopes: BTreeSet<String>,
    /// Whether id_tokens tell the person's roles (`groupMembershipClaims`: `DirectoryRole`).
    pub(crate) tells_roles: bool,
}

/// A tenant.
#[derive(Clone, Debug)]
pub(crate) struct Organization {
    pub(crate) id: Uuid,
    pub(crate) name: &'static str,
    pub(crate) domain: &'static str,
}

/// Mailbox → user → rights, by lower-case address.
type Rights = BTreeMap<String, BTreeMap<String, BTreeSet<Right>>>;

/// The directory of all tenants.
pub(crate) struct Tenant {
    /// The first tenant, the home of the app registration.
    pub(crate) id: Uuid,
    /// The people of all tenants, those of the first first.
    pub(crate) users: Vec<User>,
    /// What Exchange restricts apps to.
    pub(crate) fences: Fences,
    organizations: Vec<Organization>,
    roles: RwLock<BTreeMap<Uuid, BTreeSet<Role>>>,
    rights: RwLock<Rights>,
    /// Passwords that were changed.
    passwords: RwLock<BTreeMap<Uuid, String>>,
    registrations: RwLock<BTreeMap<String, Registration>>,
    /// Client id of the registration that the ready line tells.
    own_client: String,
}

fn person(tenant: &Organization, name: &str, local: &str, admin: bool, mailbox: bool) -> User {
    let upn = format!("{local}@{}", tenant.domain);
    User {
        oid: Uuid::new_v5(&tenant.id, upn.as_bytes()),
        name: name.to_owned(),
        password: "Password-1".to_owned(),
        upn,
        admin,
        mailbox,
        tenant: tenant.id,
    }
}

/// An id that looks like Entra's, made of the seed.
fn id_of(namespace: Uuid, name: &str) -> Uuid {
    uuid::Builder::from_random_bytes(*Uuid::new_v5(&namespace, name.as_bytes()).as_bytes()).into_uuid()
}

fn owned(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Secret {
    /// A secret for two years, which is the longest that the portal gives.
    pub(crate) fn lasting(text: &str, now: Timestamp) -> Self {
        let ends = now.saturating_add(jiff::SignedDuration::from_hours(24 * 730)).unwrap_or(now);
        let key_id = id_of(Uuid::NAMESPACE_OID, text);
        Self { text: text.to_owned(), key_id, name: "Secret".to_owned(), begins: now, ends }
    }
}

impl Registration {
    /// A registration with nothing but a name.
    pub(crate) fn new(client_id: Uuid, home: Uuid, name: &str) -> Self {
        Self {
            client_id: client_id.to_string(),
            object_id: id_of(client_id, "object"),
            home,
            name: name.to_owned(),
            secrets: Vec::new(),
            certificates: Vec::new(),
            single_assertions: false,
            redirect_uris: BTreeSet::new(),
            multi_tenant: false,
            disabled: false,
            public_flows: false,
            roles: BTreeSet::new(),
            scopes: owned(&["User.Read"]),
            tells_roles: false,
        }
    }
}

impl Tenant {
    /// The tenants of the demo. Their ids come from the seed.
    pub(crate) fn contoso(seed: u64, redirect_uris: &[String], now: Timestamp) -> Self {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, &seed.to_be_bytes());
        // Version 4 like those of Entra, though they are made of the seed.
        let id = id_of(namespace, "tenant");
        let secret = Uuid::new_v5(&namespace, b"secret").simple();
        let client = id_of(namespace, "client");
        let mut registration = Registration::new(client, id, "Postroom");
        registration.secrets = vec![Secret::lasting(&format!("sim8Q~{secret}"), now)];
        registration.redirect_uris = redirect_uris.iter().cloned().collect();
        registration.multi_tenant = true;
        registration.tells_roles = true;
        registration.roles = owned(&["Mail.ReadWrite", "Mail.Send", "User.Read.All", "full_access_as_app"]);
        registration.scopes = owned(&[
            "User.Read",
            "Mail.ReadWrite",
            "Mail.ReadWrite.Shared",
            "Mail.Send",
            "Mail.Send.Shared",
            "EWS.AccessAsUser.All",
            "openid",
            "profile",
            "email",
            "offline_access",
        ]);
        let contoso = Organization { id, name: "Contoso", domain: DOMAIN };
        let fabrikam =
            Organization { id: id_of(namespace, "other tenant"), name: "Fabrikam", domain: OTHER_DOMAIN };
        let users = vec![
            person(&contoso, "Alex Admin", "admin", true, true),
            person(&contoso, "Support", "support", false, true),
            person(&contoso, "Billing", "billing", false, true),
            person(&contoso, "Anna Berger", "anna", false, true),
            person(&contoso, "Bruno Keller", "bruno", false, true),
            person(&contoso, "Kiosk without mailbox", "kiosk", false, false),
            person(&fabrikam, "Frida Admin", "admin", true, true),
            person(&fabrikam, "Felix Sommer", "felix", false, true),
        ];
        let roles = users
            .iter()
            .filter(|user| user.admin)
            .map(|user| (user.oid, BTreeSet::from([Role::GlobalAdministrator])))
            .collect();
        let all = BTreeSet::from([Right::FullAccess, Right::SendAs]);
        let delegates = ["admin", "anna"].map(|local| (format!("{local}@{DOMAIN}"), all.clone())).into();
        Self {
            id,
            users,
            fences: Fences::default(),
            organizations: vec![contoso, fabrikam],
            roles: RwLock::new(roles),
            rights: RwLock::new([(format!("support@{DOMAIN}"), delegates)].into()),
            passwords: RwLock::default(),
            own_client: registration.client_id.clone(),
            registrations: RwLock::new([(registration.client_id.clone(), registration)].into()),
        }
    }

    /// A tenant by id or domain, letter case aside.
    pub(crate) fn organization(&self, name: &str) -> Option<&Organization> {
        let id = Uuid::parse_str(name).ok();
        self.organizations.iter().find(|own| Some(own.id) == id || own.domain.eq_ignore_ascii_case(name))
    }

    /// All tenants, the home of the app registration first.
    pub(crate) fn organizations(&self) -> &[Organization] {
        &self.organizations
    }

    /// A tenant's display name.
    pub(crate) fn name_of(&self, tenant: Uuid) -> &'static str {
        self.organizations.iter().find(|own| own.id == tenant).map_or("Contoso", |own| own.name)
    }

    /// The people of a tenant.
    pub(crate) fn people(&self, tenant: Uuid) -> impl Iterator<Item = &User> {
        self.users.iter().filter(move |user| user.tenant == tenant)
    }

    /// A person by sign-in name or object id, letter case aside.
    pub(crate) fn user(&self, name: &str) -> Option<&User> {
        let oid = Uuid::parse_str(name).ok();
        self.users.iter().find(|user| Some(user.oid) == oid || user.upn.eq_ignore_ascii_case(name))
    }

    pub(crate) fn user_by_oid(&self, oid: Uuid) -> Option<&User> {
        self.users.iter().find(|user| user.oid == oid)
    }

    /// A person's password now.
    pub(crate) fn password(&self, user: &User) -> String {
        let changed = self.passwords.read().unwrap_or_else(PoisonError::into_inner);
        changed.get(&user.oid).unwrap_or(&user.password).clone()
    }

    /// Changes a person's password.
    pub(crate) fn set_password(&self, user: &User, password: &str) {
        let mut changed = self.passwords.write().unwrap_or_else(PoisonError::into_inner);
        changed.insert(user.oid, password.to_owned());
    }

    /// A person's roles now.
    pub(crate) fn roles(&self, user: &User) -> BTreeSet<Role> {
        self.roles.read().unwrap_or_else(PoisonError::into_inner).get(&user.oid).cloned().unwrap_or_default()
    }

    /// Gives a person these roles and no others.
    pub(crate) fn set_roles(&self, user: &User, roles: BTreeSet<Role>) {
        self.roles.write().unwrap_or_else(PoisonError::into_inner).insert(user.oid, roles);
    }

    /// Whether a person may consent for the whole tenant: with `graph_roles` also to application permissions of Graph.
    pub(crate) fn may_consent_for_all(&self, user: &User, graph_roles: bool) -> bool {
        self.roles(user).iter().any(|role| match role {
            Role::GlobalAdministrator | Role::PrivilegedRoleAdministrator => true,
            Role::CloudApplicationAdministrator | Role::ApplicationAdministrator => !graph_roles,
            Role::ExchangeAdministrator | Role::UserAdministrator => false,
        })
    }

    /// Whether `user` has full access to the mailbox with this address.
    pub(crate) fn has_access(&self, user: &User, mailbox: &str) -> bool {
        user.upn.eq_ignore_ascii_case(mailbox) || self.has_right(user, mailbox, Right::FullAccess)
    }

    /// Whether `user` was given this right on a mailbox of somebody else.
    pub(crate) fn has_right(&self, user: &User, mailbox: &str, right: Right) -> bool {
        self.rights
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&mailbox.to_ascii_lowercase())
            .and_then(|of_mailbox| of_mailbox.get(&user.upn.to_ascii_lowercase()))
            .is_some_and(|rights| rights.contains(&right))
    }

    /// Gives or takes rights on a mailbox.
    pub(crate) fn delegate(&self, mailbox: &str, user: &str, rights: &BTreeSet<Right>, grant: bool) {
        let mut all = self.rights.write().unwrap_or_else(PoisonError::into_inner);
        let own = all.entry(mailbox.to_ascii_lowercase()).or_default();
        let own = own.entry(user.to_ascii_lowercase()).or_default();
        if grant {
            own.extend(rights);
        } else {
            own.retain(|right| !rights.contains(right));
        }
    }

    /// A registration by client id.
    pub(crate) fn registration(&self, client_id: &str) -> Option<Registration> {
        let registrations = self.registrations.read().unwrap_or_else(PoisonError::into_inner);
        registrations.get(&client_id.to_ascii_lowercase()).cloned()
    }

    /// The registration that the ready line tells.
    pub(crate) fn first_registration(&self) -> Option<Registration> {
        self.registration(&self.own_client)
    }

    /// All registrations.
    pub(crate) fn registrations(&self) -> Vec<Registration> {
        self.registrations.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Adds a registration.
    pub(crate) fn register(&self, registration: Registration) {
        let mut registrations = self.registrations.write().unwrap_or_else(PoisonError::into_inner);
        registrations.insert(registration.client_id.to_ascii_lowercase(), registration);
    }

    /// Changes a registration; false when there is none with the id. Without an id the first is meant.
    pub(crate) fn change_registration(
        &self,
        client_id: Option<&str>,
        change: impl FnOnce(&mut Registration),
    ) -> bool {
        let mut registrations = self.registrations.write().unwrap_or_else(PoisonError::into_inner);
        let id = client_id.unwrap_or(&self.own_client).to_ascii_lowercase();
        registrations.get_mut(&id).map(change).is_some()
    }

    /// The local part's mailbox address when `address` is in a tenant; a plus part is dropped.
    pub(crate) fn own_address(address: &str) -> Option<String> {
        let (local, domain) = address.trim().rsplit_once('@')?;
        let domain = [DOMAIN, OTHER_DOMAIN].into_iter().find(|own| domain.eq_ignore_ascii_case(own))?;
        let local = local.split('+').next().unwrap_or(local);
        Some(format!("{}@{domain}", local.to_ascii_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> Tenant {
        Tenant::contoso(1, &[], Timestamp::UNIX_EPOCH)
    }

    /// Who may consent to what, by role.
    #[test]
    fn roles_decide_who_consents() {
        let tenant = tenant();
        let anna = tenant.user("anna@contoso.test").expect("a user");
        assert!(!tenant.may_consent_for_all(anna, false));
        tenant.set_roles(anna, [Role::ApplicationAdministrator].into());
        assert!(tenant.may_consent_for_all(anna, false) && !tenant.may_consent_for_all(anna, true));
        tenant.set_roles(anna, [Role::ExchangeAdministrator, Role::UserAdministrator].into());
        assert!(!tenant.may_consent_for_all(anna, false));
        let admin = tenant.user("admin@contoso.test").expect("a user");
        assert!(tenant.may_consent_for_all(admin, true));
    }

    /// Rights are given and taken one by one.
    #[test]
    fn rights_are_given_one_by_one() {
        let tenant = tenant();
        let bruno = tenant.user("bruno@contoso.test").expect("a user");
        let support = "Support@contoso.test";
        assert!(!tenant.has_access(bruno, support));
        tenant.delegate(support, &bruno.upn, &[Right::SendAs, Right::FullAccess].into(), true);
        tenant.delegate(support, &bruno.upn, &[Right::SendAs].into(), false);
        assert!(tenant.has_access(bruno, support) && !tenant.has_right(bruno, support, Right::SendAs));
        assert!(!tenant.has_right(bruno, support, Right::SendOnBehalf));
    }
}
