//! The alarm of a source that falls silent: so many hours without mail, of those in which mail is to be expected.

use axum::extract::{Form, Path, State as Shared};
use axum::response::Response;
use http::StatusCode;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::Deserialize;
use uuid::Uuid;

use super::pages::AlarmPage;
use super::routes::{State, flash_to};
use super::store::sources::{self, Source};
use crate::access::{Admin, audit};
use crate::notices::store::{self as rows, AlarmRow};
use crate::notices::watch;
use crate::web::form::{Choice, Field, Fields};
use crate::web::times::counted;
use crate::web::{self, Flash, Problem, Section};

/// Monday to Friday.
const WORKDAYS: i64 = 0b1_1111;
/// Monday to Sunday.
const ALL_DAYS: i64 = 0b111_1111;
/// The longest silence that an alarm waits for: four weeks.
const MOST_HOURS: i64 = 672;

/// What is posted.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Posted {
    #[serde(default)]
    hours: String,
    #[serde(default)]
    days: String,
    #[serde(default)]
    begins: String,
    #[serde(default)]
    ends: String,
    #[serde(default)]
    zone: String,
}

async fn source(state: &State, admin: &Admin, id: Uuid) -> Result<Source, Problem> {
    sources::one(&state.connections.db, admin.workspace(), id)
        .await?
        .ok_or_else(|| Problem::not_found("Message Source"))
}

async fn stored(state: &State, admin: &Admin, id: Uuid) -> Result<Option<AlarmRow>, Problem> {
    let all = rows::alarms(&state.connections.db, admin.workspace()).await?;
    Ok(all.into_iter().find(|alarm| alarm.source_id == id))
}

/// Minutes since midnight as people write them.
fn clock(minutes: i64) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// An alarm in a sentence.
pub(super) fn in_words(alarm: Option<&AlarmRow>) -> String {
    let Some(alarm) = alarm else { return "off".to_owned() };
    let days = match alarm.days {
        ALL_DAYS => "every day",
        WORKDAYS => "Monday to Friday",
        _ => "on its days",
    };
    let hours = if (alarm.begins, alarm.ends) == (0, 1440) {
        "at any hour".to_owned()
    } else {
        format!("{} to {}", clock(alarm.begins), clock(alarm.ends))
    };
    let silence = counted(alarm.hours, "hour", "hours");
    format!("after {silence} without mail ({days}, {hours}, {})", alarm.zone)
}

fn fields(posted: &Posted) -> Fields {
    Fields::new(vec![
        Field::line("hours", "Hours without mail")
            .value(&posted.hours)
            .hint("So many hours of the times below. Empty: no alarm.")
            .optional()
            .placeholder("4"),
        Field::radio(
            "days",
            "Days on which mail is to be expected",
            vec![Choice::new("workdays", "Monday to Friday"), Choice::new("all", "Every day")],
        )
        .value(if posted.days.is_empty() { "workdays" } else { &posted.days }),
        Field::line("begins", "From").value(&posted.begins).hint("Hour and minute, as 08:00."),
        Field::line("ends", "To").value(&posted.ends).hint("Hour and minute; 24:00 is the end of the day."),
        Field::line("zone", "Time zone")
            .value(&posted.zone)
            .hint("Its name in the time zone database, such as Europe/Berlin."),
    ])
}

fn page(admin: &Admin, source: &Source, fields: Fields) -> Result<Response, Problem> {
    let failed = fields.failed();
    let frame = admin.frame(Section::Sources, "Alarm when no mail comes");
    let page = AlarmPage { frame, id: source.id.to_string(), mailbox: source.mailbox.clone(), fields };
    let mut response = web::page(&page)?;
    if failed {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// GET /sources/{id}/alarm
pub async fn show(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let source = source(&state, &admin, id).await?;
    let here = state.shell.zone.iana_name().unwrap_or("UTC").to_owned();
    let posted = match stored(&state, &admin, id).await? {
        Some(alarm) => Posted {
            hours: alarm.hours.to_string(),
            days: if alarm.days == ALL_DAYS { "all".to_owned() } else { "workdays".to_owned() },
            begins: clock(alarm.begins),
            ends: clock(alarm.ends),
            zone: alarm.zone,
        },
        None => {
            Posted { begins: "08:00".to_owned(), ends: "18:00".to_owned(), zone: here, ..Posted::default() }
        }
    };
    page(&admin, &source, fields(&posted))
}

/// Minutes since midnight.
fn minutes(text: &str) -> Option<i64> {
    if text.trim() == "24:00" {
        return Some(1440);
    }
    let (hour, minute) = text.trim().split_once(':')?;
    let time = Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()?;
    Some(i64::from(time.hour()) * 60 + i64::from(time.minute()))
}

/// The alarm that was posted; none: no alarm. Or the field and what is wrong with it.
fn judge(id: Uuid, posted: &Posted) -> Result<Option<AlarmRow>, (&'static str, String)> {
    if posted.hours.trim().is_empty() {
        return Ok(None);
    }
    let wrong = |field, text: &str| (field, text.to_owned());
    let hours = posted.hours.trim().parse().ok().filter(|hours| (1..=MOST_HOURS).contains(hours));
    let hours = hours.ok_or_else(|| {
        wrong("hours", "Write a whole number from 1 to 672, or leave it empty for no alarm.")
    })?;
    let begins =
        minutes(&posted.begins).ok_or_else(|| wrong("begins", "Write hour and minute, as 08:00."))?;
    let ends = minutes(&posted.ends).ok_or_else(|| wrong("ends", "Write hour and minute, as 18:00."))?;
    if ends <= begins {
        return Err(wrong(
            "ends",
            "The end must come after the beginning; for all day write 00:00 to 24:00.",
        ));
    }
    let zone = posted.zone.trim();
    if TimeZone::get(zone).is_err() {
        return Err(wrong(
            "zone",
            "There is no time zone of this name: write for example Europe/Berlin or UTC.",
        ));
    }
    let days = if posted.days == "all" { ALL_DAYS } else { WORKDAYS };
    let row = AlarmRow { source_id: id, hours, begins, ends, days, zone: zone.to_owned() };
    // Of few hours a week it would take longer than a silence is looked back at.
    match watch::alarm(&row).most_hours() {
        0 => Err(wrong("ends", "These times are too short for an alarm: let them be 15 minutes or longer.")),
        most if hours > most => {
            let text = format!(
                "At these times this is a silence of more than eight weeks: write at most {}, or more times.",
                counted(most, "hour", "hours")
            );
            Err(("hours", text))
        }
        _ => Ok(Some(row)),
    }
}

/// POST /sources/{id}/alarm
pub async fn submit(
    admin: Admin,
    Shared(state): Shared<State>,
    Path(id): Path<Uuid>,
    Form(posted): Form<Posted>,
) -> Result<Response, Problem> {
    let source = source(&state, &admin, id).await?;
    let alarm = match judge(id, &posted) {
        Ok(alarm) => alarm,
        Err((field, error)) => {
            let mut filled = fields(&posted);
            filled.fail(field, error);
            return page(&admin, &source, filled);
        }
    };
    let mut tx = state.connections.db.begin().await?;
    match &alarm {
        Some(alarm) => rows::set_alarm(&mut tx, alarm).await?,
        None => rows::clear_alarm(&mut tx, id).await?,
    }
    let words = in_words(alarm.as_ref());
    audit::record(&mut tx, &admin.actor(), "change silence alarm", &source.mailbox, &words).await?;
    tx.commit().await?;
    let flash = Flash::done(format!("The alarm of {} is {words}.", source.mailbox));
    Ok(flash_to(&admin, &flash, &format!("/sources/{id}")))
}

/// The alarm of a source in a sentence.
pub(super) async fn of(state: &State, workspace: Uuid, id: Uuid) -> Result<String, store::StoreError> {
    let all = rows::alarms(&state.connections.db, workspace).await?;
    Ok(in_words(all.iter().find(|alarm| alarm.source_id == id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(hours: &str, begins: &str, ends: &str, zone: &str) -> Posted {
        Posted {
            hours: hours.to_owned(),
            days: "workdays".to_owned(),
            begins: begins.to_owned(),
            ends: ends.to_owned(),
            zone: zone.to_owned(),
        }
    }

    /// Promise: an alarm is kept as it was written, or the field says what is wrong.
    #[test]
    fn what_is_written_is_judged() {
        let id = Uuid::nil();
        let good = judge(id, &posted("4", "08:00", "18:30", "Europe/Berlin")).unwrap().unwrap();
        assert_eq!((good.hours, good.begins, good.ends, good.days), (4, 480, 1110, WORKDAYS));
        assert_eq!(
            in_words(Some(&good)),
            "after 4 hours without mail (Monday to Friday, 08:00 to 18:30, Europe/Berlin)"
        );
        assert_eq!(judge(id, &posted("", "x", "x", "x")).unwrap(), None);
        for (posted, field) in [
            (posted("0", "08:00", "18:00", "UTC"), "hours"),
            (posted("4", "8", "18:00", "UTC"), "begins"),
            (posted("4", "18:00", "08:00", "UTC"), "ends"),
            (posted("4", "08:00", "25:00", "UTC"), "ends"),
            (posted("4", "08:00", "24:00", "Mars/Base"), "zone"),
            // Eight weeks of workdays from 8 to 18 are 400 hours, of half an hour a day 20.
            (posted("400", "08:00", "18:00", "UTC"), "hours"),
            (posted("20", "08:00", "08:30", "UTC"), "hours"),
            (posted("1", "08:00", "08:01", "UTC"), "ends"),
        ] {
            assert_eq!(judge(id, &posted).unwrap_err().0, field);
        }
        let (_, text) = judge(id, &posted("672", "08:00", "18:00", "Europe/Berlin")).unwrap_err();
        assert!(text.contains("at most 399 hours"), "{text}");
        assert!(judge(id, &posted("399", "08:00", "18:00", "Europe/Berlin")).is_ok());
    }
}
