//! The contract of a mailbox, against the simulator: one suite for both transports and for each right by which a mailbox is reached.
#![allow(missing_docs, reason = "a test")]

mod contract;
#[path = "../../sim/tests/wire/envelopes.rs"]
mod envelopes;
mod world;

use contract::Access;
use fault::Class;
use microsoft::graph::{Denied, IdKind, Translated, Wanted};
use microsoft::{Change, Find, Mailbox, NativeId, SyncError, Transport, message};
use secrecy::SecretString;
use serde_json::json;
use world::World;

/// Every promise of the contract, each with a simulator of its own.
macro_rules! suite {
    ($transport:ident, $access:ident) => {
        promises!($transport, $access:
            a_folder_is_listed_completely,
            a_message_is_fetched,
            files_come_as_they_were_sent,
            a_picture_in_the_body_is_not_passed_over,
            a_message_without_its_mime_is_told_otherwise,
            a_message_is_marked,
            messages_are_moved,
            what_is_gone_is_no_fault,
            a_forgotten_place_is_a_reset,
            a_short_refusal_is_waited_out,
            a_long_pause_is_told_and_kept,
            a_short_outage_is_waited_out,
            who_waits_goes_before_the_backlog,
            ids_alone_lead_around_a_page,
            a_backlog_is_listed_oldest_first,
            a_draft_is_saved_and_sent,
            files_are_added_to_a_draft,
            a_large_file_is_added_or_refused,
            a_file_whose_answer_is_lost_is_added_once,
            an_upload_whose_answers_are_lost_goes_on,
            an_upload_that_is_forgotten_begins_anew,
            a_file_that_is_refused_leaves_no_doubt,
            a_folder_that_is_gone_is_told,
            marks_whose_answer_is_lost_are_made_once,
            a_move_whose_answer_is_lost_is_made_once,
            a_deletion_whose_answer_is_lost_is_made_once,
            a_draft_whose_answer_is_lost_is_saved_once,
            a_mail_whose_answer_is_lost_is_sent_once,
            a_write_that_is_refused_leaves_no_doubt,
            a_write_at_a_busy_time_is_made_once,
            a_move_to_a_folder_that_is_gone_is_told,
            a_corrupt_message_costs_itself_only,
            rights_that_are_taken_away_are_told,
            sending_as_a_mailbox_takes_the_right_to,
            a_ping_says_whose_mailbox_it_is,
            the_mailbox_tells_about_itself,
        );
    };
}

macro_rules! promises {
    ($transport:ident, $access:ident: $($name:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $name() {
            let world = crate::world::World::new().await;
            let bench = world.bench(microsoft::Transport::$transport, crate::contract::Access::$access).await;
            crate::contract::$name(&bench).await;
            world.end().await;
        })*
    };
}

mod graph {
    mod application {
        suite!(Graph, Application);
    }
    mod own {
        suite!(Graph, Own);
    }
    mod shared {
        suite!(Graph, Shared);
    }
}

mod ews {
    mod application {
        suite!(Ews, Application);
    }
    mod own {
        suite!(Ews, Own);
    }
    mod shared {
        suite!(Ews, Shared);
    }
}

/// A mail with files is the same over both transports and by every right, byte for byte.
#[tokio::test]
async fn a_mail_is_the_same_however_it_is_reached() {
    let world = World::new().await;
    let bench = world.bench(Transport::Graph, Access::Application).await;
    contract::files_come_as_they_were_sent(&bench).await;
    let by = Find::MessageId("contract-300@example.org".to_owned());
    let mut told = Vec::new();
    for access in [Access::Application, Access::Own, Access::Shared] {
        let both: [Box<dyn Mailbox>; 2] =
            [Box::new(world.graph(access).await), Box::new(world.ews(access).await)];
        for mailbox in both {
            let id = mailbox.find(&by).await.expect("found").remove(0);
            told.push(mailbox.mime(&id).await.expect("MIME"));
        }
    }
    assert_eq!(told.len(), 6);
    assert!(told.iter().all(|mime| *mime == told[0]));
    world.end().await;
}

/// An address that proves itself to Graph.
async fn echo() -> url::Url {
    async fn answer(query: axum::extract::RawQuery) -> String {
        let query = query.0.unwrap_or_default();
        let token = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "validationToken");
        token.map(|(_, token)| token.into_owned()).unwrap_or_default()
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://localhost:{port}/notices").parse().expect("an address")
}

/// Graph announces the mail of a mailbox to the application and to its owner. Whoever has rights on another's mailbox is refused, as
/// such and without doubt: new mail is polled for there.
#[tokio::test]
async fn new_mail_of_anothers_mailbox_is_not_announced() {
    let world = World::new().await;
    let address = echo().await;
    let secret = SecretString::from("a secret of this subscription");
    let inbox = "inbox".into();
    for access in [Access::Application, Access::Own, Access::Shared] {
        let mailbox = world.graph(access).await;
        let expires = world.sim.clock().now() + jiff::SignedDuration::from_hours(1);
        let wanted = Wanted {
            folder: &inbox,
            notification_url: &address,
            lifecycle_url: &address,
            client_state: &secret,
            expires,
        };
        match mailbox.subscribe(&wanted).await {
            Ok(made) => {
                assert_ne!(access, Access::Shared);
                let all = mailbox.subscriptions().await.expect("a list");
                assert_eq!(all.iter().map(|one| &one.id).collect::<Vec<_>>(), [&made.id]);
                mailbox.unsubscribe(&made.id).await.expect("ended");
            }
            Err(Denied::NotAllowed(fault)) => {
                assert_eq!(access, Access::Shared, "{fault:?}");
                assert!(!fault.leaves_doubt() && fault.entry.class != Class::Transient, "{fault:?}");
                assert!(mailbox.subscriptions().await.expect("a list").is_empty());
                assert!(mailbox.sync(&inbox, None).await.is_ok(), "it is read all the same");
            }
            Err(denied) => panic!("{access:?}: {denied:?}"),
        }
    }
    world.end().await;
}

/// What is recorded over EWS is known over Graph afterwards: each id has its counterpart, and the same mail lies behind both.
#[tokio::test]
async fn ids_of_ews_are_those_of_graph_once_translated() {
    let world = World::new().await;
    let bench = world.bench(Transport::Ews, Access::Application).await;
    for number in 0..30 {
        bench.levers.deliver(&contract::mail(number)).await;
    }
    let (ews, graph) = (world.ews(Access::Application).await, world.graph(Access::Application).await);
    let listed = ews.newest(&"inbox".into(), 30).await.expect("the newest");
    let mut ids: Vec<NativeId> = listed.iter().map(|item| item.id.clone()).collect();
    ids.push("bm9ib2R5".into());
    let told = graph.translate_ids(&ids, IdKind::Ews, IdKind::RestImmutable).await.expect("translated");
    assert_eq!(told.len(), ids.len());
    assert!(matches!(told.last(), Some(Translated::Unknown(_))), "one that is no id of this mailbox");
    for (item, told) in listed.iter().zip(&told) {
        let Translated::Id(id) = told else { panic!("{told:?}") };
        let counterpart = graph.message(id).await.expect("an answer").expect("is there");
        assert_eq!(counterpart.internet_message_id, item.internet_message_id);
        assert_eq!(counterpart.received_at, item.received_at);
        assert_eq!(counterpart.conversation_id, item.conversation_id, "a conversation stays one");
        let (over_ews, over_graph) =
            (message::read(&item.raw).expect("reads"), message::read(&counterpart.raw).expect("reads"));
        assert_eq!(over_ews.headers, over_graph.headers);
        assert_eq!(
            (over_ews.needs_mime(), over_ews.subject, over_ews.from, over_ews.to),
            (over_graph.needs_mime(), over_graph.subject, over_graph.from, over_graph.to)
        );
    }
    world.end().await;
}

/// *Archive* is found by its name where the server knows it. A server of one's own does not and takes a request that names it for
/// invalid: there the folder is one among others in the tree, mail is moved there by its id, and the name means no folder.
#[tokio::test]
async fn the_archive_is_found_by_its_name_where_the_server_knows_it() {
    let world = World::new().await;
    let bench = world.bench(Transport::Ews, Access::Application).await;
    let inbox = "inbox".into();
    let moved = async |to: &str| {
        bench.levers.deliver(&contract::mail(1)).await;
        let id = bench.mailbox.newest(&inbox, 1).await.expect("the newest")[0].id.clone();
        let change = Change {
            id,
            mark_read: false,
            categories: Vec::new(),
            stamp: Some("stamped".to_owned()),
            move_to: Some(to.into()),
            delete: false,
        };
        bench.mailbox.change(&[change]).await.remove(0)
    };
    let archive = async || {
        let folders = bench.mailbox.folders().await.expect("the tree");
        folders.into_iter().find(|folder| folder.name == "Archive").expect("is in it")
    };
    assert_eq!(archive().await.well_known.as_deref(), Some("archive"));
    assert!(moved("archive").await.is_ok());

    let base = world.told("control");
    let own = json!({ "own": true });
    let answer = world.http.post(format!("{base}/ews/server")).json(&own).send().await.expect("sent");
    assert!(answer.status().is_success());
    let there = archive().await;
    assert_eq!((there.well_known, there.total), (None, 1));
    assert!(moved(there.id.as_str()).await.is_ok());
    assert_eq!(archive().await.total, 2);
    assert_eq!(bench.mailbox.folder("archive").await.expect_err("no name").entry.id, "graph.folder_gone");
    assert_eq!(moved("archive").await.expect_err("no name").entry.id, "graph.folder_gone");
    assert_eq!(
        bench.mailbox.find(&Find::Stamp { value: "stamped".to_owned() }).await.expect("found").len(),
        3
    );
    world.end().await;
}

/// A tenant that switches EWS off, or does not list the application, is told as such, with the way to Graph.
#[tokio::test]
async fn a_tenant_without_ews_is_told_the_way_to_graph() {
    let world = World::new().await;
    let bench = world.bench(Transport::Ews, Access::Application).await;
    let base = world.told("control");
    for (policy, entry) in [
        (json!({ "enabled": false }), "ews.disabled"),
        (json!({ "enabled": true, "allowed_app_ids": [] }), "ews.not_allowed"),
    ] {
        let answer = world.http.post(format!("{base}/ews/policy")).json(&policy).send().await.expect("sent");
        assert!(answer.status().is_success());
        let Err(SyncError::Fault(fault)) = bench.mailbox.sync(&"inbox".into(), None).await else {
            panic!("a fault")
        };
        assert_eq!(fault.entry.id, entry);
        assert!(fault.entry.mend.contains("Graph"));
    }
    world.end().await;
}
