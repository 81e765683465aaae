//! What depends on the right by which a mailbox is reached, and what does not.

use std::sync::Arc;
use std::time::Duration;

use microsoft::{Change, Charge, Priority, SyncError};

use super::{Access, Bench, Write, draft, inbox, lies_in, mail, nothing};

/// Only somebody with rights on another's mailbox loses it together with them. The application and the mailbox's owner do not notice.
pub(crate) async fn rights_that_are_taken_away_are_told(bench: &Bench) {
    bench.levers.deliver(&mail(400)).await;
    assert_eq!(bench.mailbox.newest(&inbox(), 1).await.expect("the newest").len(), 1);
    bench.levers.take_right("full_access").await;
    let told = (
        bench.mailbox.sync(&inbox(), None).await,
        bench.mailbox.folders().await,
        bench.mailbox.create_draft(&draft(401)).await,
    );
    if bench.access != Access::Shared {
        assert!(told.0.is_ok() && told.1.is_ok() && told.2.is_ok(), "{told:?}");
        return;
    }
    let Err(SyncError::Fault(synced)) = told.0 else { panic!("{told:?}") };
    let all = [synced, told.1.expect_err("no right"), told.2.expect_err("no right")];
    for fault in all {
        assert_eq!((fault.entry.id, fault.leaves_doubt()), ("graph.access_denied", false), "{fault:?}");
    }
    let report = bench.mailbox.probe().await;
    assert_eq!(report.first_fault().map(|fault| fault.entry.id), Some("graph.access_denied"), "{report:?}");
}

/// Who sends as another's mailbox needs the right to, beside that to enter it; a mail that is refused for that stays a draft. The
/// application and the mailbox's owner need none.
pub(crate) async fn sending_as_a_mailbox_takes_the_right_to(bench: &Bench) {
    let id = bench.mailbox.create_draft(&draft(410)).await.expect("saved");
    bench.levers.take_right("send_as").await;
    let told = bench.mailbox.send_draft(&id).await;
    if bench.access != Access::Shared {
        told.expect("taken");
        assert_eq!(bench.levers.sent().await.len(), 1);
        return;
    }
    let refused = told.expect_err("no right");
    assert_eq!((refused.entry.id, refused.leaves_doubt()), ("graph.send_as", false), "{refused:?}");
    assert!(bench.levers.sent().await.is_empty());
    assert_eq!(bench.mailbox.is_draft(&id).await, Ok(Some(true)));
    assert!(lies_in(bench, &id).await.eq_ignore_ascii_case("drafts"));
}

/// A ping says who the account is, where it is somebody, and whose mailbox answers.
pub(crate) async fn a_ping_says_whose_mailbox_it_is(bench: &Bench) {
    let report = bench.mailbox.probe().await;
    let said = |name: &str| {
        let check = report.checks.iter().find(|check| check.name == name).expect("a line");
        check.outcome.clone().expect("well")
    };
    let whose = said("Mailbox");
    let is_own = whose.contains("the account's own mailbox");
    assert_eq!(is_own, bench.access == Access::Own, "{whose}");
    let who = said("Sign-in");
    match (bench.mailbox.transport(), bench.access) {
        // EWS has nobody to ask for that.
        (microsoft::Transport::Ews, _) => assert!(who.contains("access token"), "{who}"),
        (microsoft::Transport::Graph, Access::Application) => {
            assert!(who.contains("may not be read"), "{who}");
        }
        (microsoft::Transport::Graph, Access::Own) => assert!(who.contains("support@contoso.test"), "{who}"),
        (microsoft::Transport::Graph, Access::Shared) => assert!(who.contains("anna@contoso.test"), "{who}"),
    }
}

/// Single messages are fetched at the priority that was asked for: where the backlog's share of the quota is used up, who waits in
/// front of a page is served still.
pub(crate) async fn who_waits_goes_before_the_backlog(bench: &Bench) {
    bench.levers.deliver(&mail(420)).await;
    let id = bench.mailbox.newest(&inbox(), 1).await.expect("the newest")[0].id.clone();
    let whole = Charge { requests: 8_000, at_once: 0, ..Charge::ONE };
    let _all = Arc::clone(&bench.budget).acquire(whole, Priority::Live, Duration::ZERO).await.expect("leave");
    let live = bench.mailbox.at(Priority::Live);
    assert_eq!(live.transport(), bench.mailbox.transport());
    for _ in 0..2 {
        let waits = [
            bench.mailbox.mime(&id).await.map(drop),
            bench.mailbox.message(&id).await.map(drop),
            bench.mailbox.at(Priority::Backlog).mime(&id).await.map(drop),
        ];
        for waits in waits {
            let fault = waits.expect_err("not yet");
            assert_eq!(fault.entry.id, "graph.paused");
            assert!(fault.retry_after.is_some_and(|pause| pause > Duration::from_mins(5)), "{fault:?}");
        }
        assert!(live.mime(&id).await.is_ok_and(|mime| !mime.is_empty()));
        assert!(live.message(&id).await.is_ok_and(|found| found.is_some_and(|item| item.id == id)));
    }
}

/// A pause that the mailbox asks for is kept by everything that goes to it, and is told with its length where it is too long to wait.
pub(crate) async fn a_long_pause_is_told_and_kept(bench: &Bench) {
    bench.levers.throttle(1, Duration::from_mins(5)).await;
    for _ in 0..2 {
        // The second time the peer would answer, but is not asked.
        let fault = bench.mailbox.newest(&inbox(), 1).await.expect_err("not now");
        let pause = fault.retry_after.expect("told");
        assert!(pause > Duration::from_mins(4) && pause <= Duration::from_mins(5), "{fault:?}");
        assert!(!fault.leaves_doubt());
    }
}

/// A write that comes at a busy time is made once: what may be made again is, once the time is over; what may not is told as not
/// done, and is made where somebody asks again.
pub(crate) async fn a_write_at_a_busy_time_is_made_once(bench: &Bench) {
    bench.levers.deliver(&mail(430)).await;
    let mut id = bench.mailbox.newest(&inbox(), 1).await.expect("the newest")[0].id.clone();
    for (write, change) in [
        (Write::Mark, Change { mark_read: true, ..nothing(&id) }),
        (Write::Move, Change { move_to: Some("archive".into()), ..nothing(&id) }),
        (Write::Delete, Change { delete: true, ..nothing(&id) }),
    ] {
        bench.levers.busy(write).await;
        let told = bench.mailbox.change(&[Change { id: id.clone(), ..change }]).await.remove(0);
        let Ok(microsoft::Changed::Done { id: now }) = told else { panic!("{write:?}: {told:?}") };
        bench.levers.find().await;
        id = now;
    }
    let truth = bench.levers.truth().await;
    let ours: Vec<_> = truth.iter().filter(|truth| truth.message_id.contains("contract-430@")).collect();
    assert!(matches!(ours[..], [one] if one.is_read), "{ours:?}");

    let draft = draft(431);
    bench.levers.busy(Write::SaveDraft).await;
    let refused = bench.mailbox.create_draft(&draft).await.expect_err("not now");
    assert!(!refused.leaves_doubt(), "{refused:?}");
    bench.levers.find().await;
    let id = bench.mailbox.create_draft(&draft).await.expect("saved");
    bench.levers.busy(Write::SendDraft).await;
    let refused = bench.mailbox.send_draft(&id).await.expect_err("not now");
    assert!(!refused.leaves_doubt(), "{refused:?}");
    bench.levers.find().await;
    assert!(bench.levers.sent().await.is_empty());
    bench.mailbox.send_draft(&id).await.expect("taken");
    assert_eq!(bench.levers.sent().await.len(), 1);
}
