//! What the registration asks for. The ids of permissions are Microsoft's and the same in every tenant and cloud.
//!
//! Source: Microsoft Graph, *Permissions reference*; *Get application*, whose least privileged application permission is
//! Application.Read.All (Application.ReadWrite.OwnedBy may write as well).

use serde::Serialize;

use super::Wishes;

/// Microsoft Graph, as an app registration names it.
pub(super) const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// Exchange Online, as an app registration names it.
pub(super) const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";

/// A permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Permission {
    /// `Microsoft Graph` or `Office 365 Exchange Online`.
    pub api: &'static str,
    /// Its name.
    pub name: &'static str,
    /// `delegated` or `application`.
    pub kind: &'static str,
    /// Its id.
    pub id: &'static str,
    /// What it is for.
    pub what: &'static str,
    /// Who can consent to it.
    pub consent: &'static str,
}

const BY_PERSON: &str = "each person, unless the tenant lets nobody consent";
const BARRED: &str = "each person, unless the tenant's policy keeps it for an administrator: the policy that Microsoft manages does";
const BY_ADMIN: &str = "an administrator only";

const fn graph(
    kind: &'static str,
    name: &'static str,
    id: &'static str,
    what: &'static str,
    consent: &'static str,
) -> Permission {
    Permission { api: "Microsoft Graph", name, kind, id, what, consent }
}

const fn exchange(
    kind: &'static str,
    name: &'static str,
    id: &'static str,
    what: &'static str,
    consent: &'static str,
) -> Permission {
    Permission { api: "Office 365 Exchange Online", name, kind, id, what, consent }
}

/// Asked for by every sign-in.
const BASIC: [Permission; 5] = [
    graph("delegated", "openid", "37f7f235-527c-4136-accd-4a02d197296e", "sign in", BY_PERSON),
    graph("delegated", "profile", "14dad69e-099b-42c9-810b-d002981feec1", "know who signed in", BY_PERSON),
    graph("delegated", "email", "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0", "know their address", BY_PERSON),
    graph(
        "delegated",
        "offline_access",
        "7427e0e9-2fba-42fe-b0c0-848c9e6a8182",
        "stay signed in while nobody is here",
        BY_PERSON,
    ),
    graph(
        "delegated",
        "User.Read",
        "e1fe6dd8-ba31-4d61-89e7-88639da4683d",
        "see who is signed in",
        BY_PERSON,
    ),
];
const MAIL: Permission = graph(
    "delegated",
    "Mail.ReadWrite",
    "024d486e-b451-40bb-833d-3e66d98c5c73",
    "read the mailbox, mark its mail, make drafts",
    BARRED,
);
const MAIL_SHARED: Permission = graph(
    "delegated",
    "Mail.ReadWrite.Shared",
    "5df07973-7d5d-46ed-9847-1271055cbd51",
    "the same in shared mailboxes",
    BARRED,
);
const SEND: Permission =
    graph("delegated", "Mail.Send", "e383f46e-2787-4529-855e-0e479a3ffac0", "send mail", BY_PERSON);
const SEND_SHARED: Permission = graph(
    "delegated",
    "Mail.Send.Shared",
    "a367ab51-6b49-43bf-a716-a1fb06d2a174",
    "send as or on behalf of shared mailboxes",
    BY_PERSON,
);
const EWS: Permission = exchange(
    "delegated",
    "EWS.AccessAsUser.All",
    "3b5f3d61-589b-4a3c-a359-5dd4b5ee5bd5",
    "everything in the mailbox, over Exchange Web Services",
    BARRED,
);
const APP_MAIL: Permission = graph(
    "application",
    "Mail.ReadWrite",
    "e2a3a72e-5f79-4c64-b1b1-878b674786c9",
    "read and mark mail in every mailbox of the tenant",
    BY_ADMIN,
);
const APP_SEND: Permission = graph(
    "application",
    "Mail.Send",
    "b633e1c5-b582-4048-a93e-9f11b44c7e96",
    "send mail as any mailbox of the tenant",
    BY_ADMIN,
);
const APP_EWS: Permission = exchange(
    "application",
    "full_access_as_app",
    "dc890d15-9560-4a4c-9b7f-a736ec74ec40",
    "everything in every mailbox of the tenant, over Exchange Web Services",
    BY_ADMIN,
);

const APP_READ_APPLICATIONS: Permission = graph(
    "application",
    "Application.Read.All",
    "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "read when Postroom's own secrets and certificates end; it lets the app see every app registration of the tenant",
    BY_ADMIN,
);

/// The permissions that the registration names. A fenced application names none: Exchange grants them for the named mailboxes, and
/// one that Entra grants beside would reach every mailbox all the same.
pub fn permissions(wishes: &Wishes) -> Vec<Permission> {
    let mut all = BASIC.to_vec();
    let (mail, send) = (wishes.read || wishes.send, wishes.send);
    if wishes.ews {
        all.extend((mail || send).then_some(EWS));
    } else {
        all.extend(mail.then_some(MAIL));
        all.extend((mail && wishes.shared).then_some(MAIL_SHARED));
        all.extend(send.then_some(SEND));
        all.extend((send && wishes.shared).then_some(SEND_SHARED));
    }
    if wishes.application && wishes.mailboxes.is_empty() {
        if wishes.ews {
            all.extend((mail || send).then_some(APP_EWS));
        } else {
            all.extend(mail.then_some(APP_MAIL));
            all.extend(send.then_some(APP_SEND));
        }
    }
    all.extend(wishes.credential_ends.then_some(APP_READ_APPLICATIONS));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(wishes: &Wishes) -> Vec<String> {
        permissions(wishes)
            .iter()
            .skip(BASIC.len())
            .map(|one| format!("{}:{}", &one.kind[..3], one.name))
            .collect()
    }

    /// Promise: the registration gets exactly the permissions of what is wished, none on top.
    #[test]
    fn permissions_are_exactly_those_of_the_wishes() {
        let none = Wishes { read: false, send: false, ..Wishes::default() };
        let mailboxes = vec!["a@contoso.com".to_owned()];
        for (wishes, expected) in [
            (none.clone(), vec![]),
            (Wishes { read: true, ..none.clone() }, vec!["del:Mail.ReadWrite"]),
            // A draft is made before it is sent: sending needs both.
            (Wishes { send: true, ..none.clone() }, vec!["del:Mail.ReadWrite", "del:Mail.Send"]),
            (
                Wishes { shared: true, ..Wishes::default() },
                vec![
                    "del:Mail.ReadWrite",
                    "del:Mail.ReadWrite.Shared",
                    "del:Mail.Send",
                    "del:Mail.Send.Shared",
                ],
            ),
            (Wishes { ews: true, ..Wishes::default() }, vec!["del:EWS.AccessAsUser.All"]),
            (
                Wishes { application: true, read: true, ..none.clone() },
                vec!["del:Mail.ReadWrite", "app:Mail.ReadWrite"],
            ),
            (Wishes { application: true, mailboxes, read: true, ..none.clone() }, vec!["del:Mail.ReadWrite"]),
            // Only where it is wished: without it the ends are entered by hand.
            (
                Wishes { credential_ends: true, read: true, ..none },
                vec!["del:Mail.ReadWrite", "app:Application.Read.All"],
            ),
        ] {
            assert_eq!(names(&wishes), expected, "{wishes:?}");
        }
    }
}
