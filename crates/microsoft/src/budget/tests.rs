use super::*;

const PATIENT: Duration = Duration::from_hours(1);

fn budget(limits: Limits) -> Arc<Budget> {
    Arc::new(Budget::new(limits, 7))
}

async fn take(budget: &Arc<Budget>, priority: Priority) -> Permit {
    budget.acquire(Charge::ONE, priority, PATIENT).await.expect("patient enough")
}

#[tokio::test(start_paused = true)]
async fn no_more_than_ten_thousand_requests_in_any_ten_minutes() {
    let budget = budget(Limits::GRAPH);
    let begun = Instant::now();
    for _ in 0..10_000 {
        drop(take(&budget, Priority::Live).await);
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    drop(take(&budget, Priority::Live).await);
    assert!(begun.elapsed() >= Duration::from_mins(10), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_fifth_is_kept_for_live_mail() {
    let budget = budget(Limits::GRAPH);
    for _ in 0..8_000 {
        drop(take(&budget, Priority::Backlog).await);
    }
    let short = Duration::from_secs(30);
    let refused = budget
        .acquire(Charge::ONE, Priority::Backlog, short)
        .await
        .expect_err("the backlog has had its share");
    assert!(refused > Duration::from_secs(500), "{refused:?}");
    for _ in 0..2_000 {
        drop(budget.acquire(Charge::ONE, Priority::Live, short).await.expect("a fifth is left"));
    }
    assert!(budget.acquire(Charge::ONE, Priority::Live, short).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn four_at_once_and_live_mail_goes_first() {
    let budget = budget(Limits::GRAPH);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(take(&budget, Priority::Backlog).await);
    }
    let (sender, mut order) = tokio::sync::mpsc::unbounded_channel();
    for priority in [Priority::Slack, Priority::Backlog, Priority::Live] {
        let (budget, sender) = (Arc::clone(&budget), sender.clone());
        tokio::spawn(async move {
            let permit = take(&budget, priority).await;
            sender.send(priority).expect("listened to");
            drop(permit);
        });
        tokio::task::yield_now().await;
    }
    assert!(order.try_recv().is_err(), "nobody may go while four run");
    drop(held.pop());
    for expected in [Priority::Live, Priority::Backlog, Priority::Slack] {
        assert_eq!(order.recv().await, Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_takes_all_places_and_counts_with_its_parts() {
    let budget = budget(Limits::GRAPH);
    let whole = Charge { requests: 20, at_once: 20, upload_bytes: 4_000 };
    let batch = budget.acquire(whole, Priority::Slack, PATIENT).await.expect("free");
    assert_eq!(budget.used(), 20);
    assert!(budget.acquire(Charge::ONE, Priority::Live, Duration::from_secs(1)).await.is_err());
    drop(batch);
    drop(take(&budget, Priority::Live).await);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_was_asked_for_holds_everybody() {
    let budget = budget(Limits::GRAPH);
    budget.throttled(Some(Duration::from_secs(17)));
    let begun = Instant::now();
    let refused =
        budget.acquire(Charge::ONE, Priority::Live, Duration::from_secs(5)).await.expect_err("too long");
    assert_eq!((refused, begun.elapsed()), (Duration::from_secs(17), Duration::ZERO));
    drop(take(&budget, Priority::Live).await);
    assert_eq!(begun.elapsed(), Duration::from_secs(17));
}

#[tokio::test(start_paused = true)]
async fn pauses_without_a_named_time_grow_and_begin_small_again() {
    let budget = budget(Limits::GRAPH);
    let mut pauses = Vec::new();
    for _ in 0..12 {
        budget.throttled(None);
        // The other three that were under way are refused too: that is one refusal, not four.
        budget.throttled(None);
        let pause = budget.pause().expect("paused");
        pauses.push(pause);
        tokio::time::advance(pause).await;
        drop(take(&budget, Priority::Live).await);
    }
    assert!(pauses[0] >= Duration::from_millis(1_400) && pauses[0] <= Duration::from_secs(2), "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= Duration::from_mins(5)));
    assert!(pauses[11] >= Duration::from_secs(200), "{pauses:?}");
    budget.answered();
    budget.throttled(None);
    assert!(budget.pause().expect("paused") <= Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn slack_is_not_starved_for_ever() {
    let limits = Limits { at_once: 1, ..Limits::GRAPH };
    let budget = budget(limits);
    // Backlog without end: whoever has finished asks again at once.
    for _ in 0..3 {
        let budget = Arc::clone(&budget);
        tokio::spawn(async move {
            loop {
                let permit = take(&budget, Priority::Backlog).await;
                tokio::time::sleep(Duration::from_millis(500)).await;
                drop(permit);
            }
        });
    }
    tokio::task::yield_now().await;
    let begun = Instant::now();
    drop(take(&budget, Priority::Slack).await);
    assert!(
        begun.elapsed() >= PATIENCE_OF_SLACK && begun.elapsed() < PATIENCE_OF_SLACK * 2,
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn bytes_sent_up_are_limited_too() {
    let budget = budget(Limits::GRAPH);
    let large = Charge { upload_bytes: 100_000_000, ..Charge::ONE };
    drop(budget.acquire(large, Priority::Live, PATIENT).await.expect("free"));
    let begun = Instant::now();
    drop(budget.acquire(large, Priority::Live, PATIENT).await.expect("patient enough"));
    assert!(begun.elapsed() >= Duration::from_mins(5), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn giving_up_leaves_no_gap_in_the_queue() {
    let budget = budget(Limits { at_once: 1, ..Limits::GRAPH });
    let held = take(&budget, Priority::Live).await;
    let waiting = tokio::spawn({
        let budget = Arc::clone(&budget);
        async move { take(&budget, Priority::Live).await }
    });
    tokio::task::yield_now().await;
    waiting.abort();
    assert!(waiting.await.is_err_and(|error| error.is_cancelled()));
    drop(held);
    drop(take(&budget, Priority::Slack).await);
}
