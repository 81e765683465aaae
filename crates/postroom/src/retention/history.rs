//! An address in what is kept besides mail: taken out of what happened, and told where it stands on because Postroom works with it.

use sqlx::FromRow;
use store::{Args, Db, Statement, StoreError, args, sql};
use uuid::Uuid;

use super::address;

/// Rows that are looked at together.
const BATCH: u16 = 200;

/// A row of what happened, with its texts.
#[derive(FromRow)]
struct Texts {
    id: Uuid,
    first: Option<String>,
    second: Option<String>,
    third: Option<String>,
    fourth: Option<String>,
}

/// Where texts of what happened stand: how rows that may name an address are found, and how they are written.
struct Shelf {
    find: &'static Statement,
    write: &'static Statement,
}

/// In `find`, `$1` is the workspace, `$2` the row to begin behind, `$3` a part of the address in small letters. `replace` finds it on both
/// databases alike, and takes no character for a wild card.
fn shelves() -> [Shelf; 4] {
    [
        Shelf {
            find: sql!(
                "SELECT id, object AS first, detail AS second, NULL AS third, NULL AS fourth FROM audit
                 WHERE workspace_id = $1 AND id > $2
                   AND (replace(lower(object), $3, '') <> lower(object) OR replace(lower(detail), $3, '') <> lower(detail))
                 ORDER BY id LIMIT $4"
            ),
            write: sql!(
                "UPDATE audit SET object = coalesce($2, object), detail = coalesce($3, detail) WHERE id = $1 AND CAST($4 AS TEXT) IS NULL AND CAST($5 AS TEXT) IS NULL"
            ),
        },
        Shelf {
            find: sql!(
                "SELECT id, text AS first, detail AS second, fault AS third, NULL AS fourth FROM connection_event
                 WHERE workspace_id = $1 AND id > $2
                   AND (replace(lower(text), $3, '') <> lower(text)
                     OR replace(lower(coalesce(detail, '')), $3, '') <> lower(coalesce(detail, ''))
                     OR replace(lower(coalesce(fault, '')), $3, '') <> lower(coalesce(fault, '')))
                 ORDER BY id LIMIT $4"
            ),
            write: sql!(
                "UPDATE connection_event SET text = coalesce($2, text), detail = coalesce($3, detail), fault = coalesce($4, fault)
                 WHERE id = $1 AND CAST($5 AS TEXT) IS NULL"
            ),
        },
        Shelf {
            find: sql!(
                "SELECT id, object_name AS first, title AS second, text AS third, fault AS fourth FROM notice
                 WHERE workspace_id = $1 AND id > $2
                   AND (replace(lower(object_name), $3, '') <> lower(object_name) OR replace(lower(title), $3, '') <> lower(title)
                     OR replace(lower(text), $3, '') <> lower(text)
                     OR replace(lower(coalesce(fault, '')), $3, '') <> lower(coalesce(fault, '')))
                 ORDER BY id LIMIT $4"
            ),
            write: sql!(
                "UPDATE notice SET object_name = coalesce($2, object_name), title = coalesce($3, title), text = coalesce($4, text),
                   fault = coalesce($5, fault) WHERE id = $1"
            ),
        },
        Shelf {
            find: sql!(
                "SELECT d.id, d.answer AS first, NULL AS second, NULL AS third, NULL AS fourth
                 FROM notice_delivery d JOIN notice n ON n.id = d.notice_id
                 WHERE n.workspace_id = $1 AND d.id > $2 AND replace(lower(d.answer), $3, '') <> lower(d.answer)
                 ORDER BY d.id LIMIT $4"
            ),
            write: sql!(
                "UPDATE notice_delivery SET answer = coalesce($2, answer) WHERE id = $1 AND CAST($3 AS TEXT) IS NULL AND CAST($4 AS TEXT) IS NULL AND CAST($5 AS TEXT) IS NULL"
            ),
        },
    ]
}

/// What is looked for in the database; what it finds is looked at once more as people mean it.
fn part(address: &str) -> &str {
    // The databases' `lower` is for certain with ASCII alone.
    let domain = address::domain_of(address);
    if domain.is_ascii() { domain } else { "@" }
}

/// Takes the address out of the audit log, the timelines and the notices. Done twice it does nothing more.
pub async fn clean(db: &Db, workspace: Uuid, address: &str) -> Result<u64, StoreError> {
    let mut cleaned = 0;
    for Shelf { find, write } in shelves() {
        let mut behind = Uuid::nil();
        loop {
            let rows: Vec<Texts> = db.fetch_all(find, args![workspace, behind, part(address), BATCH]).await?;
            let Some(last) = rows.last().map(|row| row.id) else { break };
            let mut tx = db.begin().await?;
            for row in &rows {
                let texts = [&row.first, &row.second, &row.third, &row.fourth];
                let texts =
                    texts.map(|text| text.as_deref().and_then(|text| address::without(text, address)));
                if texts.iter().all(Option::is_none) {
                    continue;
                }
                let [first, second, third, fourth] = texts;
                let values: Args = args![row.id, first, second, third, fourth];
                cleaned += tx.execute(write, values).await?;
            }
            tx.commit().await?;
            behind = last;
        }
    }
    Ok(cleaned)
}

/// Where an address stands because Postroom works with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The places, in words.
    pub places: Vec<String>,
    /// Whether it is one that Postroom signs in, reads or is used with: what happened to those stays whole.
    pub is_ours: bool,
}

#[derive(FromRow)]
struct Named {
    kind: String,
    name: String,
    text: String,
}

/// What stands on as it is for an address that Postroom works with.
pub const WHOLE: &str = "part of the audit log, the timelines and the notices, which stay whole for an address that Postroom works with";

/// Looks for the address among users, mailboxes, sign-ins, channels, profiles, fences and projects.
pub async fn standing(db: &Db, workspace: Uuid, address: &str) -> Result<Standing, StoreError> {
    let ours: Vec<(String,)> = db
        .fetch_all(
            sql!(
                "SELECT 'a user of this console' AS kind FROM console_user WHERE workspace_id = $1 AND lower(email) = $2
                 UNION SELECT 'a mailbox that is or was connected' FROM mailbox WHERE workspace_id = $1 AND lower(address) = $2
                 UNION SELECT 'the account of a Jira connection' FROM jira_connection WHERE workspace_id = $1 AND lower(username) = $2
                 UNION SELECT 'a sign-in with Microsoft' FROM account WHERE workspace_id = $1 AND lower(username) = $2
                 UNION SELECT 'a mailbox of an application' FROM app_mailbox m JOIN account a ON a.id = m.account_id
                   WHERE a.workspace_id = $1 AND lower(m.address) = $2
                 UNION SELECT 'a sign-in link' FROM sign_in_link
                   WHERE workspace_id = $1 AND (lower(mailbox) = $2 OR lower(signed_in_as) = $2)
                 UNION SELECT 'a wait for an administrator' FROM approval WHERE workspace_id = $1 AND lower(who) = $2
                 UNION SELECT 'the consent of an administrator' FROM enterprise_application e
                   JOIN app_registration r ON r.id = e.app_registration_id
                   WHERE r.workspace_id = $1 AND lower(e.signed_in_by) = $2
                 ORDER BY 1"
            ),
            args![workspace, address],
        )
        .await?;
    let named: Vec<Named> = db
        .fetch_all(
            sql!(
                "SELECT 'channel' AS kind, name, shown AS text FROM notice_channel WHERE workspace_id = $1
                 UNION ALL SELECT 'profile', p.name, v.document FROM profile p JOIN profile_version v ON v.profile_id = p.id
                   WHERE p.workspace_id = $1 AND replace(lower(v.document), $2, '') <> lower(v.document)
                 UNION ALL SELECT 'fence', a.username, f.control_mailbox FROM app_fence f JOIN account a ON a.id = f.account_id
                   WHERE a.workspace_id = $1
                 UNION ALL SELECT 'project', d.project_key, d.jira_address FROM destination d
                   WHERE d.workspace_id = $1 AND d.jira_address <> ''"
            ),
            args![workspace, part(address)],
        )
        .await?;
    let mut places: Vec<String> = ours.into_iter().map(|(kind,)| kind).collect();
    let is_ours = !places.is_empty();
    for Named { kind, name, text } in named {
        let place = match kind.as_str() {
            "channel" => format!("the channel of notices “{name}”"),
            "fence" => format!("the mailbox outside the fence of the application “{name}”"),
            "project" => format!("the address that Jira sends mail of the project {name} from"),
            _ => format!("the profile “{name}” or a version of it"),
        };
        if address::names(&text, address) && !places.contains(&place) {
            places.push(place);
        }
    }
    if is_ours {
        places.push(WHOLE.to_owned());
    }
    Ok(Standing { places, is_ours })
}
