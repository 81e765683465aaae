//! The commands that fence an application to named mailboxes (RBAC for Applications).

use std::fmt::Write as _;

use super::scripts::{one_line, ps};
use super::{Where, Wishes};

/// What Exchange's scope is called.
const SCOPE: &str = "Postroom mailboxes";

/// Exchange's roles for what is wished.
fn roles(wishes: &Wishes) -> Vec<&'static str> {
    let mail = wishes.read || wishes.send;
    [
        ("Application Mail.ReadWrite", wishes.graph && mail),
        ("Application Mail.Send", wishes.graph && wishes.send),
        ("Application EWS.AccessAsApp", wishes.ews && mail),
    ]
    .into_iter()
    .filter_map(|(role, is_wished)| is_wished.then_some(role))
    .collect()
}

/// The commands that fence an application to named mailboxes (RBAC for Applications), and the one that changes the mailboxes later: a
/// scope of the same name cannot be made a second time.
pub fn fence(place: &Where, wishes: &Wishes) -> String {
    let client_id = place.client_id.as_deref().unwrap_or("<client id>");
    let filter: Vec<String> = wishes
        .mailboxes
        .iter()
        .map(|address| format!("PrimarySmtpAddress -eq '{}'", address.replace('\'', "''")))
        .collect();
    let filter = ps(&filter.join(" -or "));
    let (client, name) = (ps(client_id), ps(&one_line(&place.name)));
    let mut text = format!(
        "Connect-MgGraph -Environment {graph} -Scopes 'Application.Read.All'\n\
         $object = (Get-MgServicePrincipal -Filter \"appId eq '{client_id}'\").Id\n\
         Connect-ExchangeOnline -ExchangeEnvironmentName {exchange}\n\
         New-ServicePrincipal -AppId {client} -ObjectId $object -DisplayName {name}\n\
         New-ManagementScope -Name '{SCOPE}' -RecipientRestrictionFilter {filter}\n",
        graph = place.cloud.graph_environment(),
        exchange = place.cloud.exchange_environment(),
        filter = filter,
    );
    for role in roles(wishes) {
        let _ = writeln!(
            text,
            "New-ManagementRoleAssignment -App {client} -Role '{role}' -CustomResourceScope '{SCOPE}'"
        );
    }
    text.push_str("# Each of these says InScope True:\n");
    for address in &wishes.mailboxes {
        let _ =
            writeln!(text, "Test-ServicePrincipalAuthorization -Identity {client} -Resource {}", ps(address));
    }
    text.push_str("# And a mailbox outside says InScope False.\n");
    let _ = write!(
        text,
        "# Later, for other mailboxes than before, this line alone in place of all above but Connect-ExchangeOnline:\n\
         # Set-ManagementScope -Identity '{SCOPE}' -RecipientRestrictionFilter {filter}\n"
    );
    text
}

/// A word among the mailboxes that is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is no address: write each mailbox as name@company.com, separated by commas, spaces or lines.")]
pub struct NoMailbox(String);

/// Mailboxes as they are typed: separated by commas, spaces or lines. One that is left out would be kept outside the fence, so a word
/// that is no address is told.
pub fn read_mailboxes(text: &str) -> Result<Vec<String>, NoMailbox> {
    let mut all: Vec<String> = Vec::new();
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'));
    for word in words.filter(|word| !word.is_empty()) {
        let is_address = word.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty() && domain.contains('.') && !word.contains(['"', '\\', '<', '>', '`', '$'])
        });
        if !is_address {
            return Err(NoMailbox(word.chars().filter(|c| !c.is_control()).take(100).collect()));
        }
        if !all.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            all.push(word.to_owned());
        }
    }
    Ok(all)
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
            mailboxes: read_mailboxes("support@contoso.com, o'neil@contoso.com;\nsupport@contoso.com")
                .expect("addresses"),
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
            // The scope is made once, and changed from then on.
            "# Set-ManagementScope -Identity 'Postroom mailboxes' -RecipientRestrictionFilter 'PrimarySmtpAddress -eq ''support@",
        ] {
            assert!(fence.contains(part), "{part}: {fence}");
        }
        assert!(texts.warnings.iter().any(|text| text.contains("add up")), "{:?}", texts.warnings);
        assert!(texts.permissions.iter().all(|one| one.kind == "delegated"));
        assert!(!fence.contains("EWS.AccessAsApp"), "{fence}");
        let both = super::fence(&place(), &Wishes { ews: true, send: false, ..wishes.clone() });
        assert!(both.contains("Application EWS.AccessAsApp") && both.contains("Application Mail.ReadWrite"));
        let ews = super::fence(&place(), &Wishes { ews: true, graph: false, ..wishes });
        assert!(ews.contains("Application EWS.AccessAsApp") && !ews.contains("Application Mail."), "{ews}");
    }

    /// Promise: a word that is no address is named, whatever stands beside it: a mailbox that is left out silently would not be reached.
    #[test]
    fn a_word_that_is_no_address_is_named() {
        for wrong in ["support@contoso", "support.contoso.com", "x@\"y.z", "@contoso.com", "a@b.$(c)"] {
            let told = read_mailboxes(&format!("a@contoso.com, {wrong}; b@contoso.com")).expect_err(wrong);
            assert!(told.to_string().contains(wrong), "{told}");
        }
        assert_eq!(read_mailboxes(" ,;\n"), Ok(Vec::new()));
    }
}
