//! Setting up, signing in, settings.

use postroom::access::pages::{
    AuditPage, AuditRow, Invitation, NoLinkPage, SetUpPage, SettingsPage, SignInPage, UserRow,
};
use postroom::web::components::Pager;
use postroom::web::form::{Field, Fields};
use postroom::web::{Frame, Section, Theme};

use super::{Sample, ago, exact, frame, on, sample};

pub(crate) fn all(theme: Theme) -> Vec<Sample> {
    let outside = |title: &str| Frame { csrf: "00".repeat(64), ..Frame::outside(title, theme) };
    let mut wrong = sign_up();
    wrong.fail("email", "This is no address: write it as name@company.com.");
    wrong.fail("password", "It has 8 characters; 12 are the fewest.");
    let mut refused = sign_in();
    refused
        .fail("", "Address and password do not belong together. Check both; capitals count in the password.");
    vec![
        sample(
            "setup-no-link",
            &NoLinkPage {
                frame: outside("Postroom has no owner yet"),
                problem: String::new(),
                has_users: false,
            },
        ),
        sample(
            "setup-expired",
            &NoLinkPage {
                frame: outside("This link does not work"),
                problem: "This link has expired.".into(),
                has_users: true,
            },
        ),
        sample(
            "setup-form",
            &SetUpPage {
                frame: outside("Make the owner's account"),
                token: "x".into(),
                role: "owner",
                fields: sign_up(),
            },
        ),
        sample(
            "setup-wrong",
            &SetUpPage {
                frame: outside("Make your account"),
                token: "x".into(),
                role: "viewer",
                fields: wrong,
            },
        ),
        sample("sign-in", &SignInPage { frame: outside("Sign in"), next: "/".into(), fields: sign_in() }),
        sample(
            "sign-in-refused",
            &SignInPage { frame: outside("Sign in"), next: "/".into(), fields: refused },
        ),
        sample("settings", &settings(theme)),
        sample(
            "audit",
            &AuditPage {
                frame: frame(theme, Section::Settings, "Audit log"),
                rows: audit(),
                pager: Pager { older: Some("/settings/audit?before=1".into()), ..Pager::default() },
            },
        ),
    ]
}

fn sign_up() -> Fields {
    Fields::new(vec![
        Field::line("name", "Your name").value("Anna Berg"),
        Field::email("email", "Email").value("anna").hint("You sign in with it."),
        Field::secret("password", "Password").hint(
            "At least 12 characters; anything goes, also spaces. A password manager's or four unrelated words are good.",
        ),
    ])
}

fn sign_in() -> Fields {
    Fields::new(vec![
        Field::email("email", "Email").value("anna@contoso.com"),
        Field::secret("password", "Password"),
    ])
}

fn settings(theme: Theme) -> SettingsPage {
    let user = |name: &str, email: &str, role, last_seen, is_you| UserRow {
        name: name.into(),
        email: email.into(),
        role,
        last_seen,
        is_you,
        password_link: (!is_you)
            .then(|| super::post("Make a link for a new password", "/settings/password-link")),
    };
    SettingsPage {
        frame: frame(theme, Section::Settings, "Settings"),
        theme,
        password: Fields::new(vec![
            Field::secret("old", "Your password now"),
            Field::secret("new", "New password").hint("At least 12 characters; anything goes, also spaces."),
        ]),
        users: vec![
            user("Anna Berg", "anna@contoso.com", "owner", Some(ago(-30)), true),
            user(
                "Bartholomew Featherstonehaugh",
                "bartholomew.featherstonehaugh@subsidiary.contoso.com",
                "viewer",
                None,
                false,
            ),
        ],
        may_invite: true,
        invitation: Some(Invitation {
            link: format!("https://postroom.example.com/setup?token={}", "5e".repeat(32)),
            text: "Give this link to whom you invite as admin.".into(),
            until: on(86_400 * 7),
        }),
        audit: audit(),
    }
}

fn audit() -> Vec<AuditRow> {
    let row = |at, actor: &str, action: &str, object: &str, detail: &str| AuditRow {
        at: exact(at),
        actor: actor.into(),
        action: action.into(),
        object: object.into(),
        detail: detail.into(),
    };
    vec![
        row(-40, "anna@contoso.com", "invite user", "admin", "one-time link, 7 days"),
        row(
            -4_000,
            "anna@contoso.com",
            "confirm source",
            "support@contoso.com",
            "Inbox to SUP, Task, from now on; handled mail is marked as read",
        ),
        row(-90_000, "command line", "retry message", "0199f1c2-a3b4-7c5d-9e8f-7a6b5c4d3e2f", ""),
    ]
}
