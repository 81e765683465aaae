//! Where a fault happened: cloud, app, mailbox. With it an entry's page is the one in the right portal, and its command has the
//! names in it that stand for one's own values.

use serde::{Deserialize, Serialize};

use crate::entra::registration::OTHER_CLOUD;
use crate::{Cloud, Entry, Extra, Fault, Page, PageLink};

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
    /// As it happened at a place. The first place that is told stays; a fault that is mended without a page of Microsoft's takes none.
    #[must_use]
    pub fn at(mut self, place: &Place) -> Self {
        let has_password = self.extra.as_ref().is_some_and(|extra| extra.password_change_url.is_some());
        let is_needed = has_password
            || self.entry.page.is_some()
            || self.entry.command.is_some()
            || self.entry.id == OTHER_CLOUD.id;
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

    /// The same where there may be several: of a tenant that lives in another cloud nobody knows in which, so there is the form for a new
    /// app in the portal of each of the others.
    pub fn pages(&self) -> Vec<PageLink> {
        if self.entry.id != OTHER_CLOUD.id {
            return self.page().into_iter().collect();
        }
        let form = Page::NewAppRegistration;
        let others = self.place().into_iter().flat_map(|place| place.cloud.others());
        others
            .map(|(cloud, region)| PageLink {
                title: format!("{} ({region})", form.title()),
                address: form.address(cloud, None),
            })
            .collect()
    }

    /// The page on which Microsoft has the password changed, where its answer names one. Only a page of Microsoft's own, in the cloud
    /// that it happened in, is passed on: whoever follows the link types a password there.
    pub fn password_page(&self) -> Option<PageLink> {
        let address = self.extra.as_ref()?.password_change_url.as_deref()?;
        self.place()?
            .cloud
            .is_microsofts(address)
            .then(|| PageLink { title: "Change the password".to_owned(), address: address.to_owned() })
    }

    /// The command that mends or examines it, with what is known put in.
    pub fn command(&self) -> Option<String> {
        self.entry.command_at(self.place().unwrap_or(&Place::default()))
    }

    /// All that a text can tell: [`Fault::sentence`], the pages with their addresses, the command.
    pub fn told(&self) -> String {
        let line = |page: PageLink| format!("{}: {}", page.title, page.address);
        let pages = self.password_page().into_iter().chain(self.pages()).map(line);
        let command = self.command().map(|command| format!("Command: {command}"));
        std::iter::once(self.sentence()).chain(pages).chain(command).collect::<Vec<_>>().join(" ")
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

    /// Promise: where the tenant lives in another cloud, each portal in which it may be is offered, and the one that refused is not.
    #[test]
    fn a_tenant_of_another_cloud_is_looked_for_in_the_others() {
        let fault =
            || Fault::entra(&EntraError { status: 400, error_codes: vec![900_432], ..EntraError::default() });
        assert!(fault().pages().is_empty(), "nobody knows which clouds are the others");
        let (world, us, china) =
            ("https://portal.azure.com/", "https://portal.azure.us/", "https://portal.azure.cn/");
        for (cloud, others) in [
            (Cloud::Global, [us, china]),
            (Cloud::Custom, [us, china]),
            (Cloud::GccHigh, [world, china]),
            (Cloud::Dod, [world, china]),
            (Cloud::China, [world, us]),
        ] {
            let fault = Fault::from_record(fault().at(&place(cloud)).to_record());
            let pages = fault.pages();
            assert_eq!(pages.len(), 2, "{cloud:?}: {pages:?}");
            for (page, other) in pages.iter().zip(others) {
                assert!(page.address.starts_with(other), "{cloud:?}: {page:?}");
                assert!(page.address.ends_with("/CreateApplicationBlade"), "{page:?}");
                assert!(fault.told().contains(&format!("{}: {}", page.title, page.address)));
            }
            assert_eq!(fault.page(), None, "none of them is the one");
        }
        let one = Fault::own("own.fence", "").at(&place(Cloud::Global));
        assert_eq!(one.pages(), one.page().into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn what_no_portal_mends_takes_no_place() {
        let fault = Fault::own("own.store", "").at(&place(Cloud::China));
        assert_eq!((fault.extra.as_ref(), fault.page(), fault.command()), (None, None, None));
        assert_eq!(fault.told(), fault.sentence());
    }

    /// Promise: a link to change a password leads to Microsoft, in the cloud of the account, or is not shown at all.
    #[test]
    fn a_password_is_changed_at_microsoft_and_nowhere_else() {
        let of = |url: &str| {
            Fault::entra(&EntraError {
                status: 400,
                error_codes: vec![50_055],
                password_change_url: Some(url.to_owned()),
                ..EntraError::default()
            })
        };
        let at = |url: &str, cloud| of(url).at(&place(cloud)).password_page();
        for (url, cloud) in [
            ("https://portal.microsoftonline.com/ChangePassword.aspx?a=b", Cloud::Global),
            ("https://account.activedirectory.windowsazure.com/ChangePassword.aspx", Cloud::Global),
            ("https://mysignins.microsoft.com/", Cloud::Custom),
            ("https://passwordreset.microsoftonline.us", Cloud::GccHigh),
            ("https://account.activedirectory.windowsazure.us/x", Cloud::Dod),
            ("https://portal.partner.microsoftonline.cn/ChangePassword.aspx", Cloud::China),
        ] {
            let page = at(url, cloud).unwrap_or_else(|| panic!("{url} in {cloud:?}"));
            assert_eq!((page.title.as_str(), page.address.as_str()), ("Change the password", url));
        }
        for (url, cloud) in [
            ("https://portal.microsoftonline.com/x", Cloud::China),
            ("https://portal.partner.microsoftonline.cn/x", Cloud::Global),
            ("https://adfs.contoso.test/portal/updatepassword", Cloud::Global),
            ("https://microsoftonline.com.evil.test/", Cloud::Global),
            ("https://evilmicrosoft.com/", Cloud::Global),
            ("https://evil.test\\@portal.microsoftonline.com/", Cloud::Global),
            ("https://portal.microsoftonline.com@evil.test/", Cloud::Global),
            ("https://portal.microsoftonline.com:8443/", Cloud::Global),
            ("http://portal.microsoftonline.com/", Cloud::Global),
            ("https://", Cloud::Global),
        ] {
            assert_eq!(at(url, cloud), None, "{url} in {cloud:?}");
        }
        let fault = of("https://portal.microsoftonline.com/ChangePassword.aspx");
        assert_eq!(fault.password_page(), None, "nobody knows the cloud");
        let fault = fault.at(&place(Cloud::Global));
        assert!(
            fault.told().contains("Change the password: https://portal.microsoftonline.com/"),
            "{}",
            fault.told()
        );
        assert!(Fault::from_record(fault.to_record()).password_page().is_some(), "it survives storage");
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
