//! What no change of a row tells: a source that is silent, a connection that has been trying again for long, something that
//! will end soon; and, so that nothing goes untold, every state that is not well and that nobody raised. Looking twice does no
//! harm, so every node looks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use store::StoreError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::decide::{self, Alarm, Kind};
use super::raise::{self, Object, Over};
use super::store::{self as rows, AlarmRow};
use crate::connections::goal::Goal;
use crate::connections::health::{self, Standing};
use crate::connections::jira_site::stored_fault;
use crate::connections::known_ends::{self, KnownEnds};
use crate::connections::store::accounts::{self, Account};
use crate::connections::store::jira::{self, JiraConnection};
use crate::connections::store::outbounds::{self, Outbound};
use crate::connections::store::registrations;
use crate::connections::store::sources::{self, Source};
use crate::connections::{Connections, credential_ends, expiry, jira_watch, outbounds as checked, push};
use crate::web::Shell;
use crate::web::components::Health;

/// How often it looks.
const LOOKS: Duration = Duration::from_secs(10);
/// The ends of credentials are read so long after the start, and then so often.
const ENDS_FIRST: Duration = Duration::from_mins(10);
const ENDS_AGAIN: Duration = Duration::from_hours(24);
/// How long somebody may be on the way between the two halves of a sign-in before it counts as given up: a little longer than each may
/// take.
const ON_THE_WAY: SignedDuration = SignedDuration::from_mins(15);

/// Looks around. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The console: database, clock, who is told live.
    pub shell: Shell,
    /// The way to outbounds and Jira sites, which are tried now and then.
    pub connections: Arc<Connections>,
    /// When this process began to look.
    begun: Timestamp,
}

/// What is to be raised or ended for one connection. Pure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needed {
    Nothing,
    Raise(Kind),
    End,
    EndQuietly,
}

/// What a connection's standing asks for, given what is told of it.
fn needed(standing: &Standing, open: &BTreeSet<(String, i64)>, now: Timestamp) -> Needed {
    let is_open = |kind: Kind| open.iter().any(|(word, _)| word == kind.word());
    let beside = [Kind::Silence, Kind::Push, Kind::Marks];
    let is_trouble = |word: &str| beside.iter().all(|kind| kind.word() != word);
    let newest = open.iter().filter(|(word, _)| is_trouble(word)).map(|(_, at)| *at).max();
    match standing.health {
        Health::Offline if !is_open(Kind::Offline) => Needed::Raise(Kind::Offline),
        Health::ApprovalNeeded if !is_open(Kind::ApprovalNeeded) => Needed::Raise(Kind::ApprovalNeeded),
        Health::Degraded if newest.is_none() && now.duration_since(standing.since) >= decide::LONG => {
            Needed::Raise(Kind::Degraded)
        }
        // It is back once it has worked after the trouble was told: a sign-in alone reads no mail.
        Health::Online => match (newest, standing.last_success) {
            (Some(told), Some(success)) if success.as_microsecond() > told => Needed::End,
            _ => Needed::Nothing,
        },
        Health::Paused if !open.is_empty() => Needed::EndQuietly,
        _ => Needed::Nothing,
    }
}

/// How long a source has been silent, as far as anybody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Silence {
    /// No mail since then.
    since: Timestamp,
    /// It was read then for the last time: of what came later nothing is known yet.
    until: Timestamp,
    /// Since when it is listened to: a pause ends what was told before.
    heard: Timestamp,
}

/// The silence of a source; none before it was read since this process began (`begun`) or since it was resumed: mail that came while
/// nobody looked is no silence.
fn silence_of(source: &Source, begun: Timestamp) -> Option<Silence> {
    let time = |at: i64| Timestamp::from_microsecond(at).ok();
    let since = time(source.last_mail_at.into_iter().chain(source.confirmed_at).max()?)?;
    let until = time(source.last_success_at?)?;
    let resumed = source.resumed_at.and_then(time);
    let is_read = until >= begun && resumed.is_none_or(|resumed| until >= resumed);
    is_read.then(|| Silence { since, until, heard: resumed.map_or(since, |resumed| resumed.max(since)) })
}

impl Watch {
    /// Looks from now on.
    pub fn new(shell: Shell, connections: Arc<Connections>) -> Self {
        let begun = shell.clock.now();
        Self { shell, connections, begun }
    }

    /// Looks, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut ends_at = Instant::now() + ENDS_FIRST;
        while !stop.is_cancelled() {
            if Instant::now() >= ends_at {
                ends_at = Instant::now() + ENDS_AGAIN;
                if let Err(error) = credential_ends::learn_all(&self.connections, self.shell.workspace).await
                {
                    tracing::error!(%error, "ends of credentials could not be stored");
                }
            }
            if let Err(error) = self.look().await {
                tracing::error!(%error, "connections cannot be watched, trying again");
            }
            if checked::check_due(&self.connections).await > 0 {
                self.shell.bus.tell("sources");
                self.shell.bus.tell("notices");
            }
            if jira_watch::check_due(&self.connections).await {
                self.shell.bus.tell("jira");
                self.shell.bus.tell("notices");
            }
            tokio::select! {
                () = tokio::time::sleep(LOOKS) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Looks once.
    pub async fn look(&self) -> Result<(), StoreError> {
        let (db, workspace, now) = (&self.shell.db, self.shell.workspace, self.shell.clock.now());
        if self.connections.keep_what_credentials_met().await? {
            self.shell.bus.tell("registrations");
        }
        let open = rows::open(db, workspace).await?;
        let of = |id: Uuid| -> BTreeSet<(String, i64)> {
            let mine = open.iter().filter(|open| open.object_id == id);
            mine.map(|open| (open.kind.clone(), open.raised_at)).collect()
        };
        let alarms = rows::alarms(db, workspace).await?;
        let all = sources::all_uncounted(db, workspace).await?;
        let senders = outbounds::all(db, workspace).await?;
        for source in &all {
            let object = of_source(workspace, source);
            // That its mail cannot be marked has a notice of its own.
            let standing = health::of_reading(source);
            // A project's fault is told of the project.
            if !standing.troubles.iter().any(|trouble| trouble.at == health::Side::Project) {
                self.put_right(&object, &standing, needed(&standing, &of(source.id), now), now).await?;
            }
            if standing.health == Health::Online
                && let Some(alarm) = alarms.iter().find(|alarm| alarm.source_id == source.id)
            {
                self.listen(&object, source, alarm, now).await?;
            }
        }
        for outbound in &senders {
            let standing = health::of_outbound(outbound);
            let object = of_outbound(workspace, outbound);
            self.put_right(&object, &standing, needed(&standing, &of(outbound.id), now), now).await?;
        }
        for account in accounts::unused(db, workspace).await? {
            if is_on_the_way(&account, now) {
                continue;
            }
            let (object, standing) = of_account(workspace, &account);
            self.put_right(&object, &standing, needed(&standing, &of(account.id), now), now).await?;
        }
        let sites = jira::all(db, workspace).await?;
        for site in &sites {
            let standing = health::of_jira(site);
            self.put_right(&of_jira(workspace, site), &standing, needed(&standing, &of(site.id), now), now)
                .await?;
        }
        // What was removed is not waited for.
        let there: BTreeSet<Uuid> =
            all.iter().map(|source| source.id).chain(senders.iter().map(|outbound| outbound.id)).collect();
        // What was told of an account alone ends when a connection speaks for it.
        let spoken_for: BTreeSet<Uuid> = all
            .iter()
            .map(|source| source.account_id)
            .chain(senders.iter().map(|outbound| outbound.account_id))
            .collect();
        for gone in open.iter().filter(|open| !there.contains(&open.object_id)) {
            if spoken_for.contains(&gone.object_id)
                || rows::is_about_connection(db, workspace, gone.object_id).await?
            {
                let mut tx = db.begin().await?;
                raise::ended_quietly(&mut tx, gone.object_id, now).await?;
                tx.commit().await?;
            }
        }
        self.forecast(&all, &senders, &sites, now).await
    }

    async fn put_right(
        &self,
        object: &Object,
        standing: &Standing,
        needed: Needed,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if needed == Needed::Nothing {
            return Ok(());
        }
        let mut tx = self.shell.db.begin().await?;
        match needed {
            Needed::Raise(kind) => {
                let fault = standing.troubles.first().map(|trouble| &trouble.fault);
                raise::raise(&mut tx, object, kind, fault, now).await?;
            }
            Needed::End => {
                raise::is_over(&mut tx, object, Over::Trouble, None, now).await?;
            }
            Needed::EndQuietly => raise::ended_quietly(&mut tx, object.id, now).await?,
            Needed::Nothing => {}
        }
        tx.commit().await?;
        self.shell.bus.tell("notices");
        Ok(())
    }

    async fn listen(
        &self,
        object: &Object,
        source: &Source,
        row: &AlarmRow,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(silence) = silence_of(source, self.begun) else { return Ok(()) };
        if !alarm(row).rings(silence.since, silence.until) {
            return Ok(());
        }
        let mut tx = self.shell.db.begin().await?;
        let is_new = raise::silence(&mut tx, object, row.hours, (silence.since, silence.heard), now).await?;
        tx.commit().await?;
        self.tell_if(is_new);
        Ok(())
    }

    /// Open pages learn of a notice that was raised.
    fn tell_if(&self, is_new: bool) {
        if is_new {
            self.shell.bus.tell("notices");
        }
    }

    async fn forecast(
        &self,
        sources: &[Source],
        outbounds: &[Outbound],
        sites: &[JiraConnection],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (db, workspace) = (&self.shell.db, self.shell.workspace);
        let mut registrations = Vec::new();
        for row in registrations::all(db, workspace).await? {
            let known = known_ends::of_registration(db, row.id).await?;
            registrations.push((of_registration(workspace, &row), known));
        }
        let ends = KnownEnds::of(&self.connections, workspace).await?;
        let ending = push::store::ending(db, workspace).await?;
        let of_a_source = |source: &Source| expiry::Known {
            // One that is renewed ends all the time, and never comes to its end.
            subscription: ending.iter().find(|one| one.source_id == source.id).map(|one| one.expires_at),
            ..ends.of_source_alone(source)
        };
        let known = sources
            .iter()
            .map(|source| (of_source(workspace, source), of_a_source(source)))
            .chain(outbounds.iter().map(|one| (of_outbound(workspace, one), ends.of_outbound_alone(one))))
            .chain(sites.iter().map(|site| (of_jira(workspace, site), known_ends::of_jira(site))))
            .chain(registrations);
        for (object, known) in known {
            for forecast in expiry::forecast(&known) {
                let Some(step) = forecast.step(now) else { continue };
                let title = expiry::headline(forecast.what, &object.name, forecast.at, now);
                let mut tx = self.shell.db.begin().await?;
                let key = (forecast.what.word(), forecast.at, step);
                let words = (title, forecast.what.text().to_owned());
                let is_new = raise::expiry(&mut tx, &object, key, words, now).await?;
                tx.commit().await?;
                self.tell_if(is_new);
            }
        }
        Ok(())
    }
}

fn of_source(workspace: Uuid, source: &Source) -> Object {
    let name = if source.folder_name.eq_ignore_ascii_case("inbox") {
        source.mailbox.clone()
    } else {
        format!("{} ({})", source.mailbox, source.folder_name)
    };
    Object { workspace, kind: "source", id: source.id, name, href: format!("/sources/{}", source.id) }
}

fn of_registration(workspace: Uuid, row: &registrations::Row) -> Object {
    let name = if row.name.is_empty() { &row.client_id } else { &row.name };
    Object {
        workspace,
        kind: "registration",
        id: row.id,
        name: format!("the app registration {name}"),
        href: format!("/registrations/{}", row.id),
    }
}

/// Whether somebody is signing in right now: they came back with the basic scopes and are at Microsoft's pages for the rest.
fn is_on_the_way(account: &Account, now: Timestamp) -> bool {
    let fault = account.fault.as_deref().and_then(stored_fault);
    fault.is_some_and(|fault| fault.entry.id == "own.not_signed_in")
        && now.as_microsecond().saturating_sub(account.signed_in_at) < micros(ON_THE_WAY)
}

fn micros(span: SignedDuration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// An account that nothing uses yet: it may wait for an administrator.
fn of_account(workspace: Uuid, account: &Account) -> (Object, Standing) {
    let object = Object {
        workspace,
        kind: "account",
        id: account.id,
        name: account.username.clone(),
        href: Goal::of_stored(&account.goal).list().0.to_owned(),
    };
    let standing = health::judge(&health::Facts {
        is_confirmed: true,
        paused_at: None,
        parts: vec![health::Part {
            at: health::Side::Account,
            state: &account.state,
            since: account.state_since,
            fault: account.fault.as_deref(),
            next: 0,
        }],
        last_mail: None,
        last_success: Some(account.refreshed_at.unwrap_or(account.signed_in_at).max(account.signed_in_at)),
    });
    (object, standing)
}

fn of_jira(workspace: Uuid, site: &JiraConnection) -> Object {
    let name = format!("Jira {}", site.name);
    Object { workspace, kind: "jira", id: site.id, name, href: format!("/jira/{}", site.id) }
}

fn of_outbound(workspace: Uuid, outbound: &Outbound) -> Object {
    Object {
        workspace,
        kind: "outbound",
        id: outbound.id,
        name: format!("Sending from {}", outbound.mailbox),
        href: format!("/outbounds/{}", outbound.id),
    }
}

/// An alarm as it is stored; a time zone that is not known any more counts as UTC.
pub fn alarm(row: &AlarmRow) -> Alarm {
    Alarm {
        hours: row.hours,
        begins: row.begins,
        ends: row.ends,
        days: row.days,
        zone: TimeZone::get(&row.zone).unwrap_or(TimeZone::UTC),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    /// Promise: what nobody raised is raised, what is over is ended once it has worked, and a pause is nobody's news.
    #[rstest]
    #[case(Health::Offline, 0, &[], None, Needed::Raise(Kind::Offline))]
    #[case(Health::Offline, 0, &[("offline", 5)], None, Needed::Nothing)]
    #[case(Health::Offline, 0, &[("degraded", 5)], None, Needed::Raise(Kind::Offline))]
    #[case(Health::ApprovalNeeded, 0, &[], None, Needed::Raise(Kind::ApprovalNeeded))]
    #[case(Health::Degraded, 9_000, &[], None, Needed::Nothing)]
    #[case(Health::Degraded, 0, &[], None, Needed::Raise(Kind::Degraded))]
    #[case(Health::Degraded, 0, &[("offline", 5)], None, Needed::Nothing)]
    #[case(Health::Online, 0, &[("offline", 5)], Some(4), Needed::Nothing)]
    #[case(Health::Online, 0, &[("offline", 5)], Some(6), Needed::End)]
    #[case(Health::Online, 0, &[("silence", 5)], Some(6), Needed::Nothing)]
    #[case(Health::Online, 0, &[("push", 5)], Some(6), Needed::Nothing)]
    #[case(Health::Online, 0, &[("marks", 5)], Some(6), Needed::Nothing)]
    #[case(Health::Degraded, 0, &[("push", 5)], None, Needed::Raise(Kind::Degraded))]
    #[case(Health::Paused, 0, &[("offline", 5)], None, Needed::EndQuietly)]
    #[case(Health::Paused, 0, &[], None, Needed::Nothing)]
    fn every_state_is_told_once(
        #[case] health: Health,
        #[case] since: i64,
        #[case] open: &[(&str, i64)],
        #[case] success: Option<i64>,
        #[case] expected: Needed,
    ) {
        let standing = Standing {
            health,
            since: at(since),
            troubles: Vec::new(),
            last_mail: None,
            last_success: success.map(at),
            next_try: None,
        };
        let open =
            open.iter().map(|(kind, raised)| ((*kind).to_owned(), at(*raised).as_microsecond())).collect();
        assert_eq!(needed(&standing, &open, at(9_100)), expected);
    }
}
