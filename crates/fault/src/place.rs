//! Where a fault happened: cloud, app, mailbox. With it an entry's page is the one in the right portal, and its command has the
//! names in it that stand for one's own values.

use serde::{Deserialize, Serialize};

use crate::{Cloud, Entry, Extra, Fault, PageLink};

/// Where a fault happened. Goes along with the fault from where it is met to where it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The cloud that the app is registered in.
    #[serde(default)]
    pub cloud: Cloud,
    /// The app's client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The mailbox, by its address or id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
    /// The person who is signed in; none where the application itself is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl Place {
    /// With a mailbox.
    #[must_use]
    pub fn with_mailbox(self, mailbox: &str) -> Self {
        Self { mailbox: Some(mailbox.to_owned()), ..self }
    }
}

impl Entry {
    /// Its page in the portal of a place's cloud.
    pub fn page_at(&self, place: &Place) -> Option<PageLink> {
        Some(self.page?.link(place.cloud, place.client_id.as_deref()))
    }

    /// Its command, with what is known of the place put in. What would not be a plain word there is left as it stands. Exchange's
    /// commands begin with the connection where a cloud needs one of its own.
    pub fn command_at(&self, place: &Place) -> Option<String> {
        let is_plain = |text: &&str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "@.-_+".contains(c))
        };
        let of_person = self.command_of_person.filter(|_| place.account.is_some());
        let command = of_person.or(self.command)?;
        let mut text = command.to_owned();
        let known =
            [("MAILBOX", &place.mailbox), ("CLIENT_ID", &place.client_id), ("ACCOUNT", &place.account)];
        for (name, value) in known {
            if let Some(value) = value.as_deref().filter(is_plain) {
                text = text.replace(name, value);
            }
        }
        let is_national = matches!(place.cloud, Cloud::GccHigh | Cloud::Dod | Cloud::China);
        if is_national && is_of_exchange(command) {
            let environment = place.cloud.exchange_environment();
            text = format!("Connect-ExchangeOnline -ExchangeEnvironmentName {environment}; {text}");
        }
        Some(text)
    }
}

/// Whether a command is one of Exchange Online PowerShell: a verb, a dash and a noun.
fn is_of_exchange(command: &str) -> bool {
    ["Get-", "Set-", "New-", "Add-", "Test-"].iter().any(|verb| command.starts_with(verb))
}

impl Fault {
    /// As it happened at a place. The first place that is told stays; a fault that is mended without a portal takes none.
    #[must_use]
    pub fn at(mut self, place: &Place) -> Self {
        let is_needed = self.entry.page.is_some() || self.entry.command.is_some();
        if is_needed && self.place().is_none() {
            let extra = self.extra.get_or_insert_with(|| Box::new(Extra::default()));
            extra.place = Some(place.clone());
        }
        self
    }

    /// Where it happened, if that is known.
    pub fn place(&self) -> Option<&Place> {
        self.extra.as_ref()?.place.as_ref()
    }

    /// The portal's page on which it is mended. None where the entry has none, or nobody knows in which cloud it happened: a page
    /// of another one would lead astray.
    pub fn page(&self) -> Option<PageLink> {
        self.entry.page_at(self.place()?)
    }

    /// The command that mends or examines it, with what is known put in.
    pub fn command(&self) -> Option<String> {
        self.entry.command_at(self.place().unwrap_or(&Place::default()))
    }

    /// All that a text can tell: [`Fault::sentence`], the page with its address, the command.
    pub fn told(&self) -> String {
        let page = self.page().map(|page| format!("{}: {}", page.title, page.address));
        let command = self.command().map(|command| format!("Command: {command}"));
        [Some(self.sentence()), page, command].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EntraError, entry};

    fn place(cloud: Cloud) -> Place {
        Place { cloud, client_id: Some("11111111-2222".to_owned()), ..Place::default() }
    }

    #[test]
    fn a_fault_leads_to_the_portal_of_the_cloud_that_it_happened_in() {
        let fault = || {
            Fault::entra(&EntraError { status: 401, error_codes: vec![7_000_222], ..EntraError::default() })
        };
        assert_eq!(fault().page(), None, "a page of a cloud that is not known leads astray");
        for (cloud, portal) in [
            (Cloud::Global, "https://portal.azure.com/"),
            (Cloud::GccHigh, "https://portal.azure.us/"),
            (Cloud::Dod, "https://portal.azure.us/"),
            (Cloud::China, "https://portal.azure.cn/"),
        ] {
            let fault = fault().at(&place(cloud)).at(&Place::default());
            let page = fault.page().expect("a page");
            assert!(page.address.starts_with(portal), "{page:?}");
            assert!(page.address.ends_with("~/Credentials/appId/11111111-2222"), "{page:?}");
            assert_eq!(Fault::from_record(fault.to_record()).page(), Some(page), "and survives storage");
        }
    }

    #[test]
    fn what_no_portal_mends_takes_no_place() {
        let fault = Fault::own("own.store", "").at(&place(Cloud::China));
        assert_eq!((fault.extra.as_ref(), fault.page(), fault.command()), (None, None, None));
        assert_eq!(fault.told(), fault.sentence());
    }

    #[test]
    fn a_command_is_filled_in_with_plain_words_only() {
        let entry = entry("ews.disabled").expect("there");
        let at =
            |mailbox: &str, cloud| entry.command_at(&place(cloud).with_mailbox(mailbox)).expect("a command");
        let filled = at("anna@contoso.com", Cloud::Global);
        assert!(filled.starts_with("Set-OrganizationConfig"), "{filled}");
        assert!(filled.contains("Set-CASMailbox -Identity anna@contoso.com -EwsEnabled $true"), "{filled}");
        for hostile in ["a; Remove-Mailbox b", "$(x)", "", "a b", "a'b"] {
            let filled = at(hostile, Cloud::Global);
            assert!(filled.contains("-Identity MAILBOX"), "{filled}");
        }
        let national = at("anna@contoso.us", Cloud::Dod);
        assert!(
            national.starts_with("Connect-ExchangeOnline -ExchangeEnvironmentName O365USGovDoD; Set-"),
            "{national}"
        );
        let clock = crate::entry("entra.clock").expect("there");
        assert_eq!(clock.command_at(&place(Cloud::Dod)).as_deref(), Some("timedatectl set-ntp true"));
    }

    #[test]
    fn a_person_and_an_application_are_let_in_by_commands_of_their_own() {
        let entry = entry("graph.access_denied").expect("there");
        let of_app = place(Cloud::Global).with_mailbox("billing@contoso.com");
        let of_person = Place { account: Some("anna@contoso.com".to_owned()), ..of_app.clone() };
        assert_eq!(
            entry.command_at(&of_app).as_deref(),
            Some("Test-ServicePrincipalAuthorization -Identity 11111111-2222 -Resource billing@contoso.com")
        );
        assert_eq!(
            entry.command_at(&of_person).as_deref(),
            Some(
                "Add-MailboxPermission -Identity billing@contoso.com -User anna@contoso.com -AccessRights FullAccess"
            )
        );
    }

    #[test]
    fn every_command_is_of_exchange_or_of_the_host() {
        for entry in crate::catalogue() {
            for command in entry.command.into_iter().chain(entry.command_of_person) {
                let is_known = is_of_exchange(command) || command.starts_with("timedatectl");
                assert!(is_known, "{}: {command}", entry.id);
            }
        }
    }

    #[test]
    fn what_is_told_as_a_text_names_page_and_command() {
        let fault = Fault::own("graph.no_licence", "").at(&place(Cloud::GccHigh).with_mailbox("a@b.us"));
        let text = fault.told();
        assert!(
            text.contains("https://portal.office365.us/") && text.contains("Get-Mailbox -Identity a@b.us"),
            "{text}"
        );
    }
}
