//! How Postroom is registered in Entra: redirect URI, permissions, scripts, links and the fence, as texts. Pure: the console's
//! page and `postroom setup microsoft` show the same.
//!
//! Begin with [`texts`]. The ids of permissions are Microsoft's and the same in every tenant and cloud.
//!
//! Sources: Microsoft Graph permissions reference; admin consent endpoint v2.0; RBAC for Applications in Exchange Online; Manage user
//! consent, managed policy of October 2025.

use std::fmt::Write as _;

use serde::Serialize;
use url::Url;

use super::cloud::Cloud;

/// Microsoft Graph, as an app registration names it.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
/// Exchange Online, as an app registration names it.
const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";

/// What Postroom shall be able to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a tick box of its own")]
pub struct Wishes {
    /// Read mail and mark it (Message Sources).
    pub read: bool,
    /// Send mail (Message Outbounds).
    pub send: bool,
    /// Also in mailboxes of others that the account has rights on.
    pub shared: bool,
    /// Over EWS instead of Graph.
    pub ews: bool,
    /// Without a person: application permission.
    pub application: bool,
    /// For application permission: the mailboxes that it is fenced to. None: it reaches every mailbox.
    pub mailboxes: Vec<String>,
}

impl Default for Wishes {
    fn default() -> Self {
        Self { read: true, send: true, shared: false, ews: false, application: false, mailboxes: Vec::new() }
    }
}

/// Where and as what Postroom is registered.
#[derive(Clone, Debug)]
pub struct Where {
    /// The cloud.
    pub cloud: Cloud,
    /// Where people sign in.
    pub login_url: Url,
    /// Graph.
    pub graph_url: Url,
    /// EWS; none: as Exchange Online has it.
    pub ews_url: Option<Url>,
    /// Whether other tenants may connect.
    pub multi_tenant: bool,
    /// The registration's name.
    pub name: String,
    /// Where Microsoft sends people back to.
    pub redirect_uri: Url,
    /// The client id, once there is one.
    pub client_id: Option<String>,
    /// The tenant, where one is known.
    pub tenant: Option<String>,
    /// Comes back with an administrator from the consent link.
    pub state: Option<String>,
}

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

/// A step with the page where it is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it is about.
    pub title: &'static str,
    /// What to look at or do.
    pub text: String,
    /// The page.
    pub link: String,
}

/// A link for an administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// What it approves.
    pub label: &'static str,
    /// The address.
    pub url: String,
}

/// Everything that is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Texts {
    /// Where Microsoft sends people back to; platform *Web*.
    pub redirect_uri: String,
    /// What is wrong with it, where Entra would not take it.
    pub redirect_uri_problem: Option<String>,
    /// `AzureADMyOrg` or `AzureADMultipleOrgs`.
    pub audience: &'static str,
    /// The permissions that the registration names.
    pub permissions: Vec<Permission>,
    /// Makes the registration with the Azure CLI.
    pub azure_cli: String,
    /// Makes it with Microsoft Graph PowerShell.
    pub powershell: String,
    /// Where it is made by hand.
    pub portal: String,
    /// What the tenant must allow.
    pub prerequisites: Vec<Step>,
    /// For an administrator, once there is a client id.
    pub consent_links: Vec<Link>,
    /// Fences application permission to the named mailboxes.
    pub fence: Option<String>,
    /// What must be known beforehand.
    pub warnings: Vec<String>,
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
    all
}

/// All texts.
pub fn texts(place: &Where, wishes: &Wishes) -> Texts {
    let permissions = permissions(wishes);
    Texts {
        redirect_uri: place.redirect_uri.to_string(),
        redirect_uri_problem: redirect_uri_problem(&place.redirect_uri),
        audience: audience(place),
        azure_cli: azure_cli(place, &permissions),
        powershell: powershell(place, &permissions),
        portal: place.cloud.new_registration_page(),
        prerequisites: prerequisites(place.cloud),
        consent_links: consent_links(place, wishes, &permissions),
        fence: (wishes.application && !wishes.mailboxes.is_empty()).then(|| fence(place, wishes)),
        warnings: warnings(place, wishes),
        permissions,
    }
}

fn audience(place: &Where) -> &'static str {
    if place.multi_tenant { "AzureADMultipleOrgs" } else { "AzureADMyOrg" }
}

/// What Entra would not take (redirect URI restrictions).
fn redirect_uri_problem(uri: &Url) -> Option<String> {
    let is_here = matches!(uri.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if uri.scheme() != "https" && !is_here {
        return Some(
            "Entra takes only https here, except for localhost: set public_url under [server] to the address with https."
                .to_owned(),
        );
    }
    if is_here {
        return Some(
            "This address works in a browser on this machine only. Set public_url under [server] to the address that people use."
                .to_owned(),
        );
    }
    (uri.as_str().len() > 256)
        .then(|| "Entra takes at most 256 characters here: use a shorter public_url.".to_owned())
}

/// In single quotes, for a shell.
fn sh(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// In single quotes, for PowerShell.
fn ps(text: &str) -> String {
    // PowerShell takes the typographic quotes for quotes as well.
    let doubled: String = text
        .chars()
        .flat_map(|c| {
            let is_quote = matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}');
            std::iter::once(c).chain(is_quote.then_some(c))
        })
        .collect();
    format!("'{doubled}'")
}

/// A name in one line, whatever was typed.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

fn by_api(permissions: &[Permission]) -> Vec<(&'static str, Vec<&Permission>)> {
    [("Microsoft Graph", GRAPH), ("Office 365 Exchange Online", EXCHANGE)]
        .into_iter()
        .map(|(api, id)| (id, permissions.iter().filter(|own| own.api == api).collect::<Vec<_>>()))
        .filter(|(_, own)| !own.is_empty())
        .collect()
}

/// As the manifest calls the kind of a permission.
fn manifest_kind(permission: &Permission) -> &'static str {
    if permission.kind == "application" { "Role" } else { "Scope" }
}

fn azure_cli(place: &Where, permissions: &[Permission]) -> String {
    let manifest: Vec<serde_json::Value> = by_api(permissions)
        .into_iter()
        .map(|(id, own)| {
            let access: Vec<serde_json::Value> = own
                .iter()
                .map(|one| serde_json::json!({ "id": one.id, "type": manifest_kind(one) }))
                .collect();
            serde_json::json!({ "resourceAppId": id, "resourceAccess": access })
        })
        .collect();
    let manifest = serde_json::to_string_pretty(&manifest).unwrap_or_default();
    format!(
        "az cloud set --name {cloud}\n\
         az login --allow-no-subscriptions\n\
         cat > postroom-permissions.json <<'JSON'\n{manifest}\nJSON\n\
         client_id=$(az ad app create --display-name {name} --sign-in-audience {audience} \\\n  \
           --web-redirect-uris {uri} \\\n  \
           --required-resource-accesses @postroom-permissions.json --query appId --output tsv)\n\
         az ad sp create --id \"$client_id\" --output none\n\
         az ad app credential reset --id \"$client_id\" --append --display-name Postroom --years 1 \\\n  \
           --query '{{\"client id\": appId, \"client secret\": password, tenant: tenant}}' --output yaml\n",
        cloud = place.cloud.azure_cli(),
        name = sh(&one_line(&place.name)),
        audience = audience(place),
        uri = sh(place.redirect_uri.as_str()),
    )
}

fn powershell(place: &Where, permissions: &[Permission]) -> String {
    let mut access = String::new();
    for (id, own) in by_api(permissions) {
        let _ = writeln!(access, "  @{{ ResourceAppId = '{id}'; ResourceAccess = @(");
        for one in own {
            let _ = writeln!(
                access,
                "    @{{ Id = '{}'; Type = '{}' }} # {}",
                one.id,
                manifest_kind(one),
                one.name
            );
        }
        access.push_str("  ) }\n");
    }
    format!(
        "Connect-MgGraph -Environment {environment} -Scopes 'Application.ReadWrite.All'\n\
         $access = @(\n{access})\n\
         $app = New-MgApplication -DisplayName {name} -SignInAudience {audience} `\n  \
           -Web @{{ RedirectUris = @({uri}) }} -RequiredResourceAccess $access\n\
         $null = New-MgServicePrincipal -AppId $app.AppId\n\
         $secret = Add-MgApplicationPassword -ApplicationId $app.Id -PasswordCredential @{{\n  \
           DisplayName = 'Postroom'; EndDateTime = (Get-Date).AddYears(1) }}\n\
         [pscustomobject]@{{ 'client id' = $app.AppId; 'client secret' = $secret.SecretText\n  \
           ends = $secret.EndDateTime; tenant = (Get-MgContext).TenantId }} | Format-List\n",
        environment = place.cloud.graph_environment(),
        name = ps(&one_line(&place.name)),
        audience = audience(place),
        uri = ps(place.redirect_uri.as_str()),
    )
}

fn prerequisites(cloud: Cloud) -> Vec<Step> {
    vec![
        Step {
            title: "Whether users may consent",
            text: "With the policy that Microsoft manages (the default of new tenants), users may sign in to Postroom and let it send, \
                   but not let it read mail: an administrator approves once. Where users may consent, each mailbox's owner \
                   approves for their own mailbox and no administrator is needed."
                .to_owned(),
            link: cloud.user_consent_page(),
        },
        Step {
            title: "Whether users may ask for approval, and who reviews it",
            text: "With admin consent requests switched on, the owner of a mailbox sends a request from Microsoft's own page, and the \
                   reviewers named there get it. With them off, send the administrator the consent link."
                .to_owned(),
            link: cloud.consent_requests_settings_page(),
        },
        Step {
            title: "Requests that wait",
            text: "Where a reviewer approves what was asked for.".to_owned(),
            link: cloud.consent_requests_page(),
        },
    ]
}

/// The links by which an administrator approves for the whole tenant: one for each API, since one link names one.
fn consent_links(place: &Where, wishes: &Wishes, permissions: &[Permission]) -> Vec<Link> {
    let Some(client_id) = &place.client_id else { return Vec::new() };
    let tenant = place.tenant.as_deref().unwrap_or("organizations");
    let state = place.state.as_deref().unwrap_or("approval");
    let link = |label, scopes: &[String]| {
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let url = microsoft::signin::admin_consent_address(
            &place.login_url,
            tenant,
            client_id,
            &scopes,
            &place.redirect_uri,
            state,
        );
        Link { label, url: url.to_string() }
    };
    let resource = |api: &str| {
        if api == "Microsoft Graph" {
            place.graph_url.as_str().trim_end_matches('/').to_owned()
        } else {
            let ews = place.ews_url.as_ref().map(|url| url.origin().ascii_serialization());
            ews.unwrap_or_else(|| "https://outlook.office365.com".to_owned())
        }
    };
    let whole = wishes.application && wishes.mailboxes.is_empty();
    let mut links = Vec::new();
    for (label, api) in [
        ("Approve for Microsoft Graph", "Microsoft Graph"),
        ("Approve for Exchange Web Services", "Office 365 Exchange Online"),
    ] {
        let own = permissions.iter().filter(|one| one.api == api && one.name.contains('.'));
        let scopes: Vec<String> = if whole {
            // Application permission is asked for as all that the registration names.
            own.take(1).map(|_| format!("{}/.default", resource(api))).collect()
        } else {
            own.filter(|one| one.kind == "delegated")
                .map(|one| format!("{}/{}", resource(api), one.name))
                .collect()
        };
        if !scopes.is_empty() {
            links.push(link(label, &scopes));
        }
    }
    links
}

/// Exchange's roles for what is wished.
fn roles(wishes: &Wishes) -> Vec<&'static str> {
    if wishes.ews {
        return vec!["Application EWS.AccessAsApp"];
    }
    let mut roles = Vec::new();
    if wishes.read || wishes.send {
        roles.push("Application Mail.ReadWrite");
    }
    if wishes.send {
        roles.push("Application Mail.Send");
    }
    roles
}

/// The commands that fence an application to named mailboxes (RBAC for Applications).
pub fn fence(place: &Where, wishes: &Wishes) -> String {
    let client_id = place.client_id.as_deref().unwrap_or("<client id>");
    let filter: Vec<String> = wishes
        .mailboxes
        .iter()
        .map(|address| format!("PrimarySmtpAddress -eq '{}'", address.replace('\'', "''")))
        .collect();
    let (client, name) = (ps(client_id), ps(&one_line(&place.name)));
    let mut text = format!(
        "Connect-MgGraph -Environment {graph} -Scopes 'Application.Read.All'\n\
         $object = (Get-MgServicePrincipal -Filter \"appId eq '{client_id}'\").Id\n\
         Connect-ExchangeOnline -ExchangeEnvironmentName {exchange}\n\
         New-ServicePrincipal -AppId {client} -ObjectId $object -DisplayName {name}\n\
         New-ManagementScope -Name 'Postroom mailboxes' -RecipientRestrictionFilter {filter}\n",
        graph = place.cloud.graph_environment(),
        exchange = place.cloud.exchange_environment(),
        filter = ps(&filter.join(" -or ")),
    );
    for role in roles(wishes) {
        let _ = writeln!(
            text,
            "New-ManagementRoleAssignment -App {client} -Role '{role}' -CustomResourceScope 'Postroom mailboxes'"
        );
    }
    text.push_str("# Each of these says InScope True:\n");
    for address in &wishes.mailboxes {
        let _ =
            writeln!(text, "Test-ServicePrincipalAuthorization -Identity {client} -Resource {}", ps(address));
    }
    text.push_str("# And a mailbox outside says InScope False.\n");
    text
}

fn warnings(place: &Where, wishes: &Wishes) -> Vec<String> {
    let mut warnings = Vec::new();
    if wishes.ews {
        warnings.push(
            "Exchange Online blocks EWS since 1 October 2026 unless the tenant allows this client id (EwsAllowedAppIDs), and ends \
             it on 1 April 2027. Exchange on your own machines is not affected. Use Graph where you can."
                .to_owned(),
        );
    }
    if wishes.application && wishes.mailboxes.is_empty() {
        warnings.push(
            "Without named mailboxes the application reaches every mailbox of the tenant. Name the mailboxes to get the commands \
             that fence it."
                .to_owned(),
        );
    }
    if wishes.application && !wishes.mailboxes.is_empty() {
        warnings.push(
            "Grant no application permission for mail in Entra beside the fence: the two add up, and the fence would keep nothing \
             out. A change of the fence takes 30 minutes to 2 hours to be seen."
                .to_owned(),
        );
    }
    if place.multi_tenant {
        warnings.push(
            "A further tenant connects by the first sign-in of an administrator of its own, which makes the Enterprise Application \
             there."
                .to_owned(),
        );
    }
    warnings
}

/// Mailboxes as they are typed: separated by commas, spaces or lines. What is no address is left out.
pub fn read_mailboxes(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';')) {
        let is_address = word.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty() && domain.contains('.') && !word.contains(['"', '\\', '<', '>', '`', '$'])
        });
        if is_address && !all.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            all.push(word.to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Where {
        let url = |text: &str| Url::parse(text).expect("an address");
        Where {
            cloud: Cloud::Global,
            login_url: url(Cloud::Global.login()),
            graph_url: url(Cloud::Global.graph()),
            ews_url: None,
            multi_tenant: false,
            name: "Postroom".to_owned(),
            redirect_uri: url("https://postroom.example.com/oauth/callback"),
            client_id: Some("11111111-2222-3333-4444-555555555555".to_owned()),
            tenant: Some("contoso.com".to_owned()),
            state: None,
        }
    }

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
            (Wishes { application: true, mailboxes, read: true, ..none }, vec!["del:Mail.ReadWrite"]),
        ] {
            assert_eq!(names(&wishes), expected, "{wishes:?}");
        }
    }

    /// Promise: both scripts name the redirect URI, the audience and each permission's id, and take any name without harm.
    #[test]
    fn scripts_make_exactly_this_registration() {
        let hostile = "Bob's \u{2019}$(reboot)`\nrm";
        let place = Where { name: hostile.to_owned(), multi_tenant: true, ..place() };
        let wishes = Wishes { ews: true, application: true, ..Wishes::default() };
        let texts = texts(&place, &wishes);
        for script in [&texts.azure_cli, &texts.powershell] {
            for permission in &texts.permissions {
                assert_eq!(script.matches(permission.id).count(), 1, "{}: {script}", permission.name);
            }
            for part in
                [GRAPH, EXCHANGE, "AzureADMultipleOrgs", "https://postroom.example.com/oauth/callback"]
            {
                assert!(script.contains(part), "{part}: {script}");
            }
        }
        assert!(texts.azure_cli.contains(r"'Bob'\''s ’$(reboot)` rm'"), "{}", texts.azure_cli);
        assert!(texts.powershell.contains("'Bob''s ’’$(reboot)` rm'"), "{}", texts.powershell);
        let begin = texts.azure_cli.find("JSON'\n").expect("a manifest") + 6;
        let end = texts.azure_cli.rfind("\nJSON").expect("its end");
        let manifest: serde_json::Value = serde_json::from_str(&texts.azure_cli[begin..end]).expect("JSON");
        assert_eq!(manifest[1]["resourceAccess"][1]["type"], "Role", "{manifest}");
    }

    /// Promise: consent links name the endpoint's tenant, one API each, and `.default` where the app itself is to be let in.
    #[test]
    fn consent_links_are_those_of_the_endpoint() {
        let wishes = Wishes { shared: true, ..Wishes::default() };
        let links = texts(&place(), &wishes).consent_links;
        assert_eq!(links.len(), 1, "{links:?}");
        let url = Url::parse(&links[0].url).expect("an address");
        assert_eq!(url.path(), "/contoso.com/v2.0/adminconsent");
        let scope = url.query_pairs().find(|(name, _)| name == "scope").expect("a scope").1.into_owned();
        assert_eq!(
            scope
                .split(' ')
                .map(|one| one.strip_prefix("https://graph.microsoft.com/").expect("of Graph"))
                .collect::<Vec<_>>(),
            ["User.Read", "Mail.ReadWrite", "Mail.ReadWrite.Shared", "Mail.Send", "Mail.Send.Shared"]
        );
        let all = Wishes { ews: true, application: true, ..Wishes::default() };
        let anywhere = Where { tenant: None, ..place() };
        let links = texts(&anywhere, &all).consent_links;
        assert_eq!(links.len(), 2, "{links:?}");
        assert!(
            links.iter().all(|link| link.url.contains("organizations") && link.url.contains("%2F.default")),
            "{links:?}"
        );
        assert!(texts(&Where { client_id: None, ..place() }, &all).consent_links.is_empty());
    }

    /// Promise: the fence names each mailbox, the roles of what is wished, and how it is proven.
    #[test]
    fn the_fence_names_each_mailbox() {
        let wishes = Wishes {
            application: true,
            mailboxes: read_mailboxes(
                "support@contoso.com, o'neil@contoso.com;\nsupport@contoso.com nonsense x@\"y.z",
            ),
            ..Wishes::default()
        };
        assert_eq!(wishes.mailboxes, ["support@contoso.com", "o'neil@contoso.com"]);
        let texts = texts(&Where { cloud: Cloud::Dod, ..place() }, &wishes);
        let fence = texts.fence.expect("a fence");
        for part in [
            "O365USGovDoD",
            "Application Mail.ReadWrite",
            "Application Mail.Send",
            "'PrimarySmtpAddress -eq ''support@contoso.com'' -or PrimarySmtpAddress -eq ''o''''neil@contoso.com'''",
            "Test-ServicePrincipalAuthorization",
        ] {
            assert!(fence.contains(part), "{part}: {fence}");
        }
        assert!(texts.warnings.iter().any(|text| text.contains("add up")), "{:?}", texts.warnings);
        assert!(texts.permissions.iter().all(|one| one.kind == "delegated"));
    }

    /// Promise: a redirect URI that Entra would refuse is said before.
    #[test]
    fn a_redirect_uri_that_entra_refuses_is_said() {
        for (uri, is_wrong) in [
            ("https://postroom.example.com/oauth/callback", false),
            ("http://postroom.example.com/oauth/callback", true),
            ("http://localhost:8070/oauth/callback", true),
        ] {
            let url = Url::parse(uri).expect("an address");
            assert_eq!(redirect_uri_problem(&url).is_some(), is_wrong, "{uri}");
        }
    }
}
