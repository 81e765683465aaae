//! The form's fields, filled in with what was posted and what is offered.

use super::{About, Posted, folder_tree};
use crate::connections::offer::Offer;
use crate::connections::pages::ConfirmPage;
use crate::connections::routes::time;
use crate::connections::{start_counts, start_day};
use crate::web::form::{Choice, Field, Fields};
use crate::web::tree::{Branch, Twigs};

/// The form's four parts.
pub(super) struct Filled {
    pub(super) from: Fields,
    pub(super) start: Fields,
    pub(super) to: Fields,
    pub(super) after: Fields,
}

impl Filled {
    pub(super) fn fail(&mut self, name: &str, error: impl Into<String>) {
        let part = match name {
            "mailbox" | "folder" | "folder_path" => &mut self.from,
            "start" | "since" | "zone" => &mut self.start,
            "project" | "issue_type" | "profile" => &mut self.to,
            _ => &mut self.after,
        };
        part.fail(name, error);
    }

    pub(super) fn failed(&self) -> bool {
        [&self.from, &self.start, &self.to, &self.after].into_iter().any(Fields::failed)
    }
}

pub(super) fn fill(about: &About, posted: &Posted, offer: &Offer) -> Filled {
    let mut filled = Filled {
        from: Fields::new(from_fields(about, posted, offer)),
        start: Fields::new(start_fields(about, posted, offer)),
        to: Fields::new(vec![
            Field::select("project", "Project", offer.project_choices()).value(offer.chosen_value()),
            Field::select("issue_type", "Issue type", offer.type_choices()).value(
                offer.type_named(&posted.issue_type).map_or_else(String::new, |kind| kind.name.clone()),
            ),
            Field::select("profile", "Profile", offer.profile_choices())
                .optional()
                .value(&posted.profile)
                .hint("Its rules may choose another project, type and fields, ignore mail or hold it."),
        ]),
        after: Fields::new(after_fields(about, posted)),
    };
    if let Err(fault) = &offer.folders {
        let what = if offer.reading.is_own { "The mailbox" } else { "This mailbox" };
        filled.fail("mailbox", format!("{what} cannot be opened: {}", fault.told()));
    }
    if let Some(problem) = &offer.project_problem {
        filled.fail("project", problem.clone());
    }
    if let Some(Err(fault)) = &offer.types {
        filled.fail("issue_type", format!("Its issue types cannot be read: {}", fault.sentence()));
    }
    filled
}

fn after_fields(about: &About, posted: &Posted) -> Vec<Field> {
    let mut fields = vec![
        Field::radio("handled", "Handled mail", ConfirmPage::handled_choices()).value(&posted.handled),
        ConfirmPage::handled_target().value(&posted.handled_target),
    ];
    if about.change.is_none() {
        fields.push(
            Field::tick("shadow", "Begin in shadow mode")
                .value(if posted.shadow == "on" { "on" } else { "" })
                .hint("Mail is read and decided, and nothing is written to Jira or the mailbox, until you end it. What is read meanwhile is not handled later."),
        );
    }
    fields
}

fn from_fields(about: &About, posted: &Posted, offer: &Offer) -> Vec<Field> {
    if let Some(source) = &about.change {
        let only = |value: &str, label: &str| vec![Choice::new(value, label)];
        return vec![
            Field::select("mailbox", "Mailbox", only(&source.mailbox, &source.mailbox))
                .value(&source.mailbox),
            Field::select("folder", "Folder", only(&source.folder_id, &source.folder_name))
                .value(&source.folder_id)
                .hint("Another folder is another source."),
        ];
    }
    let chosen = offer.chosen_folder.as_ref().map(|folder| &folder.id);
    let tree = match &offer.folders {
        Ok(folders) => folder_tree::tree(folders, chosen),
        Err(_) => {
            let inbox = Branch { value: "inbox".to_owned(), label: "Inbox".to_owned(), ..Branch::default() };
            Twigs { shown: vec![inbox], more: 0 }
        }
    };
    let folder = Field::tree("folder", "Folder", tree)
        .value(offer.chosen_folder.as_ref().map_or("inbox", folder_tree::value))
        .hint("Folders inside it are not read with it: each is a source of its own.");
    let path = Field::line("folder_path", "Or its path")
        .optional()
        .value(&posted.folder_path)
        .placeholder("Inbox/Invoices")
        .hint("Names from the top with / between them. What stands here goes before the choice above.");
    if let Some(first) = about.mailboxes.first() {
        let choices = about.mailboxes.iter().map(|own| Choice::new(own, own)).collect();
        return vec![
            Field::select("mailbox", "Mailbox", choices)
                .value(if posted.mailbox.is_empty() { first } else { &posted.mailbox })
                .hint("Those that the application may be used for. With another one, choose it and press Show its folders."),
            folder,
            path,
        ];
    }
    vec![
        Field::email("mailbox", "Mailbox")
            .value(if posted.mailbox.is_empty() { &about.account.username } else { &posted.mailbox })
            .proposals(about.known.clone())
            .hint(format!(
                "{}, or the address of a shared mailbox that it has full access to: then press Show its folders.",
                about.account.username
            )),
        folder,
        path,
    ]
}

fn start_fields(about: &About, posted: &Posted, offer: &Offer) -> Vec<Field> {
    if let Some(source) = &about.change {
        let words = match source.start_kind.as_str() {
            "everything" => "Everything".to_owned(),
            "since" => format!("Mail since {}", start_day::moment(time(source.start_at), &source.start_zone)),
            _ => format!(
                "Mail that came after {}",
                start_day::moment(time(source.start_at), &source.start_zone)
            ),
        };
        return vec![
            Field::select("start", "Starts with", vec![Choice::new(&source.start_kind, words)])
                .value(&source.start_kind)
                .hint("It stays as it was confirmed: the mail before it has its end already."),
        ];
    }
    let lying = offer.chosen_folder.as_ref().map(|folder| folder.total);
    vec![
        Field::radio("start", "Start with", ConfirmPage::start_choices(lying)).value(&posted.start),
        Field::date("since", "Since").optional().value(&posted.since).hint(format!(
            "For the second choice. {}{}",
            begins(posted),
            start_counts::in_words(offer.counts.as_ref())
        )),
        Field::line("zone", "Time zone of that day")
            .optional()
            .value(&posted.zone)
            .placeholder("Europe/Berlin")
            .hint("Its name in the time zone database, such as Europe/Berlin."),
    ]
}

/// Where the day that was written begins.
fn begins(posted: &Posted) -> String {
    let at = start_day::zone(&posted.zone)
        .and_then(|(name, zone)| Some((start_day::midnight(&posted.since, &zone)?, name)));
    match at {
        Some((at, name)) => format!("It begins {}.", start_day::moment(at, &name)),
        None => "It begins at midnight in the time zone below.".to_owned(),
    }
}
