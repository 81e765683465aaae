//! What the page that confirms a source promises of the day with which it begins, with the simulated Microsoft and Jira.

use store::{args, sql};

use super::tests_of_reading::World;
use super::tests_with_sim::{MAILBOX, open};
use crate::demo::connect::{self, Wishes};

/// Promise: a day is that of the time zone that was chosen beside it. The page says where it begins, exactly that moment is stored, and
/// the confirmation, the source's page and its form say the same day with the zone.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_day_is_that_of_its_time_zone() {
    let mut world = World::new().await;
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let page = connect::sign_in(&mut world.browser, &world.running.url, &wishes).await.unwrap();
    let (_, at) = page.links.iter().find(|(_, url)| url.path() == "/sources/new").unwrap().clone();
    let page = world.browser.open(&at).await.unwrap();
    let form = page.form(&["mailbox", "since", "zone"]).unwrap();
    assert!(page.html.contains("value=\"UTC\""), "the installation's zone stands in it: {}", page.html);
    let form = form
        .choosing("project", "SUP")
        .unwrap()
        .choosing("issue_type", "Task")
        .unwrap()
        .with("start", "since")
        .with("since", "2026-03-01");
    let wrong = form.clone().with("zone", "Mars/Base").with("do", "confirm");
    let refused = world.browser.submit(&wrong).await.unwrap();
    assert!(refused.html.contains("There is no time zone of this name"), "{}", refused.html);

    let form = form.with("zone", "Europe/Berlin");
    let said = "1 March 2026, 00:00 CET (Europe/Berlin)";
    let shown = world.browser.submit(&form.clone().with("do", "folders")).await.unwrap();
    assert!(shown.html.contains(&format!("It begins {said}.")), "{}", shown.html);
    let kept = world.browser.submit(&form.with("do", "confirm")).await.unwrap();
    assert!(kept.html.contains(&format!("mail since {said}")), "{}", kept.html);
    let (stored, zone, id): (i64, String, uuid::Uuid) = world
        .running
        .db
        .fetch_one(sql!("SELECT start_at, start_zone, id FROM source"), args![])
        .await
        .unwrap();
    let midnight: jiff::Timestamp = "2026-02-28T23:00:00Z".parse().unwrap();
    assert_eq!((stored, zone.as_str()), (midnight.as_microsecond(), "Europe/Berlin"));
    for path in [format!("/sources/{id}"), format!("/sources/{id}/edit")] {
        let page = open(&mut world.browser, &world.running, &path).await.html;
        assert!(
            page.contains(said) && !page.contains("28 February") && !page.contains("2026-02-28"),
            "{path}: {page}"
        );
    }
    world.running.stop().await;
    world.sim.stop().await;
}
