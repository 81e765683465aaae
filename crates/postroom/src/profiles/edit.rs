//! The editor: rules with a past mail beside them, and the versions that were saved.
//!
//! Every answer to a change is the whole page; the script posts the form while somebody types (`do=try`) and puts the part that
//! says what would happen in the place of the old one.

use std::sync::Arc;

use axum::extract::{Form, Path, Query, State as Shared};
use axum::response::Response;
use http::StatusCode;
use rules::vocabulary::{FUNCTIONS, Kind, Name, VARIABLES};
use rules::{Profile, Refusal};
use serde::Deserialize;
use similar::{ChangeTag, TextDiff};
use uuid::Uuid;

use super::pages::{DiffLine, EditPage, Mistake, RuleLine, TriedView, VersionRow};
use super::save::{self, Aim};
use super::store::{self as rows, NewVersion, Row, Version};
use super::try_on::{self, CannotTry};
use crate::access::{Admin, Role, Viewer, audit};
use crate::connections::routes::{flash_to, moment};
use crate::connections::store::sources;
use crate::messages::opened;
use crate::messages::routes::State;
use crate::messages::store::{self as messages, Filter, Place, Whole};
use crate::web::form::Choice;
use crate::web::{self, Flash, Problem, Section};

/// Past mails to choose from.
const MAILS: u16 = 30;
/// Versions that are shown.
const VERSIONS: usize = 50;
/// Lines of a difference that are shown.
const LINES: usize = 2_000;

/// What a new profile begins with.
const BEGIN: &str = "\
# How the mail of a source is handled. Rules are asked in order; a later value takes the place of an earlier one,
# labels and components add up. `stop = true` ends the asking.
profile = \"support\"

[[rule]]
name = \"invoices\"
when = 'mail.subject.mentions(\"invoice\")'
labels = [\"invoice\"]
priority = \"High\"
";

/// `?mail=&compare=`
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    mail: String,
    #[serde(default)]
    compare: String,
}

/// What is posted.
#[derive(Debug, Default, Deserialize)]
pub struct Posted {
    #[serde(default)]
    document: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    seen: i64,
    #[serde(default)]
    mail: String,
    #[serde(default, rename = "do")]
    wanted: String,
}

/// `?version=` of the version to go back to, and `?seen=` of the one in use when it was asked.
#[derive(Debug, Deserialize)]
pub struct BackTo {
    version: i64,
    seen: i64,
}

/// What the page is about.
struct About<'a> {
    profile: Option<&'a Row>,
    versions: Vec<Version>,
    document: &'a str,
    note: &'a str,
    seen: i64,
    mail: &'a str,
    compare: &'a str,
    refusals: Vec<Refusal>,
    parsed: Option<&'a Profile>,
}

/// GET /profiles/new
pub async fn new(
    admin: Admin,
    Shared(state): Shared<State>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let parsed = Profile::parse(BEGIN);
    let about = About {
        profile: None,
        versions: Vec::new(),
        document: BEGIN,
        note: "",
        seen: 0,
        mail: &asked.mail,
        compare: "",
        refusals: Vec::new(),
        parsed: parsed.as_ref().ok(),
    };
    web::page(&page(&admin, &state, about).await?)
}

/// GET /profiles/{id}
pub async fn show(
    viewer: Viewer,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let profile = known(&viewer, &state, id).await?;
    let parsed = Profile::parse(&profile.document);
    let refusals = parsed.as_ref().err().cloned().unwrap_or_default();
    let about = About {
        versions: rows::versions(&state.connections.db, id).await?,
        document: &profile.document,
        note: "",
        seen: profile.version,
        mail: &asked.mail,
        compare: &asked.compare,
        refusals,
        parsed: parsed.as_ref().ok(),
        profile: Some(&profile),
    };
    web::page(&page(&viewer, &state, about).await?)
}

/// POST /profiles/new
pub async fn add(
    admin: Admin,
    Shared(state): Shared<State>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    take(&admin, &state, None, posted).await
}

/// POST /profiles/{id}
pub async fn change(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let profile = known(&admin, &state, id).await?;
    take(&admin, &state, Some(profile), posted).await
}

async fn take(
    admin: &Admin,
    state: &State,
    profile: Option<Row>,
    posted: Posted,
) -> Result<Response, Problem> {
    // A browser sends line ends as CR LF; columns and differences want them as they were.
    let document = posted.document.replace("\r\n", "\n");
    let parsed = Profile::parse(&document);
    let mut refusals = parsed.as_ref().err().cloned().unwrap_or_default();
    let saves = posted.wanted == "save";
    if let (Ok(parsed), true) = (&parsed, saves) {
        let aims = aims(admin, state, profile.as_ref()).await?;
        refusals = save::against_jira(&state.connections.profiles.projects, &aims, parsed).await;
        refusals.extend(taken(admin, state, profile.as_ref(), parsed).await?);
        if refusals.is_empty() {
            match keep(admin, state, profile.as_ref(), parsed, &document, &posted).await? {
                Some(saved) => return Ok(saved),
                None => refusals.push(Refusal {
                    line: 1,
                    column: 1,
                    what: "somebody else saved this profile meanwhile".to_owned(),
                    mend: "Open it anew in another window and bring your change in there".to_owned(),
                }),
            }
        }
    }
    let versions = match &profile {
        Some(profile) => rows::versions(&state.connections.db, profile.id).await?,
        None => Vec::new(),
    };
    let is_refused = saves && !refusals.is_empty();
    let about = About {
        profile: profile.as_ref(),
        versions,
        document: &document,
        note: &posted.note,
        seen: posted.seen,
        mail: &posted.mail,
        compare: "",
        refusals,
        parsed: parsed.as_ref().ok(),
    };
    let mut response = web::page(&page(admin, state, about).await?)?;
    if is_refused {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// The name of a profile is its own.
async fn taken(
    admin: &Admin,
    state: &State,
    profile: Option<&Row>,
    parsed: &Profile,
) -> Result<Option<Refusal>, Problem> {
    let name = parsed.name.trim();
    let all = rows::all(&state.connections.db, admin.workspace()).await?;
    let twin = all
        .iter()
        .any(|other| other.name.eq_ignore_ascii_case(name) && Some(other.id) != profile.map(|own| own.id));
    let what = if name.is_empty() || name.chars().count() > 100 {
        "the name of a profile has 1 to 100 letters".to_owned()
    } else if twin || name == "standard" {
        format!("there is a profile called `{name}` already")
    } else {
        return Ok(None);
    };
    Ok(Some(Refusal { line: 1, column: 1, what, mend: "Write another name after `profile =`".to_owned() }))
}

async fn keep(
    admin: &Admin,
    state: &State,
    profile: Option<&Row>,
    parsed: &Profile,
    document: &str,
    posted: &Posted,
) -> Result<Option<Response>, Problem> {
    let note: String = posted.note.trim().chars().take(300).collect();
    save_version(admin, state, profile, parsed.name.trim(), document, &note, posted.seen).await.map(|saved| {
        saved.map(|(id, version)| {
            let text = format!("{} is saved as version {version}; it counts for the next mail.", parsed.name);
            flash_to(admin, &Flash::done(text), &format!("/profiles/{id}"))
        })
    })
}

/// Stores a version; `None` where somebody else did meanwhile.
async fn save_version(
    admin: &Admin,
    state: &State,
    profile: Option<&Row>,
    name: &str,
    document: &str,
    note: &str,
    seen: i64,
) -> Result<Option<(Uuid, i64)>, Problem> {
    let connections = &state.connections;
    let new = NewVersion { document, author: &admin.user().email, note, now: connections.clock.now() };
    let mut tx = connections.db.begin().await?;
    let (id, version, what) = match profile {
        Some(profile) => {
            if !rows::add_version(&mut tx, profile.id, name, seen, new).await? {
                return Ok(None);
            }
            (profile.id, seen + 1, "change profile")
        }
        None => {
            let id = Uuid::now_v7();
            rows::insert(&mut tx, admin.workspace(), id, name, new).await?;
            (id, 1, "create profile")
        }
    };
    audit::record(&mut tx, &admin.actor(), what, name, &format!("version {version} {note}")).await?;
    tx.commit().await?;
    state.shell.bus.tell("profiles");
    Ok(Some((id, version)))
}

/// POST /profiles/{id}/back
pub async fn back(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Query(to): Query<BackTo>,
) -> Result<Response, Problem> {
    let profile = known(&admin, &state, id).await?;
    let versions = rows::versions(&state.connections.db, id).await?;
    let old = versions
        .into_iter()
        .find(|version| version.version == to.version)
        .ok_or_else(|| Problem::not_found("version"))?;
    let page = format!("/profiles/{id}");
    let Ok(parsed) = Profile::parse(&old.document) else {
        let text = "That version cannot be read any more: open it, mend it and save it anew.";
        return Ok(flash_to(&admin, &Flash::failed(text), &page));
    };
    let note = format!("back to version {}", to.version);
    let saved =
        save_version(&admin, &state, Some(&profile), parsed.name.trim(), &old.document, &note, to.seen)
            .await?;
    let flash = match saved {
        Some((_, version)) => Flash::done(format!(
            "{} is as it was in version {}: saved as version {version}.",
            parsed.name, to.version
        )),
        None => Flash::failed("Somebody else saved this profile meanwhile: look at it, then press again."),
    };
    Ok(flash_to(&admin, &flash, &page))
}

async fn known(viewer: &Viewer, state: &State, id: Uuid) -> Result<Row, Problem> {
    rows::one(&state.connections.db, viewer.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("profile"))
}

/// Where the mail of the profile's sources goes.
async fn aims(admin: &Admin, state: &State, profile: Option<&Row>) -> Result<Vec<Aim>, Problem> {
    let Some(profile) = profile else { return Ok(Vec::new()) };
    let mut aims = Vec::new();
    for source in sources::all_uncounted(&state.connections.db, admin.workspace()).await? {
        if source.profile_id != Some(profile.id) {
            continue;
        }
        // What cannot be reached now is looked at when mail comes.
        if let Ok(target) = state.connections.target_of(source.id).await {
            aims.push(Aim {
                source: target.origin.name,
                jira: target.destination.jira_connection,
                client: Arc::clone(&target.destination.client),
                project: target.issues.project_key,
                issue_type: target.issues.issue_type_name,
            });
        }
    }
    Ok(aims)
}

async fn page(viewer: &Viewer, state: &State, about: About<'_>) -> Result<EditPage, Problem> {
    let mails = mails(viewer, state).await?;
    let (mut tried, mut cannot) = (None, String::new());
    if let (Ok(id), Some(profile)) = (Uuid::parse_str(about.mail), about.parsed) {
        match try_on::message(state, viewer.workspace(), profile, id).await {
            Ok((message, found)) => {
                tried = Some(TriedView {
                    badge: found.end.badge(),
                    sentence: found.sentence,
                    happened: happened(&message),
                    fields: found.fields,
                    rules: found
                        .lines
                        .into_iter()
                        .map(|line| RuleLine { name: line.rule, matched: line.matched, why: line.why })
                        .collect(),
                });
            }
            Err(CannotTry::NotThere(why)) => cannot = why,
            Err(CannotTry::Fault(fault)) => cannot = fault.sentence(),
        }
    }
    let title = about.profile.map_or_else(|| "New profile".to_owned(), |profile| profile.name.clone());
    let compared = about.compare.parse::<i64>().ok();
    let may_save = viewer.may(Role::Admin);
    Ok(EditPage {
        frame: viewer.frame(Section::Profiles, title),
        action: about
            .profile
            .map_or_else(|| "/profiles/new".to_owned(), |own| format!("/profiles/{}", own.id)),
        seen: about.seen,
        document: about.document.to_owned(),
        note: about.note.to_owned(),
        may_save,
        is_good: about.refusals.is_empty() && about.parsed.is_some(),
        mistakes: about
            .refusals
            .into_iter()
            .take(50)
            .map(|refusal| Mistake {
                place: format!("line {}, column {}", refusal.line, refusal.column),
                mend: refusal.mend_sentence(),
                what: refusal.what,
            })
            .collect(),
        mails,
        mail: about.mail.to_owned(),
        tried,
        cannot,
        names: names(),
        difference: compared.map_or_else(Vec::new, |number| difference(&about.versions, number)),
        compared,
        versions: about
            .profile
            .map_or_else(Vec::new, |profile| version_rows(viewer, profile, about.versions, may_save)),
    })
}

/// The newest mails, as the choice shows them.
async fn mails(viewer: &Viewer, state: &State) -> Result<Vec<Choice>, Problem> {
    let db = &state.connections.db;
    let newest =
        messages::list_older(db, viewer.workspace(), (Filter::of_word(""), None), Place::NEWEST, MAILS)
            .await?;
    let mut choices = vec![Choice::new("", "choose one")];
    choices.extend(newest.into_iter().map(|row| {
        let summary = opened::summary(&state.ledger, row.id, &row.summary_sealed);
        let subject = if summary.subject.is_empty() { "(no subject)" } else { &summary.subject };
        let subject: String = subject.chars().take(70).collect();
        let when = moment(viewer, row.received_at).words;
        Choice::new(row.id.to_string(), format!("{subject} · {} · {when}", summary.from))
    }));
    Ok(choices)
}

/// What has become of a mail, in a sentence.
fn happened(message: &Whole) -> String {
    let key = message.issue_key.as_deref().unwrap_or("an issue");
    let by = message.ended_by.as_deref().unwrap_or("a rule");
    match (message.state.as_str(), message.ending.as_deref()) {
        ("ended", Some("issue")) => format!("It became {key}."),
        ("ended", Some("comment")) => format!("It became a comment on {key}."),
        ("ended", Some("ignored")) => format!("It was ignored by the rule {by}."),
        ("ended", Some("rejected")) => format!("It was rejected by {by}."),
        ("held", _) => "It is held.".to_owned(),
        _ => "It is not handled yet.".to_owned(),
    }
}

fn version_rows(viewer: &Viewer, profile: &Row, versions: Vec<Version>, may_save: bool) -> Vec<VersionRow> {
    versions
        .into_iter()
        .take(VERSIONS)
        .map(|version| {
            let in_use = version.version == profile.version;
            let number = version.version;
            VersionRow {
                number,
                author: version.author,
                note: version.note,
                saved: moment(viewer, version.saved_at),
                in_use,
                href: format!("/profiles/{}?compare={number}#difference", profile.id),
                back: (may_save && !in_use).then(|| {
                    let to =
                        format!("/profiles/{}/back?version={number}&seen={}", profile.id, profile.version);
                    viewer.post("Go back to it", to)
                }),
            }
        })
        .collect()
}

/// What a version changed of the one before it.
fn difference(versions: &[Version], number: i64) -> Vec<DiffLine> {
    let document = |wanted: i64| {
        versions
            .iter()
            .find(|version| version.version == wanted)
            .map_or("", |version| version.document.as_str())
    };
    let diff = TextDiff::from_lines(document(number - 1), document(number));
    diff.iter_all_changes()
        .take(LINES)
        .map(|change| DiffLine {
            sign: match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            },
            text: change.value().trim_end_matches('\n').to_owned(),
        })
        .collect()
}

/// What conditions and values may name, in the order of the table.
fn names() -> Vec<(String, &'static str)> {
    fn below(prefix: &str, names: &[Name], into: &mut Vec<(String, &'static str)>) {
        for name in names {
            let whole = format!("{prefix}{}", name.name);
            match name.kind {
                Kind::Object(fields) => below(&format!("{whole}."), fields, into),
                _ => into.push((whole, name.says)),
            }
        }
    }
    let mut all = Vec::new();
    below("", VARIABLES, &mut all);
    all.extend(FUNCTIONS.iter().map(|function| {
        let takes = vec!["…"; function.takes.len()].join(", ");
        let on = function.on.map_or("", |_| "….");
        (format!("{on}{}({takes})", function.name), function.says)
    }));
    all
}
