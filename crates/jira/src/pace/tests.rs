use std::time::Duration;

use http::Method;
use tokio::time::Instant;

use super::{Advice, Lane, Pace, PaceSettings, Reason, TooLong};

const LONG: Duration = Duration::from_hours(1);

fn pace() -> Pace {
    Pace::new(PaceSettings { seed: 7, ..PaceSettings::default() })
}

fn create() -> Lane<'static> {
    Lane { endpoint: "create issue", method: &Method::POST, issue: None }
}

fn refusal(reason: Option<Reason>, seconds: Option<u64>) -> Advice {
    Advice { retry_after: seconds.map(Duration::from_secs), reason, ..Advice::default() }
}

/// Never more than `limit` calls in any span of this length.
fn most_in(times: &[Instant], span: Duration) -> usize {
    (0..times.len())
        .map(|from| times[from..].iter().take_while(|t| **t < times[from] + span).count())
        .max()
        .unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn a_backlog_drains_just_under_the_published_rate() {
    let pace = pace();
    let begin = Instant::now();
    for _ in 0..10_000 {
        pace.turn(create(), LONG).await.unwrap();
    }
    let took = begin.elapsed().as_secs_f64();
    assert!((100.0..104.0).contains(&took), "10,000 calls at 99 a second took {took} s");
}

#[tokio::test(start_paused = true)]
async fn an_issue_is_written_to_within_both_of_its_limits() {
    let pace = pace();
    let lane = Lane { endpoint: "attach", method: &Method::POST, issue: Some("10001") };
    let mut times = Vec::new();
    for _ in 0..300 {
        pace.turn(lane, LONG).await.unwrap();
        times.push(Instant::now());
    }
    assert!(most_in(&times, Duration::from_secs(2)) <= 20);
    assert!(most_in(&times, Duration::from_secs(30)) <= 100);
    // And no slower than it must be.
    assert!(times[299] - times[0] < Duration::from_secs(95), "took {:?}", times[299] - times[0]);
}

#[tokio::test(start_paused = true)]
async fn other_issues_do_not_wait_for_a_busy_one() {
    let pace = pace();
    for _ in 0..40 {
        let lane = Lane { endpoint: "attach", method: &Method::POST, issue: Some("1") };
        pace.turn(lane, LONG).await.unwrap();
    }
    let begin = Instant::now();
    pace.turn(Lane { endpoint: "attach", method: &Method::POST, issue: Some("2") }, LONG).await.unwrap();
    assert!(begin.elapsed() < Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn a_quota_pauses_everything_for_as_long_as_was_asked() {
    let pace = pace();
    assert_eq!(
        pace.answered(create(), 429, &refusal(Some(Reason::Quota), Some(90))),
        Some(Duration::from_secs(90))
    );
    let begin = Instant::now();
    let read = Lane { endpoint: "myself", method: &Method::GET, issue: None };
    pace.turn(read, LONG).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(90));
    assert!(pace.pause().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_burst_limit_pauses_that_endpoint_only() {
    let pace = pace();
    pace.answered(create(), 429, &refusal(Some(Reason::Burst), Some(5)));
    let begin = Instant::now();
    pace.turn(Lane { endpoint: "comment", method: &Method::POST, issue: None }, LONG).await.unwrap();
    assert!(begin.elapsed() < Duration::from_millis(10));
    pace.turn(create(), LONG).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn an_issue_limit_pauses_that_issue_only() {
    let pace = pace();
    let lane = |issue| Lane { endpoint: "comment", method: &Method::POST, issue: Some(issue) };
    pace.answered(lane("1"), 429, &refusal(Some(Reason::Issue), Some(3)));
    let begin = Instant::now();
    pace.turn(lane("2"), LONG).await.unwrap();
    assert!(begin.elapsed() < Duration::from_millis(50));
    pace.turn(lane("1"), LONG).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn who_stood_in_the_queue_when_the_pause_came_waits_it_out_too() {
    let pace = std::sync::Arc::new(pace());
    for _ in 0..120 {
        pace.turn(create(), LONG).await.unwrap();
    }
    let waiting = tokio::spawn({
        let pace = std::sync::Arc::clone(&pace);
        async move {
            pace.turn(create(), LONG).await.unwrap();
            Instant::now()
        }
    });
    tokio::task::yield_now().await;
    let begin = Instant::now();
    pace.answered(create(), 429, &refusal(Some(Reason::Quota), Some(60)));
    assert!(waiting.await.unwrap() >= begin + Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_too_long_is_told_so_at_once_and_takes_no_turn() {
    let pace = pace();
    pace.answered(create(), 429, &refusal(None, Some(1847)));
    let begin = Instant::now();
    let told = pace.turn(create(), Duration::from_secs(10)).await;
    assert_eq!(told, Err(TooLong { wait: Duration::from_secs(1847), for_issue: false }));
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_too_long_for_one_issue_is_told_that_it_is_only_that_issue() {
    let pace = pace();
    let lane = Lane { endpoint: "attach", method: &Method::POST, issue: Some("1") };
    for _ in 0..98 {
        pace.turn(lane, LONG).await.unwrap();
    }
    let told = pace.turn(lane, Duration::from_secs(10)).await.unwrap_err();
    assert!(told.for_issue && told.wait > Duration::from_secs(10), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn pauses_without_a_length_grow_to_thirty_seconds_and_begin_anew_after_an_answer() {
    let pace = pace();
    let within = |pause: Duration, full: f64| (full * 0.69..full * 1.31).contains(&pause.as_secs_f64());
    for full in [2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
        let pause = pace.answered(create(), 429, &refusal(None, None)).unwrap();
        assert!(within(pause, full), "{pause:?} for {full}");
    }
    assert_eq!(pace.answered(create(), 201, &Advice::default()), None);
    assert!(within(pace.answered(create(), 429, &refusal(None, None)).unwrap(), 2.0));
}

#[tokio::test(start_paused = true)]
async fn near_the_limit_there_are_no_bursts() {
    let pace = pace();
    pace.answered(create(), 201, &Advice { near_limit: true, ..Advice::default() });
    let begin = Instant::now();
    for _ in 0..10 {
        pace.turn(create(), LONG).await.unwrap();
    }
    assert!(begin.elapsed() >= Duration::from_millis(90), "took {:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn thousands_of_issues_take_no_lasting_memory() {
    let pace = pace();
    for issue in 0..5_000 {
        let issue = issue.to_string();
        pace.turn(Lane { endpoint: "comment", method: &Method::POST, issue: Some(&issue) }, LONG)
            .await
            .unwrap();
    }
    // What is at rest goes; 30 s at 99 a second cannot.
    assert!(pace.state().issues.len() < 4_000);
}
