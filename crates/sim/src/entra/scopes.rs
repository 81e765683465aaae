//! Scopes: which exist, on which resource, in which words the consent screen tells them, and who may consent to them.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::errors::TokenError;
use super::policies::UserConsent;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Resource {
    Graph,
    Exchange,
}

/// A scope that exists.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) resource: Resource,
    pub(crate) name: &'static str,
    pub(crate) words: &'static str,
    /// Only administrators may consent, whatever the policy.
    pub(crate) admin_only: bool,
    /// Microsoft's managed policy leaves consent to administrators.
    pub(crate) barred: bool,
}

const fn graph(name: &'static str, words: &'static str, admin_only: bool, barred: bool) -> Known {
    Known { resource: Resource::Graph, name, words, admin_only, barred }
}

const fn exchange(name: &'static str, words: &'static str) -> Known {
    Known { resource: Resource::Exchange, name, words, admin_only: false, barred: true }
}

/// The scopes that exist here.
pub(crate) const KNOWN: &[Known] = &[
    graph("User.Read", "Sign you in and read your profile", false, false),
    graph("User.ReadBasic.All", "Read all users' basic profiles", false, false),
    graph("User.Read.All", "Read all users' full profiles", true, false),
    graph("Directory.Read.All", "Read directory data", true, false),
    graph("Application.Read.All", "Read applications", true, false),
    graph("Organization.Read.All", "Read organization information", true, false),
    graph("DelegatedPermissionGrant.Read.All", "Read delegated permission grants", true, false),
    graph("Mail.ReadBasic", "Read your basic mail", false, true),
    graph("Mail.ReadBasic.Shared", "Read your basic mail and that of mailboxes shared with you", false, true),
    graph("Mail.Read", "Read your mail", false, true),
    graph("Mail.Read.Shared", "Read your mail and that of mailboxes shared with you", false, true),
    graph("Mail.ReadWrite", "Read and write access to your mail", false, true),
    graph(
        "Mail.ReadWrite.Shared",
        "Read and write your mail and that of mailboxes shared with you",
        false,
        true,
    ),
    graph("Mail.Send", "Send mail as you", false, false),
    graph("Mail.Send.Shared", "Send mail on behalf of others or yourself", false, false),
    graph("Mail-Advanced.ReadWrite", "Change your mail after it was received", true, false),
    graph(
        "Mail-Advanced.ReadWrite.Shared",
        "Change mail of mailboxes shared with you after it was received",
        true,
        false,
    ),
    graph("MailboxSettings.Read", "Read your mailbox settings", false, true),
    graph("MailboxSettings.ReadWrite", "Read and write your mailbox settings", false, true),
    graph("MailboxFolder.Read", "Read your mailbox folders", false, true),
    graph("MailboxFolder.ReadWrite", "Read and write your mailbox folders", false, true),
    graph("MailboxItem.Read", "Read your mailbox items", false, true),
    graph("Calendars.Read", "Read your calendars", false, false),
    graph("Contacts.Read", "Read your contacts", false, false),
    graph("Files.Read", "Read your files", false, false),
    exchange("EWS.AccessAsUser.All", "Access mailboxes as you via Exchange Web Services"),
    exchange("EAS.AccessAsUser.All", "Access mailboxes as you via Exchange ActiveSync"),
    exchange("IMAP.AccessAsUser.All", "Read and write your mail via IMAP"),
    exchange("POP.AccessAsUser.All", "Read and write your mail via POP"),
];

/// Application permissions that exist: resource, name, words of the consent screen.
const APP_ROLES: &[(Resource, &str, &str)] = &[
    (Resource::Graph, "Mail.Read", "Read mail in all mailboxes"),
    (Resource::Graph, "Mail.ReadBasic.All", "Read basic mail in all mailboxes"),
    (Resource::Graph, "Mail.ReadWrite", "Read and write mail in all mailboxes"),
    (Resource::Graph, "Mail.Send", "Send mail as any user"),
    (Resource::Graph, "Mail-Advanced.ReadWrite.All", "Change mail in all mailboxes after it was received"),
    (Resource::Graph, "MailboxSettings.Read", "Read all user mailbox settings"),
    (Resource::Graph, "User.Read.All", "Read all users' full profiles"),
    (Resource::Graph, "Directory.Read.All", "Read directory data"),
    (Resource::Graph, "Application.Read.All", "Read all applications"),
    (Resource::Graph, "Organization.Read.All", "Read organization information"),
    (Resource::Graph, "DelegatedPermissionGrant.Read.All", "Read all delegated permission grants"),
    (Resource::Exchange, "full_access_as_app", "Use Exchange Web Services with full access to all mailboxes"),
    (Resource::Exchange, "IMAP.AccessAsApp", "Read and write mail of all mailboxes via IMAP"),
];

/// The resource of an application permission; one that is not known counts as Graph's.
pub(crate) fn role_resource(name: &str) -> Resource {
    APP_ROLES.iter().find(|(_, own, _)| *own == name).map_or(Resource::Graph, |(resource, ..)| *resource)
}

/// What an application permission lets the app do, in words.
pub(crate) fn role_words(name: &str) -> &'static str {
    APP_ROLES.iter().find(|(_, own, _)| *own == name).map_or("Unknown", |(.., words)| *words)
}

/// The id of a permission where it is known; others get one that is made of the name. None where the resource has no such
/// permission.
pub(crate) fn permission_id(resource: Resource, name: &str, is_role: bool) -> Option<Uuid> {
    const IDS: [(bool, &str, u128); 14] = [
        (false, "Mail.ReadWrite", 0x024d_486e_b451_40bb_833d_3e66_d98c_5c73),
        (false, "Mail.ReadWrite.Shared", 0x5df0_7973_7d5d_46ed_9847_1271_055c_bd51),
        (false, "Mail.Send", 0xe383_f46e_2787_4529_855e_0e47_9a3f_fac0),
        (false, "Mail.Send.Shared", 0xa367_ab51_6b49_43bf_a716_a1fb_06d2_a174),
        (false, "EWS.AccessAsUser.All", 0x3b5f_3d61_589b_4a3c_a359_5dd4_b5ee_5bd5),
        (false, "User.Read", 0xe1fe_6dd8_ba31_4d61_89e7_8863_9da4_683d),
        (false, "openid", 0x37f7_f235_527c_4136_accd_4a02_d197_296e),
        (false, "profile", 0x14da_d69e_099b_42c9_810b_d002_981f_eec1),
        (false, "email", 0x64a6_cdd6_aab1_4aaf_94b8_3cc8_405e_90d0),
        (false, "offline_access", 0x7427_e0e9_2fba_42fe_b0c0_848c_9e6a_8182),
        (true, "Mail.ReadWrite", 0xe2a3_a72e_5f79_4c64_b1b1_878b_6747_86c9),
        (true, "Mail.Send", 0xb633_e1c5_b582_4048_a93e_9f11_b44c_7e96),
        (true, "full_access_as_app", 0xdc89_0d15_9560_4a4c_9b7f_a736_ec74_ec40),
        (true, "User.Read.All", 0xdf02_1288_bdef_4463_88db_98f2_2de8_9214),
    ];
    let own = if is_role {
        Some(role_resource(name))
    } else if OPENID.iter().any(|(own, _)| *own == name) {
        Some(Resource::Graph)
    } else {
        KNOWN.iter().find(|known| known.name == name).map(|known| known.resource)
    };
    (own == Some(resource)).then(|| {
        let known = IDS.iter().find(|(role, own, _)| *role == is_role && *own == name);
        known.map_or_else(
            || Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{name} {is_role}").as_bytes()),
            |(.., id)| Uuid::from_u128(*id),
        )
    })
}

/// The scopes of OpenID Connect.
pub(crate) const OPENID: [(&str, &str); 4] = [
    ("openid", "Sign you in"),
    ("profile", "View your basic profile"),
    ("email", "View your email address"),
    ("offline_access", "Maintain access to data you have given it access to"),
];

/// The resource's well-known address, for the scopes of the answer.
fn origin(resource: Resource) -> &'static str {
    match resource {
        Resource::Graph => "https://graph.microsoft.com",
        Resource::Exchange => "https://outlook.office365.com",
    }
}

/// A list of scopes as asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) openid: BTreeSet<&'static str>,
    /// Resource and scope, in the case in which they exist.
    pub(crate) scopes: BTreeSet<(Resource, &'static str)>,
    /// Resources asked for as a whole with `/.default`.
    pub(crate) whole: BTreeSet<Resource>,
    /// Whether scopes were written with their resource, so that the answer writes them so too.
    pub(crate) is_long: bool,
}

impl Asked {
    /// Reads a `scope` parameter. `own` are this simulator's addresses of Graph and EWS, which count as the resources'.
    pub(crate) fn read(text: &str, own: &[(String, Resource)]) -> Result<Self, TokenError> {
        let mut asked = Self::default();
        for word in text.split_whitespace() {
            if let Some((name, _)) = OPENID.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) {
                asked.openid.insert(name);
                continue;
            }
            let (resource, name) = split(word, own)?;
            if word.contains("://") {
                asked.is_long = true;
            }
            if name.eq_ignore_ascii_case(".default") {
                asked.whole.insert(resource);
                continue;
            }
            let known = KNOWN
                .iter()
                .find(|known| known.resource == resource && known.name.eq_ignore_ascii_case(name));
            let Some(known) = known else {
                return Err(TokenError::of(650_053).saying(&format!(
                    "The application asked for scope '{name}' that doesn't exist on the resource '{}'. Contact the app vendor.",
                    origin(resource)
                )));
            };
            asked.scopes.insert((resource, known.name));
        }
        if !asked.whole.is_empty() && !asked.scopes.is_empty() {
            return Err(TokenError::of(70_011).saying(&format!(
                "The provided value for the input parameter 'scope' is not valid. The scope {text} is not valid. .default scope can't be combined with resource-specific scopes."
            )));
        }
        Ok(asked)
    }

    /// The resources that are named.
    pub(crate) fn resources(&self) -> BTreeSet<Resource> {
        self.scopes.iter().map(|(resource, _)| *resource).chain(self.whole.iter().copied()).collect()
    }

    /// Every scope by name, with what is configured for the resources that were asked for as a whole.
    pub(crate) fn names_with(&self, configured: &BTreeSet<String>) -> BTreeSet<String> {
        let mut names = self.names();
        let whole = KNOWN.iter().filter(|known| self.whole.contains(&known.resource));
        names
            .extend(whole.filter(|known| configured.contains(known.name)).map(|known| known.name.to_owned()));
        names
    }

    /// Every scope by name, for comparing with consents.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.openid
            .iter()
            .map(|name| (*name).to_owned())
            .chain(self.scopes.iter().map(|(_, name)| (*name).to_owned()))
            .collect()
    }
}

/// Resource and name of a scope.
fn split<'a>(word: &'a str, own: &[(String, Resource)]) -> Result<(Resource, &'a str), TokenError> {
    if !word.contains("://") {
        return Ok((Resource::Graph, word));
    }
    let lower = word.to_ascii_lowercase();
    let public = [
        ("https://graph.microsoft.com", Resource::Graph),
        ("https://outlook.office365.com", Resource::Exchange),
        ("https://outlook.office.com", Resource::Exchange),
    ];
    let all = public.into_iter().chain(own.iter().map(|(address, resource)| (address.as_str(), *resource)));
    for (address, resource) in all {
        if lower.starts_with(&address.to_ascii_lowercase())
            && let Some(name) = word[address.len()..].strip_prefix('/')
        {
            return Ok((resource, name.trim_start_matches('/')));
        }
    }
    let resource = word.rsplit_once('/').map_or(word, |(resource, _)| resource);
    Err(TokenError::of(500_011).saying(&format!(
        "The resource principal named {resource} was not found in the tenant named Contoso. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant."
    )))
}

/// The scopes as an answer lists them.
pub(crate) fn listed(names: &BTreeSet<String>, resource: Resource, is_long: bool) -> String {
    let mut out: Vec<String> = Vec::new();
    for known in KNOWN.iter().filter(|known| known.resource == resource && names.contains(known.name)) {
        let long = is_long || resource != Resource::Graph;
        out.push(if long { format!("{}/{}", origin(resource), known.name) } else { known.name.to_owned() });
    }
    if resource == Resource::Graph {
        // offline_access is never listed.
        out.extend(
            OPENID
                .iter()
                .take(3)
                .filter(|(name, _)| names.contains(*name))
                .map(|(name, _)| (*name).to_owned()),
        );
    }
    out.join(" ")
}

/// What a scope lets the app do, in words.
pub(crate) fn words(name: &str) -> &'static str {
    let openid = OPENID.iter().find(|(own, _)| *own == name).map(|(_, words)| *words);
    openid
        .or_else(|| KNOWN.iter().find(|known| known.name == name).map(|known| known.words))
        .unwrap_or("Unknown")
}

/// Whether somebody who is no administrator may consent under a policy.
pub(crate) fn user_may_consent(name: &str, policy: UserConsent) -> bool {
    let known = KNOWN.iter().find(|known| known.name == name);
    match policy {
        UserConsent::None => false,
        UserConsent::Managed => known.is_none_or(|known| !known.admin_only && !known.barred),
        UserConsent::Allowed => known.is_none_or(|known| !known.admin_only),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Short, long, of either resource, in any case.
    #[test]
    fn scopes_are_read() {
        let asked = Asked::read(
            "openid offline_access mail.readwrite https://outlook.office365.com/EWS.AccessAsUser.All",
            &[],
        )
        .expect("scopes");
        assert_eq!(asked.resources(), [Resource::Graph, Resource::Exchange].into());
        assert!(asked.scopes.contains(&(Resource::Graph, "Mail.ReadWrite")));
        assert_eq!(Asked::read("Mail.Nonsense", &[]).map_err(|error| error.code), Err(650_053));
        assert_eq!(Asked::read("https://else.example/x", &[]).map_err(|error| error.code), Err(500_011));
        let mixed = Asked::read("https://graph.microsoft.com/.default Mail.Read", &[]);
        assert_eq!(mixed.map_err(|error| error.code), Err(70_011));
        let own = [("http://127.0.0.1:81".to_owned(), Resource::Graph)];
        assert!(Asked::read("http://127.0.0.1:81/.default", &own).is_ok_and(|asked| !asked.whole.is_empty()));
    }

    /// The managed policy leaves mail to administrators, sending not.
    #[test]
    fn the_managed_policy_bars_mail() {
        let barred = [
            "Mail.Read",
            "Mail.ReadWrite",
            "Mail.ReadBasic",
            "Mail.Read.Shared",
            "Mail.ReadWrite.Shared",
            "Mail.ReadBasic.Shared",
            "MailboxSettings.Read",
            "MailboxSettings.ReadWrite",
            "MailboxFolder.Read",
            "MailboxItem.Read",
            "EWS.AccessAsUser.All",
            "EAS.AccessAsUser.All",
            "IMAP.AccessAsUser.All",
            "POP.AccessAsUser.All",
        ];
        for name in barred {
            assert!(user_may_consent(name, UserConsent::Allowed), "{name}");
            assert!(!user_may_consent(name, UserConsent::Managed), "{name}");
        }
        for name in ["Mail.Send", "Mail.Send.Shared", "User.Read", "openid", "offline_access"] {
            assert!(user_may_consent(name, UserConsent::Managed), "{name}");
            assert!(!user_may_consent(name, UserConsent::None), "{name}");
        }
        assert!(!user_may_consent("Mail-Advanced.ReadWrite", UserConsent::Allowed));
    }
}
