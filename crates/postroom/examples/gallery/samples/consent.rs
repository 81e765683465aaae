//! App registration, approvals, sign-in links, codes and application permission.

use fault::Page;
use postroom::connections::cloud::Cloud;
use postroom::connections::consent::words::{Known, words};
use postroom::connections::enterprise::EnterpriseView;
use postroom::connections::pages::{
    AccountOfRegistration, ApplicationPage, ApprovalPage, ApprovedPage, CredentialFormPage, CredentialRow,
    DevicePage, LinkRow, LinksPage, OwnerDonePage, OwnerPage, RegistrationPage, RegistrationRow,
    RegistrationsPage, SetUpPage,
};
use postroom::connections::registration_set_up::{Where, Wishes, texts};
use postroom::web::components::{Action, Health, Icon};
use postroom::web::form::{Choice, Field, Fields};
use postroom::web::{Frame, Section, Theme};

use super::{Sample, ago, frame, on, password_reset, post, sample};

const CLIENT: &str = "6babcaad-604b-40ac-a9d7-9fd97c0b779f";
const LINK: &str =
    "https://login.microsoftonline.com/contoso.com/v2.0/adminconsent?client_id=6babcaad&scope=Mail.ReadWrite";

pub(crate) fn all(theme: Theme) -> Vec<Sample> {
    let rows = vec![RegistrationRow {
        href: "/registrations/1".into(),
        name: "Postroom".into(),
        client_id: CLIENT.into(),
        cloud: Cloud::Global.label(),
        tenants: "contoso.com".into(),
        accounts: 3,
        ends: Some(on(86_400 * 40)),
        credentials: 2,
        preferred: true,
        of_file: false,
    }];
    let list = |rows| RegistrationsPage {
        frame: frame(theme, Section::Registrations, "App registration"),
        rows,
        empty: RegistrationsPage::nothing(),
    };
    vec![
        sample("registrations", &list(rows)),
        sample("registrations-empty", &list(Vec::new())),
        sample("registration", &registration(theme)),
        sample("credential", &credential(theme)),
        sample("set-up", &set_up(theme, false)),
        sample("set-up-registered", &set_up(theme, true)),
        sample("approval", &approval(theme, "AADSTS90095", false)),
        sample("approval-given", &approval(theme, "AADSTS90094", true)),
        sample(
            "approval-thanks",
            &ApprovedPage {
                frame: Frame::outside("Thank you: the approval is given", theme),
                good: true,
                waiting: 1,
                said: String::new(),
                enterprise: Some(Action::leave("Its permissions in the portal", "https://portal.azure.com/")),
            },
        ),
        sample("sign-in-links", &links(theme)),
        sample("owner", &owner(theme)),
        sample(
            "owner-done",
            &OwnerDonePage {
                frame: Frame::outside("Done", theme),
                name: "support@contoso.com".into(),
                asked_by: "anna@contoso.com".into(),
            },
        ),
        sample("device-code", &device(theme, true)),
        sample("device-code-over", &device(theme, false)),
        sample("application", &application(theme)),
    ]
}

fn registration(theme: Theme) -> RegistrationPage {
    let credential = |kind, note: &str, over| CredentialRow {
        kind,
        note: note.into(),
        thumbprint: if kind == "Certificate" { "AB".repeat(32) } else { String::new() },
        since: Some(ago(-86_400 * 12)),
        ends: Some(on(if over { -3_600 } else { 86_400 * 300 })),
        over,
        tested: Some(ago(-60)),
        fault: over.then(password_reset),
        test: Some(post("Test", "/registrations/1/credentials/1/test")),
        remove: Some(
            post("Take out", "/registrations/1/credentials/1/remove").danger("Postroom forgets it."),
        ),
    };
    RegistrationPage {
        frame: frame(theme, Section::Registrations, "Postroom"),
        of_file: false,
        preferred: true,
        facts: vec![("Client id".into(), CLIENT.into()), ("Cloud".into(), Cloud::Global.label().into())],
        redirect_uri: "https://postroom.example.com/oauth/callback".into(),
        credentials: vec![
            credential("Certificate", "", false),
            credential("Client secret", "made by Anna", true),
        ],
        add: None,
        full: true,
        accounts: vec![AccountOfRegistration {
            href: "/accounts/1".into(),
            username: "support@contoso.com".into(),
            tenant: "contoso.com".into(),
            health: Health::Online,
            sources: 2,
            outbounds: 1,
            is_app: false,
        }],
        links: vec![Action::leave("Permissions in the portal", "https://portal.azure.com/")],
        enterprises: vec![EnterpriseView {
            name: "Postroom".into(),
            client_id: CLIENT.into(),
            object_id: String::new(),
            tenant: "fabrikam.com".into(),
            by: "admin@fabrikam.com".into(),
            permissions: Action::leave("Its permissions in the portal", "https://portal.azure.com/"),
        }],
        dangers: Vec::new(),
    }
}

fn credential(theme: Theme) -> CredentialFormPage {
    let mut fields = Fields::new(vec![
        Field::radio("kind", "Kind", vec![Choice::new("secret", "Client secret")]).value("secret"),
        Field::secret("secret", "Secret's value"),
        Field::text("certificate", "Certificate (PEM)").optional().hint("With -----BEGIN CERTIFICATE-----."),
        Field::secret_text("key", "Its private key (PEM)").optional(),
    ]);
    fields.fail("certificate", "There is no certificate in the text.");
    CredentialFormPage {
        frame: frame(theme, Section::Registrations, "Add a credential"),
        action: "/registrations/1/credentials/new".into(),
        back: "/registrations/1".into(),
        registration: "Postroom".into(),
        fields,
    }
}

fn set_up(theme: Theme, is_there: bool) -> SetUpPage {
    let url = |text: &str| text.parse().expect("an address");
    let wishes = Wishes {
        application: true,
        mailboxes: vec!["support@contoso.com".into()],
        ews: !is_there,
        ..Wishes::default()
    };
    let place = Where {
        cloud: Cloud::Global,
        login_url: url(Cloud::Global.login()),
        graph_url: url(Cloud::Global.graph()),
        ews_url: None,
        multi_tenant: true,
        name: "Postroom".into(),
        redirect_uri: url("http://localhost:8070/oauth/callback"),
        client_id: is_there.then(|| CLIENT.into()),
        tenant: None,
        state: None,
    };
    SetUpPage {
        frame: frame(theme, Section::Registrations, "Set up Postroom in Entra"),
        registration: is_there.then(|| ("1".into(), "Postroom".into())),
        credentials: is_there.then(|| Page::AppCredentials.address(Cloud::Global, Some(CLIENT))),
        permissions_page: is_there.then(|| Page::AppPermissions.address(Cloud::Global, Some(CLIENT))),
        wishes: Fields::new(vec![Field::tick("read", "Read mail").value("on").hint("Message Sources.")]),
        kind: if is_there { Fields::default() } else { Fields::new(vec![Field::line("name", "Name")]) },
        multi_tenant: true,
        texts: Some(texts(&place, &wishes)),
    }
}

fn approval(theme: Theme, code: &str, approved: bool) -> ApprovalPage {
    let asked = vec!["read this mailbox and mark its mail (Mail.ReadWrite)".to_owned()];
    let said = words(&Known {
        code,
        who: "support@contoso.com",
        client_id: CLIENT,
        link: LINK,
        asked: &asked,
        is_watched: true,
        asked_by: "anna@contoso.com",
    });
    ApprovalPage {
        list: ("/sources", "Message Sources"),
        frame: frame(theme, Section::Sources, "An administrator has to approve"),
        code: code.into(),
        approved,
        sign_in_ended: false,
        is_over: approved,
        since: ago(-3_600),
        watched: Some(ago(-20)),
        next_look: Some(ago(40)),
        returned: None,
        asked,
        requests: Page::ConsentRequests.address(Cloud::Global, None),
        mailto: said.mailto(),
        said,
        link: LINK.into(),
        next: approved.then(|| Action::go("Choose folder and project", "/sources/new?account=1").primary()),
        again: Some(post("Sign in again", "/accounts/1/sign-in")),
        give_up: Some(post("Give up", "/approvals/1/give-up").danger("Postroom no longer looks.")),
    }
}

fn links(theme: Theme) -> LinksPage {
    LinksPage {
        frame: frame(theme, Section::Sources, "Let a mailbox's owner sign in"),
        list: ("/sources", "Message Sources"),
        action: "/sign-in-links/new".into(),
        fields: Fields::new(vec![Field::email("mailbox", "Mailbox").optional()]),
        rows: vec![LinkRow {
            mailbox: "support@contoso.com".into(),
            purpose: "to read it",
            asked_by: "anna@contoso.com".into(),
            reason: "The support mailbox".into(),
            made: ago(-600),
            ends: Some(ago(3_600)),
            state: "not opened yet".into(),
            at: None,
            revoke: Some(post("Take back", "/sign-in-links/1/revoke").danger("The link stops working.")),
        }],
        may_make: true,
    }
}

fn owner(theme: Theme) -> OwnerPage {
    OwnerPage {
        frame: Frame { csrf: "00".repeat(64), ..Frame::outside("Connect your mailbox", theme) },
        token: "00".repeat(32),
        sends: false,
        mailbox: "support@contoso.com".into(),
        asked_by: "anna@contoso.com".into(),
        reason: "The support mailbox".into(),
        asked: vec!["read this mailbox and mark its mail (Mail.ReadWrite)".into()],
        until: on(86_400),
        icon: Icon::Grid,
    }
}

fn device(theme: Theme, waits: bool) -> DevicePage {
    DevicePage {
        frame: frame(theme, Section::Sources, "Enter this code"),
        list: ("/sources", "Message Sources"),
        waits,
        address: "https://microsoft.com/devicelogin".into(),
        code: "ABCD-EFGH".into(),
        copy: Action::copy("Copy the code", "ABCD-EFGH"),
        open: Action::leave("Open Microsoft's page", "https://microsoft.com/devicelogin").primary(),
        until: ago(800),
        fault: (!waits).then(password_reset),
        approval: (!waits).then(|| Action::go("What the administrator has to do", "/approvals/1").primary()),
        username: String::new(),
        next: None,
        again: Some(post("Get a new code", "/device-sign-ins")),
    }
}

fn application(theme: Theme) -> ApplicationPage {
    ApplicationPage {
        frame: frame(theme, Section::Sources, "Postroom (application)"),
        list: ("/sources", "Message Sources"),
        tenant: "9f8c2b1e-6f0a-4c57-9d3b-1f1c8a5e7d20".into(),
        client_id: CLIENT.into(),
        mailboxes: vec!["support@contoso.com".into()],
        control: "ceo@contoso.com".into(),
        said: "The fence holds: a mailbox outside it was refused.",
        good: true,
        checked: Some(ago(-120)),
        cached_until: Some(on(7_080)),
        ping: None,
        set_up: Action::go("The commands for the fence", "/registrations/set-up"),
        next: vec![
            Action::go("Choose mailbox, folder and project", "/sources/new?account=1").primary(),
            Action::go("Choose the mailbox to send from", "/outbounds/new?account=1"),
        ],
        fields: Some(Fields::new(vec![Field::text("mailboxes", "Mailboxes").value("support@contoso.com")])),
        action: "/applications/1/mailboxes".into(),
    }
}
