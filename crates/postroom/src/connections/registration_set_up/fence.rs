//! The commands that fence an application to named mailboxes (RBAC for Applications).

use std::fmt::Write as _;

use super::scripts::{one_line, ps};
use super::{Where, Wishes};

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
    use super::super::tests::place;
    use super::super::texts;
    use super::*;
    use crate::connections::cloud::Cloud;

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
}
