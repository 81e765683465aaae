//! What a move to Graph promises in the console and in the database, while nothing answers.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jiff::SignedDuration;
use store::{args, sql};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

use super::job::{Converter, Pace};
use super::{begin, cancel};
use crate::access::Actor;
use crate::api;
use crate::connections::store::conversion as rows;
use crate::connections::store::sources::{self, Source};
use crate::connections::testing::{Connected, Office};

async fn over_ews(office: &Office) -> (Connected, Source) {
    let there = office.connect().await;
    let db = &office.console.shell.db;
    let ews = sql!("UPDATE source SET connection_type = 'ews' WHERE id = $1");
    db.execute(ews, args![there.source]).await.unwrap();
    grant(office, &there, "openid User.Read Mail.ReadWrite Mail.ReadWrite.Shared").await;
    let source = sources::one(db, office.workspace(), there.source).await.unwrap().unwrap();
    (there, source)
}

async fn grant(office: &Office, there: &Connected, scopes: &str) {
    let statement = sql!("UPDATE account SET scopes = $1 WHERE id = $2");
    office.console.shell.db.execute(statement, args![scopes, there.account]).await.unwrap();
}

fn actor(office: &Office) -> Actor {
    Actor { workspace: office.workspace(), user: None, name: "tester".to_owned(), at: office.now() }
}

fn converter(office: &Office) -> Converter {
    let bell = || Arc::new(Notify::new());
    Converter {
        ledger: office.state.ledger.clone(),
        connections: Arc::clone(&office.state.connections),
        bus: office.console.shell.bus.clone(),
        wake: bell(),
        poll: bell(),
        work: bell(),
        pace: Pace::default(),
    }
}

/// Promise: a move that Graph does not answer waits and says why and until when; its page shows how far it is; it is tried again when
/// its time has come, and a person can give it up. The source stays with EWS all the while, and is polled.
#[tokio::test]
async fn a_move_waits_and_can_be_given_up() {
    for office in Office::all().await {
        let (there, source) = over_ews(&office).await;
        let (db, stop) = (&office.console.shell.db, CancellationToken::new());
        let converter = converter(&office);
        assert!(!converter.once(&stop).await.unwrap(), "nothing is to be moved");
        for _ in 0..2 {
            begin(&office.state, &actor(&office), &source).await.unwrap();
        }
        assert!(converter.once(&stop).await.unwrap());
        let waits = rows::of_source(db, source.id).await.unwrap().unwrap();
        assert_eq!((waits.state.as_str(), waits.failures), ("running", 1), "{waits:?}");
        assert!(
            waits.what.contains("Graph does not take this mailbox") && !waits.mend.is_empty(),
            "{waits:?}"
        );
        assert!(!converter.once(&stop).await.unwrap(), "its time has not come");
        let mut owner = office.console.owner().await;
        let page = owner.get(&format!("/sources/{}", source.id)).await;
        for part in ["<progress", "Is being moved to Graph", "Next try", "Stay with EWS"] {
            assert!(page.body.contains(part), "{part} is missing: {}", page.body);
        }
        let list = owner.get("/sources").await;
        assert!(list.body.contains("Is being moved to Graph"), "{}", list.body);
        office.console.clock.advance(Duration::from_mins(5));
        assert!(converter.once(&stop).await.unwrap(), "tried again");
        assert_eq!(rows::of_source(db, source.id).await.unwrap().unwrap().failures, 2);

        let token = owner.token(&format!("/sources/{}", source.id)).await;
        let done = owner.post(&format!("/sources/{}/convert/cancel", source.id), &token, &[]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        office.console.clock.advance(Duration::from_mins(5));
        assert!(!converter.once(&stop).await.unwrap(), "given up");
        assert!(cancel(&office.state, &actor(&office), &source).await.is_err(), "a second time");
        let page = owner.get(&format!("/sources/{}", source.id)).await;
        assert!(!page.body.contains("<progress"), "{}", page.body);
        let source = sources::one(db, office.workspace(), there.source).await.unwrap().unwrap();
        assert_eq!(source.connection_type, "ews");
    }
}

/// Promise: two nodes never have one move in hand, whoever lost it writes nothing, and a restart gives it to the next process at once.
#[tokio::test]
async fn a_move_is_in_one_hand() {
    for office in Office::all().await {
        let (_, source) = over_ews(&office).await;
        let db = &office.console.shell.db;
        begin(&office.state, &actor(&office), &source).await.unwrap();
        let lease = SignedDuration::from_secs(120);
        let now = office.now();
        let first =
            rows::claim_due(db, Uuid::now_v7(), now, lease).await.unwrap().expect("the first claims it");
        assert!(rows::claim_due(db, Uuid::now_v7(), now, lease).await.unwrap().is_none());
        let claim = rows::claim_source(db, Uuid::now_v7(), source.id, now, lease).await.unwrap().unwrap();
        let held = rows::Held { source: source.id, source_fence: claim, fence: first.fence };
        let keep = async |held| {
            let mut tx = db.begin().await.unwrap();
            let kept = rows::renew(&mut tx, held, &first, now, lease).await.unwrap();
            tx.commit().await.unwrap();
            kept
        };
        assert!(keep(held).await);
        // Somebody pauses the source: its claim is gone, the move goes on with another.
        let mut tx = db.begin().await.unwrap();
        assert!(sources::pause(&mut tx, office.workspace(), source.id, now).await.unwrap());
        tx.commit().await.unwrap();
        assert!(!keep(held).await);
        let mut tx = db.begin().await.unwrap();
        rows::restarted(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        let second = rows::claim_due(db, Uuid::now_v7(), now, lease).await.unwrap().expect("claimed anew");
        assert!(second.fence > first.fence);
        let claim = rows::claim_source(db, Uuid::now_v7(), source.id, now, lease).await.unwrap().unwrap();
        assert!(!keep(rows::Held { source_fence: claim, ..held }).await, "the first one's claim is void");
        assert!(keep(rows::Held { source_fence: claim, fence: second.fence, ..held }).await);
        let mut tx = db.begin().await.unwrap();
        assert!(!rows::finish(&mut tx, &first, now).await.unwrap());
        assert!(rows::finish(&mut tx, &second, now).await.unwrap());
        tx.commit().await.unwrap();
    }
}

/// Promise: a source over Graph is not moved, and the API says so; of one that was never moved there is nothing to tell.
#[tokio::test]
async fn a_source_over_graph_is_not_moved() {
    let office = Office::new().await;
    let there = office.connect().await;
    let db = &office.console.shell.db;
    let source = sources::one(db, office.workspace(), there.source).await.unwrap().unwrap();
    let refused = begin(&office.state, &actor(&office), &source).await.unwrap_err();
    assert!(refused.what.contains("over Graph already"), "{}", refused.what);
    assert!(rows::of_source(db, source.id).await.unwrap().is_none());
}

/// Promise: a source whose account was let into EWS alone is not begun to move by the command line or the API, which say what has to be
/// done first; what would wait for a sign-in that nobody is asked for is not put on record.
#[tokio::test]
async fn a_move_that_needs_a_sign_in_is_not_begun() {
    for office in Office::all().await {
        let (there, source) = over_ews(&office).await;
        let db = &office.console.shell.db;
        grant(&office, &there, "openid https://outlook.office365.com/EWS.AccessAsUser.All").await;
        let router = api::local_router(office.api.clone());
        let path = format!("/api/v1/sources/{}/convert", source.id);
        let asked = http::Request::post(&path).body(axum::body::Body::empty()).unwrap();
        let answer = router.oneshot(asked).await.unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 100_000).await.unwrap();
        let body = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(status, StatusCode::CONFLICT, "{body}");
        for part in [
            "support@contoso.test may not use mail of Graph yet",
            "is still read over EWS",
            "asks to sign in",
        ] {
            assert!(body.contains(part), "{part} is missing: {body}");
        }
        assert!(rows::of_source(db, source.id).await.unwrap().is_none());
        // The application itself has no scopes that say so: it is tried.
        let app = sql!("UPDATE account SET kind = 'app', scopes = '' WHERE id = $1");
        db.execute(app, args![there.account]).await.unwrap();
        begin(&office.state, &actor(&office), &source).await.unwrap();
        assert!(rows::of_source(db, source.id).await.unwrap().is_some());
    }
}
