//! Sources and outbounds over Exchange Web Services, through the pages of the console and of the simulated Microsoft, over HTTP.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use store::testing::TestFolder;
use store::{args, sql};

use super::tests_with_sim::{open, settings};
use crate::demo::browser::{Browser, Form, Page};
use crate::demo::connect::{self, OWNER, Wishes};
use crate::serve::{self, Running};

const SUPPORT: &str = "support@contoso.test";
const ANNA: &str = "anna@contoso.test";
const ADMIN: &str = "admin@contoso.test";

/// A console whose EWS is the simulator's, with a person in front of it.
struct World {
    sim: sim::Sim,
    running: Running,
    browser: Browser,
    http: reqwest::Client,
    _folder: TestFolder,
}

impl World {
    async fn new() -> Self {
        Self::with(|config, sim| config.microsoft.ews_url = Some(sim.ews.parse().unwrap())).await
    }

    async fn with(change: impl FnOnce(&mut crate::config::Config, &sim::Ready)) -> Self {
        let folder = TestFolder::new();
        let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
        let mut config = settings(&folder, sim.ready());
        change(&mut config, sim.ready());
        let running = serve::start(config).await.unwrap();
        let mut browser = Browser::new(connect::http().unwrap());
        connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
        Self { sim, running, browser, http: connect::http().unwrap(), _folder: folder }
    }

    async fn stop(self) {
        self.running.stop().await;
        self.sim.stop().await;
    }

    /// Asks the simulator's control.
    async fn control(&self, path: &str, body: Option<Value>) -> Value {
        let at = format!("{}{path}", self.sim.ready().control.trim_end_matches('/'));
        let asked = match body {
            Some(body) => self.http.post(at).json(&body),
            None => self.http.get(at),
        };
        let answer = asked.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn forget(&self, path: &str) {
        let at = format!("{}{path}", self.sim.ready().control.trim_end_matches('/'));
        assert!(self.http.delete(at).send().await.unwrap().status().is_success());
    }

    async fn open(&mut self, path: &str) -> Page {
        open(&mut self.browser, &self.running, path).await
    }

    async fn submit(&mut self, form: Form) -> Page {
        let page = self.browser.submit(&form).await.unwrap();
        assert!(page.url.origin() == self.running.url.origin(), "{}: {}", page.url, page.said());
        page
    }

    /// Presses the button of a page whose form goes there.
    async fn press(&mut self, page: &Page, ends: &str) -> Page {
        // The buttons for a new sign-in stand on every list.
        let is_meant = |form: &&Form| {
            let path = form.action.path();
            path.ends_with(ends) && !matches!(path, "/sources/sign-in" | "/outbounds/sign-in")
        };
        let form = page.forms.iter().find(is_meant).cloned();
        let form = form.unwrap_or_else(|| panic!("nothing leads to {ends}: {}", page.html));
        self.browser.submit(&form).await.unwrap()
    }

    /// Create over EWS with an account, up to where it stops.
    async fn create(&mut self, list: &str, server: &str, account: &str) -> Page {
        let wishes = wishes(account);
        let url = self.running.url.clone();
        connect::begin_over_ews(&mut self.browser, &url, list, server, &wishes).await.unwrap()
    }

    /// From a page of Microsoft back to the console.
    async fn through(&mut self, page: Page, account: &str) -> Page {
        let url = self.running.url.clone();
        connect::through_microsoft(&mut self.browser, &url, page, &wishes(account)).await.unwrap()
    }

    /// Makes the outbound that the form is for.
    async fn make_outbound(&mut self, page: &Page, mailbox: &str) -> Page {
        assert_eq!(page.url.path(), "/outbounds/new", "{}", page.said());
        assert!(page.html.contains("2027-04-01"), "over EWS there is a warning: {}", page.html);
        let form = page.form(&["mailbox", "from_name"]).unwrap().with("mailbox", mailbox);
        self.submit(form).await
    }

    /// Pings the only outbound; gives the list with what was found.
    async fn ping(&mut self) -> Page {
        let list = self.open("/outbounds").await;
        self.press(&list, "/ping").await
    }

    /// Looks at a page until it says so.
    async fn until(&mut self, path: &str, what: &str, is_so: impl Fn(&str) -> bool) -> Page {
        let mut last = String::new();
        for _ in 0..300 {
            self.running.poll_now();
            let page = self.open(path).await;
            if is_so(&page.html) {
                return page;
            }
            last = page.html;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{what}: not within half a minute: {last}");
    }

    /// What EWS was asked since the last look, without what reads folders: operation, mailbox of the caller, anchor, impersonated.
    async fn asked(&self) -> Vec<(String, String, String, bool)> {
        let all = self.control("/ews/requests", None).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let asked = all.as_array().unwrap().iter();
        asked
            .map(|one| {
                let who = (text(&one["operation"]), text(&one["mailbox"]), text(&one["anchor"]));
                (who.0, who.1, who.2, one["impersonates"] == true)
            })
            .collect()
    }

    /// What left the tenant: recipients and MIME.
    async fn sent_outside(&self) -> String {
        let all = self.control("/sent-outside", None).await;
        let one = |sent: &Value| {
            let mime = STANDARD.decode(sent["mime_base64"].as_str().unwrap()).unwrap();
            format!("{} {}\n", sent["to"], String::from_utf8_lossy(&mime))
        };
        all.as_array().unwrap().iter().map(one).collect()
    }

    fn deliver(&self, to: &str, subject: &str) {
        let mail = format!("From: ada@customer.example\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nHelp.\r\n");
        self.sim.deliver(to, mail).unwrap();
    }

    async fn issues(&self) -> String {
        self.control("/jira/issues", None).await.to_string()
    }
}

fn wishes(account: &str) -> Wishes {
    Wishes::everything(account, "SUP", "Task")
}

/// Promise: an outbound over EWS is made by a sign-in for EWS alone, sends a test to whoever pings it and notices through the mail
/// channel, is validated with the same permission; and where Exchange bars EWS, one press moves it to Graph, asking for what that takes.
#[tokio::test(flavor = "multi_thread")]
async fn an_outbound_over_ews_sends_and_moves_to_graph() {
    let mut world = World::new().await;
    let form = world.create("/outbounds", "", SUPPORT).await;
    let list = world.make_outbound(&form, SUPPORT).await;
    assert!(list.html.contains(">EWS<") && list.html.contains(">online<"), "{}", list.html);
    let (scopes,): (String,) =
        world.running.db.fetch_one(sql!("SELECT scopes FROM account"), args![]).await.unwrap();
    assert!(scopes.contains("/EWS.AccessAsUser.All") && !scopes.contains("Mail."), "EWS alone: {scopes}");

    world.forget("/ews/requests").await;
    let pinged = world.ping().await;
    for part in [
        "All checks are good",
        "Token",
        "Identity",
        "as support@contoso.test",
        "Folder",
        "Count",
        "Right to write",
        "test mail is on its way",
    ] {
        assert!(pinged.html.contains(part), "{part} is missing: {}", pinged.html);
    }
    let asked = world.asked().await;
    for operation in ["CreateItem", "SendItem"] {
        let one = asked.iter().find(|one| one.0 == operation);
        assert_eq!(
            one.map(|one| (one.1.as_str(), one.2.as_str(), one.3)),
            Some((SUPPORT, SUPPORT, false)),
            "{asked:?}"
        );
    }
    let sent = world.sent_outside().await;
    assert!(sent.contains(OWNER) && sent.contains("test mail from support@contoso.test"), "{sent}");

    // The mail channel of notices sends through it.
    let new = world.open("/notices/channels/new?kind=mail").await;
    let form =
        new.form(&["name", "to"]).unwrap().with("name", "Operations").with("to", "ops@customer.example");
    let added = world.submit(form).await;
    assert!(added.status.is_success(), "{}", added.said());
    let list = world.open("/notices").await;
    let tested = world.press(&list, "/test").await;
    assert!(tested.html.contains("sent from support@contoso.test"), "{}", tested.html);
    let sent = world.sent_outside().await;
    assert!(sent.contains("ops@customer.example"), "{sent}");

    // Validate asks for the same permission and no other.
    let list = world.open("/outbounds").await;
    let page = world.press(&list, "/sign-in").await;
    let leave = page.link("go on to microsoft").unwrap();
    let scope = leave.query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned();
    assert!(scope.contains("/EWS.AccessAsUser.All") && !scope.contains("Mail."), "{scope}");
    let sent = world.sent_outside().await;
    let back = world.through(page, SUPPORT).await;
    assert_eq!(back.url.path(), "/outbounds", "{}", back.html);
    for part in ["All that was tried is good", "Token", "as support@contoso.test", "not tried"] {
        assert!(back.html.contains(part), "{part} is missing: {}", back.html);
    }
    assert_eq!(world.sent_outside().await, sent, "nobody pressed Ping: no test mail is sent");

    // Exchange bars EWS: the way to Graph stands beside the fault.
    world.control("/ews/policy", Some(json!({ "enabled": false }))).await;
    let pinged = world.ping().await;
    assert!(pinged.html.contains("Exchange Web Services are switched off"), "{}", pinged.html);
    let list = world.open("/outbounds").await;
    assert!(list.html.contains("offline") && list.html.contains("Move to Graph"), "{}", list.html);
    let page = world.press(&list, "/convert").await;
    let scope = page.link("go on to microsoft").unwrap();
    let scope = scope.query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned();
    assert!(
        scope.contains("Mail.ReadWrite") && scope.contains("Mail.Send") && !scope.contains("EWS"),
        "{scope}"
    );
    let moved = world.through(page, SUPPORT).await;
    assert!(moved.url.path().starts_with("/outbounds/"), "{}: {}", moved.url, moved.html);
    assert!(moved.html.contains("sends over Graph from now on"), "{}", moved.html);
    let pinged = world.ping().await;
    assert!(pinged.html.contains("All checks are good") && !pinged.html.contains(">EWS<"), "{}", pinged.html);
    world.stop().await;
}

/// Promise: EWS needs an administrator under Microsoft's own policy. Who is stopped is told what to do, differently for AADSTS90094 and
/// AADSTS90095, waits in the list of what they were making, and goes on from there by themselves once it is approved.
#[tokio::test(flavor = "multi_thread")]
async fn ews_waits_for_an_administrator_and_goes_on() {
    for (list, code, requests) in [("/sources", "AADSTS90094", false), ("/outbounds", "AADSTS90095", true)] {
        let mut world = World::new().await;
        let policy = json!({ "user_consent": "managed", "consent_requests": requests });
        world.control("/policies", Some(policy)).await;
        let page = world.create(list, "", SUPPORT).await;
        assert!(page.url.path().starts_with("/approvals/"), "{}: {}", page.url, page.html);
        for part in
            [code, SUPPORT, "EWS.AccessAsUser.All", if requests { "reviewers" } else { "no way to ask" }]
        {
            assert!(page.html.contains(part), "{part} is missing: {}", page.html);
        }
        assert!(!page.html.contains("Mail.ReadWrite"), "nothing but EWS is asked for: {}", page.html);
        let other = if list == "/sources" { "/outbounds" } else { "/sources" };
        let waits = world.open(list).await;
        assert!(waits.html.contains("admin approval needed") && waits.html.contains("EWS"), "{}", waits.html);
        assert!(!world.open(other).await.html.contains("admin approval needed"));
        let url = world.running.url.clone();
        let next = connect::wait_for_approval(&mut world.browser, &url, page, ADMIN).await.unwrap();
        assert_eq!(next.url.path(), format!("{list}/new"), "{}", next.html);
        if list == "/sources" {
            connect::confirm(&mut world.browser, &url, next, &wishes(SUPPORT)).await.unwrap();
            world.deliver(SUPPORT, "Approved and read");
            becomes_an_issue(&world, "Approved and read").await;
            // Let into EWS alone: Graph waits for the administrator, too, and then the source moves without another press.
            let all = world.open(list).await;
            let page = world.press(&all, "/convert").await;
            let page = world.through(page, SUPPORT).await;
            assert!(page.url.path().starts_with("/approvals/"), "{}: {}", page.url, page.html);
            assert!(page.html.contains("Mail.ReadWrite") && !page.html.contains("EWS."), "{}", page.html);
            let next = connect::wait_for_approval(&mut world.browser, &url, page, ADMIN).await.unwrap();
            assert!(next.url.path().starts_with("/sources/"), "{}", next.url);
            world.until(list, "the source is read over Graph", |html| html.contains(">Graph<")).await;
            world.deliver(SUPPORT, "Moved and read");
            becomes_an_issue(&world, "Moved and read").await;
        } else {
            world.make_outbound(&next, SUPPORT).await;
            let pinged = world.ping().await;
            assert!(pinged.html.contains("All checks are good"), "{}", pinged.html);
        }
        world.stop().await;
    }
}

/// Promise: where a consent to EWS is taken back (AADSTS65001), source and outbound say that an administrator has to approve, and work
/// again by themselves once that was done.
#[tokio::test(flavor = "multi_thread")]
async fn a_consent_to_ews_that_is_taken_back_is_waited_for() {
    let mut world = World::new().await;
    let form = world.create("/outbounds", "", SUPPORT).await;
    world.make_outbound(&form, SUPPORT).await;
    world.forget("/consents").await;
    world.control("/policies", Some(json!({ "user_consent": "managed" }))).await;
    // The token that is there lasts for an hour; whoever is in doubt validates, and Microsoft says it.
    world.running.connections.forget();
    let pinged = world.ping().await;
    assert!(pinged.html.contains("AADSTS65001"), "{}", pinged.html);
    let list = world.open("/outbounds").await;
    assert!(list.html.contains("admin approval needed"), "{}", list.html);
    let page = world.press(&list, "/wait").await;
    for part in ["AADSTS65001", "Nobody has consented", "EWS.AccessAsUser.All", "adminconsent"] {
        assert!(page.html.contains(part), "{part} is missing: {}", page.html);
    }
    let link = page.link("open the link here").unwrap();
    connect::approve(&link, &world.running.url.clone(), ADMIN).await.unwrap();
    world
        .until("/outbounds", "the outbound works again", |html| {
            html.contains(">online<") && !html.contains("admin approval needed")
        })
        .await;
    world.stop().await;
}

/// Chooses another mailbox than the account's own, and confirms.
async fn confirm_mailbox(world: &mut World, page: Page, mailbox: &str) {
    let form = page.forms.iter().find(|form| form.action.path() == "/sources/new").cloned().unwrap();
    let form = if form.options.contains_key("mailbox") {
        form.choosing("mailbox", mailbox).unwrap()
    } else {
        form.with("mailbox", mailbox)
    };
    let page = world.submit(form.with("do", "dry_run")).await;
    let url = world.running.url.clone();
    connect::confirm(&mut world.browser, &url, page, &wishes(SUPPORT)).await.unwrap();
}

async fn becomes_an_issue(world: &World, subject: &str) {
    for _ in 0..300 {
        if world.issues().await.contains(subject) {
            return;
        }
        world.running.poll_now();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{subject} does not become an issue: {}", world.issues().await);
}

/// Promise: a shared mailbox is read, marked and sent from over EWS by an account that has rights on it, anchored at that mailbox; and
/// where the right to send as it is missing, that is named.
#[tokio::test(flavor = "multi_thread")]
async fn a_shared_mailbox_is_read_and_sent_from_over_ews() {
    let mut world = World::new().await;
    let right = |grant: bool, rights: Value| json!({ "mailbox": SUPPORT, "user": ANNA, "grant": grant, "rights": rights });
    world.control("/delegates", Some(right(true, json!(["full_access", "send_as"])))).await;
    world.deliver(SUPPORT, "Shared and read");
    let page = world.create("/sources", "", ANNA).await;
    confirm_mailbox(&mut world, page, SUPPORT).await;
    becomes_an_issue(&world, "Shared and read").await;
    let path = format!("/mailboxes/{SUPPORT}/messages");
    for turn in 0.. {
        let all = world.control(&path, None).await;
        if all.to_string().contains("\"is_read\":true") {
            break;
        }
        assert!(turn < 300, "the mail is not marked: {all}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let form = world.create("/outbounds", "", ANNA).await;
    world.make_outbound(&form, SUPPORT).await;
    let pinged = world.ping().await;
    for part in ["All checks are good", "as anna@contoso.test", "the shared mailbox support@contoso.test"] {
        assert!(pinged.html.contains(part), "{part} is missing: {}", pinged.html);
    }
    let asked = world.asked().await;
    let elsewhere: Vec<_> = asked
        .iter()
        .filter(|one| matches!(one.0.as_str(), "SyncFolderItems" | "UpdateItem" | "CreateItem" | "SendItem"))
        .filter(|one| (one.1.as_str(), one.2.as_str(), one.3) != (ANNA, SUPPORT, false))
        .collect();
    assert!(elsewhere.is_empty(), "another anchor than the shared mailbox: {elsewhere:?}");
    for operation in ["SyncFolderItems", "UpdateItem", "CreateItem", "SendItem"] {
        assert!(asked.iter().any(|one| one.0 == operation), "{operation} was not asked for: {asked:?}");
    }
    assert!(world.sent_outside().await.contains("test mail from support@contoso.test"));

    world.control("/delegates", Some(right(false, json!(["send_as"])))).await;
    let pinged = world.ping().await;
    assert!(pinged.html.contains("ErrorSendAsDenied"), "{}", pinged.html);
    world.stop().await;
}

/// Promise: a grant that has ended is told over EWS at the first refused call for all that uses the account, though each would meet it
/// at a time of its own; Microsoft is not asked again; it stands once on a page, and a new sign-in brings all of it back.
#[tokio::test(flavor = "multi_thread")]
async fn an_ended_grant_is_told_for_all_that_uses_it() {
    let mut world = World::new().await;
    let page = world.create("/sources", "", SUPPORT).await;
    confirm_mailbox(&mut world, page, SUPPORT).await;
    let form = world.create("/outbounds", "", SUPPORT).await;
    world.make_outbound(&form, SUPPORT).await;
    let list = world.open("/outbounds").await;
    assert!(list.html.contains(">online<"), "{}", list.html);

    // An outbound without mail to send asks for nothing: only the source meets it.
    world.control("/revoke", Some(json!({ "upn": SUPPORT, "access_tokens": true }))).await;
    world.until("/sources", "the source says so", |html| html.contains("AADSTS50173")).await;
    let list = world.open("/outbounds").await;
    assert!(list.html.contains("AADSTS50173") && list.html.contains("Sign in again"), "{}", list.html);
    let notices = world.open("/notices").await;
    let (outbound,): (uuid::Uuid,) =
        world.running.db.fetch_one(sql!("SELECT id FROM outbound"), args![]).await.unwrap();
    let (source,): (uuid::Uuid,) =
        world.running.db.fetch_one(sql!("SELECT id FROM source"), args![]).await.unwrap();
    for href in [format!("/sources/{source}"), format!("/outbounds/{outbound}")] {
        assert!(notices.html.contains(&format!("href=\"{href}\"")), "{href}: {}", notices.html);
    }

    // Who meets it later meets what is known: Microsoft is not asked, and nothing is told twice.
    world.forget("/counters").await;
    let pinged = world.ping().await;
    assert!(pinged.html.contains("AADSTS50173"), "{}", pinged.html);
    let asked = world.control("/counters", None).await["entra"]["by_operation"].to_string();
    assert!(!asked.contains("/token"), "{asked}");
    for page in [format!("/sources/{source}"), format!("/outbounds/{outbound}")] {
        let page = world.open(&page).await;
        assert_eq!(page.html.matches("<div class=\"fault ").count(), 1, "{}", page.html);
        let happened = page.html.split_once("id=\"timeline\"").expect("a timeline").1;
        assert_eq!(happened.matches("<li class=\"bad\">").count(), 1, "{happened}");
    }

    let list = world.open("/outbounds").await;
    let page = world.press(&list, "/sign-in").await;
    world.through(page, SUPPORT).await;
    world.until("/outbounds", "the outbound is back", |html| html.contains(">online<")).await;
    world.until("/sources", "the source is back", |html| html.contains(">online<")).await;
    world.stop().await;
}

/// Promise: what Exchange asks for in the middle (a claims challenge) is answered by itself where a token can bring it, for what is read and
/// what is sent; where it takes a person, both say so, and the one sign-in that mends them carries what Exchange asks for.
#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_of_exchange_is_answered_or_carried_to_the_sign_in() {
    let mut world = World::new().await;
    let page = world.create("/sources", "", SUPPORT).await;
    confirm_mailbox(&mut world, page, SUPPORT).await;
    let form = world.create("/outbounds", "", SUPPORT).await;
    world.make_outbound(&form, SUPPORT).await;

    world.control("/challenge", Some(json!({ "upn": SUPPORT }))).await;
    world.deliver(SUPPORT, "Answered silently");
    becomes_an_issue(&world, "Answered silently").await;
    world.control("/challenge", Some(json!({ "upn": SUPPORT }))).await;
    let pinged = world.ping().await;
    assert!(pinged.html.contains("All checks are good"), "{}", pinged.html);
    for list in ["/sources", "/outbounds"] {
        let list = world.open(list).await;
        assert!(list.html.contains(">online<") && !list.html.contains("AADSTS"), "{}", list.html);
    }

    world.control("/challenge", Some(json!({ "upn": SUPPORT, "needs_person": true }))).await;
    world.deliver(SUPPORT, "Waited for the second factor");
    world.until("/sources", "the source asks for a person", |html| html.contains("Sign in again")).await;
    let pinged = world.ping().await;
    assert!(pinged.html.contains("AADSTS500"), "{}", pinged.html);
    let list = world.open("/outbounds").await;
    assert!(list.html.contains("Sign in again"), "{}", list.html);
    let page = world.press(&list, "/sign-in").await;
    let leave = page.link("go on to microsoft").unwrap();
    let claims = leave.query_pairs().find(|(name, _)| name == "claims").unwrap().1.into_owned();
    let claims: Value = serde_json::from_str(&claims).unwrap();
    assert_eq!(claims["access_token"]["xms_cc"]["values"], json!(["cp1"]), "{claims}");
    assert!(
        claims["access_token"].as_object().unwrap().len() > 1,
        "what Exchange asked for is missing: {claims}"
    );
    world.through(page, SUPPORT).await;
    world.until("/outbounds", "the outbound is back", |html| html.contains(">online<")).await;
    becomes_an_issue(&world, "Waited for the second factor").await;
    world.until("/sources", "the source is back", |html| html.contains(">online<")).await;
    world.stop().await;
}

/// Promise: by application permission mailboxes are read and sent from over EWS in the name of their owner; one outside the fence is
/// refused, and the refusal is named; a role for every mailbox is found out.
#[tokio::test(flavor = "multi_thread")]
async fn an_application_acts_inside_its_fence_over_ews() {
    let mut world = World::new().await;
    world.control("/enterprise-applications", Some(json!({ "roles": [] }))).await;
    let roles = ["Application Mail.ReadWrite", "Application Mail.Send", "Application EWS.AccessAsApp"];
    let fence = json!({ "kind": "rbac", "roles": roles, "mailboxes": [SUPPORT] });
    world.control("/fences", Some(fence)).await;
    let page = world.open("/applications/new").await;
    let form = page.forms.iter().find(|form| form.action.path() == "/applications/new").unwrap().clone();
    let form = form.with("mailboxes", &format!("{SUPPORT}\n{ANNA}")).with("control", ADMIN);
    let page = world.submit(form).await;
    assert!(page.html.contains("The fence holds"), "{}", page.html);
    // The registration was given no name here: the token tells what the tenant calls it.
    assert!(page.html.contains("Postroom (application)"), "{}", page.html);

    world.deliver(SUPPORT, "Read in its name");
    let page = world.create("/sources", "", "application").await;
    confirm_mailbox(&mut world, page, SUPPORT).await;
    becomes_an_issue(&world, "Read in its name").await;
    let form = world.create("/outbounds", "", "application").await;
    let list = world.make_outbound(&form, SUPPORT).await;
    assert!(list.html.contains("can send"), "{}", list.html);
    let pinged = world.ping().await;
    for part in ["All checks are good", "as its owner", "test mail is on its way"] {
        assert!(pinged.html.contains(part), "{part} is missing: {}", pinged.html);
    }
    let asked = world.asked().await;
    let inside: Vec<_> =
        asked.iter().filter(|one| one.0 == "SendItem" || one.0 == "SyncFolderItems").collect();
    assert!(!inside.is_empty(), "{asked:?}");
    for one in inside {
        assert_eq!((one.1.as_str(), one.2.as_str(), one.3), (SUPPORT, SUPPORT, true));
    }

    // Outside the fence, though it is named here: Exchange refuses, and that is said.
    let form = world.create("/outbounds", "", "application").await;
    let form = form.form(&["mailbox", "from_name"]).unwrap().choosing("mailbox", ANNA).unwrap();
    let refused = world.browser.submit(&form).await.unwrap();
    for part in ["may not act as the owner of this mailbox", "Application EWS.AccessAsApp"] {
        assert!(refused.html.contains(part), "{part} is missing: {}", refused.html);
    }

    // The check tries EWS, too: each way has permissions of its own.
    let account: (uuid::Uuid,) =
        world.running.db.fetch_one(sql!("SELECT id FROM account WHERE kind = 'app'"), args![]).await.unwrap();
    let path = format!("/applications/{}", account.0);
    let page = world.open(&path).await;
    let checked = world.press(&page, "/check").await;
    assert!(
        checked.html.contains("Fence over EWS") && checked.html.contains("The fence holds"),
        "{}",
        checked.html
    );
    world.control("/enterprise-applications", Some(json!({ "roles": ["full_access_as_app"] }))).await;
    // The token at hand lasts for long and tells nothing of it: Validate fetches a fresh one, over EWS, too.
    let list = world.open("/sources").await;
    world.press(&list, "/sign-in").await;
    let page = world.open(&path).await;
    assert!(page.html.contains("reaches every mailbox of the tenant"), "{}", page.html);
    world.stop().await;
}

/// Promise: an Exchange server of one's own is reached at its address with a token for that server; its source and its outbound show it,
/// and nobody is told that it ends.
#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_server_of_ones_own_is_reached() {
    let mut world =
        World::with(|config, _| config.microsoft.ews_url = Some("https://127.0.0.1:1/".parse().unwrap()))
            .await;
    let server = format!("{}/EWS/Exchange.asmx", world.sim.ready().ews.trim_end_matches('/'));
    world.control("/ews/server", Some(json!({ "own": true }))).await;
    let refused = world.browser.open(&world.running.url.join("/sources/create-ews").unwrap()).await.unwrap();
    let form = refused.form(&["account", "ews_url"]).unwrap().with("ews_url", "http://mail.contoso.test/EWS");
    let refused = world.browser.submit(&form).await.unwrap();
    assert!(refused.html.contains("Write the whole https address"), "{}", refused.html);

    world.deliver(SUPPORT, "Read on premises");
    let page = world.create("/sources", &server, SUPPORT).await;
    assert_eq!(page.url.path(), "/sources/new", "{}", page.html);
    let url = world.running.url.clone();
    connect::confirm(&mut world.browser, &url, page, &wishes(SUPPORT)).await.unwrap();
    becomes_an_issue(&world, "Read on premises").await;
    let form = world.create("/outbounds", &server, SUPPORT).await;
    let list = world.make_outbound(&form, SUPPORT).await;
    let pinged = world.ping().await;
    assert!(pinged.html.contains("All checks are good"), "{}", pinged.html);
    let (_, one) = list
        .links
        .iter()
        .find(|(text, url)| text.contains(SUPPORT) && url.path().starts_with("/outbounds/"))
        .unwrap();
    let page = world.browser.open(&one.clone()).await.unwrap();
    assert!(page.html.contains(&server), "{}", page.html);
    assert!(!page.html.contains("EWS in Exchange Online"), "{}", page.html);
    world.stop().await;
}

/// Promise: each way in which Exchange refuses a mailbox is named, with what mends it, where a person pings.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_exchange_are_named() {
    let mut world = World::new().await;
    let form = world.create("/outbounds", "", SUPPORT).await;
    world.make_outbound(&form, SUPPORT).await;
    for (code, cause, mend) in [
        ("ErrorImpersonateUserDenied", "may not act as the owner", "Application EWS.AccessAsApp"),
        ("ErrorImpersonationFailed", "may not act as the owner", "Application EWS.AccessAsApp"),
        ("ErrorNonPrimarySmtpAddress", "not its primary one", "primary address"),
        ("ErrorAccountDisabled", "the account is disabled", "Account enabled"),
        ("ErrorPasswordExpired", "the password has expired", "Sign in again"),
    ] {
        let answer =
            json!({ "as": "fault", "operation": "GetFolder", "code": code, "message": "No.", "count": 8 });
        world.control("/ews/answers", Some(answer)).await;
        let pinged = world.ping().await;
        for part in [code, cause, mend] {
            assert!(pinged.html.contains(part), "{code}: {part} is missing: {}", pinged.html);
        }
        world.forget("/ews/answers").await;
    }
    let pinged = world.ping().await;
    assert!(pinged.html.contains("All checks are good"), "{}", pinged.html);
    world.stop().await;
}
