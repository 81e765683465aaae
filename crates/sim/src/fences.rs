//! Fences around an app's access to mailboxes: RBAC for Applications, and the older application access policies.
//!
//! What the directory grants reaches every mailbox of the tenant, unless an access policy restricts it. What a role
//! assignment of Exchange grants reaches the mailboxes of its scope, and no policy restricts that. Both are a union. A
//! change is only felt after a while, because Exchange keeps what it knows: 30 minutes to 2 hours.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How a fence works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Kind {
    /// `New-ManagementRoleAssignment -App … -CustomResourceScope …`: these roles (`Application Mail.ReadWrite`), on the mailboxes.
    Rbac { roles: BTreeSet<String> },
    /// `New-ApplicationAccessPolicy -AccessRight RestrictAccess`: the directory's grants count on the mailboxes only.
    RestrictAccess,
    /// `-AccessRight DenyAccess`: they count on all others.
    DenyAccess,
}

/// A fence.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fence {
    pub(crate) id: u64,
    pub(crate) tenant: Uuid,
    pub(crate) client_id: String,
    #[serde(flatten)]
    pub(crate) kind: Kind,
    /// Addresses in lower case.
    pub(crate) mailboxes: BTreeSet<String>,
    /// From when on it is felt.
    pub(crate) felt: Timestamp,
}

/// Whether an app reaches a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Granted,
    /// Nothing grants it.
    Denied,
    /// The directory grants it, and an access policy restricts it.
    Restricted,
}

/// All fences.
#[derive(Default)]
pub(crate) struct Fences(Mutex<(u64, Vec<Fence>)>);

impl Fences {
    fn lock(&self) -> MutexGuard<'_, (u64, Vec<Fence>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fence; its id.
    pub(crate) fn add(&self, mut fence: Fence) -> u64 {
        let mut state = self.lock();
        state.0 += 1;
        fence.id = state.0;
        let id = fence.id;
        state.1.push(fence);
        id
    }

    /// Takes all fences away.
    pub(crate) fn clear(&self) {
        self.lock().1.clear();
    }

    pub(crate) fn list(&self) -> Vec<Fence> {
        self.lock().1.clone()
    }

    /// Whether an app reaches a mailbox with any of these permissions, of which the directory grants those in `granted`.
    pub(crate) fn reach(
        &self,
        app: (Uuid, &str),
        mailbox: &str,
        needed: &[&str],
        granted: &BTreeSet<String>,
        now: Timestamp,
    ) -> Reach {
        let state = self.lock();
        let own: Vec<&Fence> = state
            .1
            .iter()
            .filter(|fence| (fence.tenant, fence.client_id.as_str()) == app && fence.felt <= now)
            .collect();
        let holds = |fence: &Fence| fence.mailboxes.contains(&mailbox.to_ascii_lowercase());
        let is_assigned = own.iter().any(|fence| match &fence.kind {
            Kind::Rbac { roles } => {
                holds(fence) && needed.iter().any(|name| roles.contains(&format!("Application {name}")))
            }
            Kind::RestrictAccess | Kind::DenyAccess => false,
        });
        if is_assigned {
            return Reach::Granted;
        }
        if !needed.iter().any(|name| granted.contains(*name)) {
            return Reach::Denied;
        }
        let mut restricting = own.iter().filter(|fence| fence.kind == Kind::RestrictAccess).peekable();
        let is_outside = restricting.peek().is_some() && !restricting.any(|fence| holds(fence));
        let is_barred = own.iter().any(|fence| fence.kind == Kind::DenyAccess && holds(fence));
        if is_outside || is_barred { Reach::Restricted } else { Reach::Granted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: (Uuid, &str) = (Uuid::nil(), "app");
    const NEEDED: &[&str] = &["Mail.Read", "Mail.ReadWrite"];

    fn fence(kind: Kind, mailbox: &str, felt: i64) -> Fence {
        let felt = Timestamp::from_second(felt).expect("a moment");
        let mailboxes = [mailbox.to_owned()].into();
        Fence { id: 0, tenant: APP.0, client_id: APP.1.to_owned(), kind, mailboxes, felt }
    }

    fn reach(fences: &Fences, mailbox: &str, granted: &[&str], at: i64) -> Reach {
        let granted = granted.iter().map(|name| (*name).to_owned()).collect();
        fences.reach(APP, mailbox, NEEDED, &granted, Timestamp::from_second(at).expect("a moment"))
    }

    /// Grants of the directory and of Exchange are a union, so that a scope alone fences nothing in.
    #[test]
    fn grants_are_a_union() {
        let fences = Fences::default();
        let roles = ["Application Mail.ReadWrite".to_owned()].into();
        fences.add(fence(Kind::Rbac { roles }, "in@x.test", 0));
        assert_eq!(reach(&fences, "In@x.test", &[], 1), Reach::Granted);
        assert_eq!(reach(&fences, "out@x.test", &[], 1), Reach::Denied);
        assert_eq!(reach(&fences, "out@x.test", &["Mail.ReadWrite"], 1), Reach::Granted);
    }

    /// An access policy is felt after its lag, and restricts what the directory grants.
    #[test]
    fn an_access_policy_is_felt_after_a_while() {
        let fences = Fences::default();
        fences.add(fence(Kind::RestrictAccess, "in@x.test", 3_600));
        assert_eq!(reach(&fences, "out@x.test", &["Mail.Read"], 3_599), Reach::Granted);
        assert_eq!(reach(&fences, "out@x.test", &["Mail.Read"], 3_600), Reach::Restricted);
        assert_eq!(reach(&fences, "in@x.test", &["Mail.Read"], 3_600), Reach::Granted);
        fences.clear();
        fences.add(fence(Kind::DenyAccess, "in@x.test", 0));
        assert_eq!(reach(&fences, "in@x.test", &["Mail.Read"], 1), Reach::Restricted);
        assert_eq!(reach(&fences, "out@x.test", &["Mail.Read"], 1), Reach::Granted);
    }
}
