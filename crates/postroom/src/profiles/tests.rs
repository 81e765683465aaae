//! What profiles promise in the console: mistakes are refused with their places, versions are kept, a past mail shows what would
//! happen, and nothing is written by trying.

use http::StatusCode;
use store::{args, sql};
use uuid::Uuid;

use super::store as rows;
use crate::connections::testing::Office;
use crate::web::testing::{Answer, Browser};

const ONE: &str = "profile = \"desk\"\n[[rule]]\nname = \"noise\"\nwhen = 'mail.subject.contains(\"noise\")'\nignore = \"noise\"\n";

async fn save(owner: &mut Browser<'_>, path: &str, document: &str, seen: &str) -> Answer {
    let token = owner.token("/profiles").await;
    owner.post(path, &token, &[("document", document), ("seen", seen), ("note", "why"), ("do", "save")]).await
}

async fn id_of(office: &Office, name: &str) -> Uuid {
    let all = rows::all(&office.console.shell.db, office.workspace()).await.unwrap();
    all.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no {name}")).id
}

/// Promise: a profile is saved as a version with its author; a mistake is refused with its place and mend and nothing is saved; going
/// back is one press and a version of its own; nobody overwrites what somebody else saved meanwhile. On both databases.
#[tokio::test]
async fn versions_are_kept_and_mistakes_are_not() {
    for office in Office::all().await {
        let db = &office.console.shell.db;
        let mut owner = office.console.owner().await;
        let refused = save(&mut owner, "/profiles/new", &ONE.replace("subject", "subjct"), "0").await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        assert!(refused.body.contains("line 4, column 13"), "{}", refused.body);
        assert!(refused.body.contains("Did you mean `subject`?"), "{}", refused.body);
        assert!(rows::all(db, office.workspace()).await.unwrap().is_empty());

        let saved = save(&mut owner, "/profiles/new", ONE, "0").await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
        let id = id_of(&office, "desk").await;
        let page = format!("/profiles/{id}");
        let twin = save(&mut owner, "/profiles/new", ONE, "0").await;
        assert!(twin.body.contains("there is a profile called `desk` already"), "{}", twin.body);

        let two = ONE.replace("ignore", "hold").replace('\n', "\r\n");
        assert_eq!(save(&mut owner, &page, &two, "1").await.status, StatusCode::SEE_OTHER);
        let late = save(&mut owner, &page, ONE, "1").await;
        assert!(late.body.contains("somebody else saved this profile meanwhile"), "{}", late.body);
        let shown = owner.get(&format!("{page}?compare=2")).await;
        assert!(
            shown.body.contains("- ignore = &#34;noise&#34;") || shown.body.contains("- ignore = \"noise\""),
            "{}",
            shown.body
        );
        let token = owner.token(&page).await;
        owner.post(&format!("{page}/back?version=1&seen=2"), &token, &[]).await;
        let all: Vec<(i64, String, String)> = rows::versions(db, id)
            .await
            .unwrap()
            .into_iter()
            .map(|version| (version.version, version.document, version.note))
            .collect();
        assert_eq!(
            all,
            [
                (3, ONE.to_owned(), "back to version 1".to_owned()),
                (2, ONE.replace("ignore", "hold"), "why".to_owned()),
                (1, ONE.to_owned(), "why".to_owned())
            ]
        );
    }
}

/// Promise: with a past mail beside the rules one sees which matches and what would become of it, before anything is saved; and
/// nothing is written.
#[tokio::test]
async fn a_past_mail_is_tried_without_effect() {
    let office = Office::new().await;
    let there = office.connect().await;
    let id = office.record_one(there, "some noise", None).await.to_string();
    let mut owner = office.console.owner().await;
    let token = owner.token("/profiles").await;
    let fields = [("document", ONE), ("seen", "0"), ("mail", id.as_str()), ("do", "try")];
    let tried = owner.post("/profiles/new", &token, &fields).await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.body);
    assert!(tried.body.contains("It would be ignored by the rule noise: noise."), "{}", tried.body);
    assert!(tried.body.contains("It is not handled yet."), "{}", tried.body);
    let broken = ONE.replace("subject", "subjct");
    let fields = [("document", broken.as_str()), ("seen", "0"), ("mail", id.as_str()), ("do", "try")];
    let tried = owner.post("/profiles/new", &token, &fields).await;
    assert_eq!(tried.status, StatusCode::OK);
    assert!(tried.body.contains("line 4, column 13") && !tried.body.contains("It would"), "{}", tried.body);
    let db = &office.console.shell.db;
    let (profiles, state): (i64, String) = db
        .fetch_one(
            sql!("SELECT (SELECT count(*) FROM profile) AS profiles, state FROM message LIMIT 1"),
            args![],
        )
        .await
        .unwrap();
    assert_eq!((profiles, state.as_str()), (0, "ready"));
}

/// Promise: a profile that handles the mail of a source is not removed; one that handles none is.
#[tokio::test]
async fn a_profile_in_use_stays() {
    for office in Office::all().await {
        let there = office.connect().await;
        let mut owner = office.console.owner().await;
        save(&mut owner, "/profiles/new", ONE, "0").await;
        let (db, id) = (&office.console.shell.db, id_of(&office, "desk").await);
        let give = async |profile| {
            let mut tx = db.begin().await.unwrap();
            rows::give(&mut tx, there.source, profile, office.now()).await.unwrap();
            tx.commit().await.unwrap();
        };
        give(Some(id)).await;
        let token = owner.token("/profiles").await;
        owner.post(&format!("/profiles/{id}/remove"), &token, &[]).await;
        assert!(rows::one(db, office.workspace(), id).await.unwrap().is_some());
        give(None).await;
        owner.post(&format!("/profiles/{id}/remove"), &token, &[]).await;
        assert!(rows::one(db, office.workspace(), id).await.unwrap().is_none());
    }
}
