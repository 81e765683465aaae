//! Against the simulator: any folder of a mailbox is chosen from a tree or by its path, over Graph and EWS, in one's own mailbox and in a
//! shared one.

use reqwest::Method;
use serde_json::json;
use store::testing::TestFolder;
use store::{args, sql};

use super::tests_with_sim::{open, settings, walk};
use crate::demo::browser::{Browser, Page};
use crate::demo::connect::{self, Wishes};
use crate::serve::{self, Running};

const MAILBOX: &str = "support@contoso.test";

struct Bench {
    _folder: TestFolder,
    sim: sim::Sim,
    running: Running,
    browser: Browser,
}

impl Bench {
    async fn new() -> Self {
        let folder = TestFolder::new();
        let sim = sim::Sim::start(sim::Config::default()).await.unwrap();
        let running = serve::start(settings(&folder, sim.ready())).await.unwrap();
        let mut browser = Browser::new(connect::http().unwrap());
        connect::make_owner(&mut browser, running.setup_link.as_ref().unwrap()).await.unwrap();
        Self { _folder: folder, sim, running, browser }
    }

    async fn folder(&self, mailbox: &str, name: &str, parent: &str) {
        self.lever(Method::POST, mailbox, "", json!({ "name": name, "parent": parent })).await;
    }

    async fn lever(&self, method: Method, mailbox: &str, folder: &str, wish: serde_json::Value) {
        let control = self.sim.ready().control.trim_end_matches('/').to_owned();
        let at = format!("{control}/mailboxes/{mailbox}/folders{folder}");
        let done = reqwest::Client::new().request(method, at).json(&wish).send().await.unwrap();
        assert!(done.status().is_success(), "{}", done.text().await.unwrap());
    }

    /// The folders that sources read, with their paths.
    async fn sources(&self) -> Vec<(String, String)> {
        self.running
            .db
            .fetch_all(
                sql!(
                    "SELECT m.address, s.folder_name FROM source s JOIN mailbox m ON m.id = s.mailbox_id
                     ORDER BY m.address, s.folder_name"
                ),
                args![],
            )
            .await
            .unwrap()
    }

    async fn stop(self) {
        self.running.stop().await;
        self.sim.stop().await;
    }
}

/// The value of the radio button whose label says this.
fn radio(page: &Page, label: &str) -> String {
    let (before, _) =
        page.html.split_once(&format!(">{label}")).unwrap_or_else(|| panic!("no {label}: {}", page.html));
    let (_, input) = before.rsplit_once("name=\"folder\" value=\"").expect("a radio button");
    input.split('"').next().expect("a value").replace("&#38;", "&").replace("&#61;", "=")
}

/// Promise: the tree shows each folder with its counts, Junk as such, and nested ones inside; a nested folder is chosen, and its source
/// is called by its path. A path that is written goes before the choice; one that does not exist is said beside its field.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_chosen_from_the_tree_or_by_its_path() {
    let mut bench = Bench::new().await;
    bench.folder(MAILBOX, "Invoices", "inbox").await;
    bench.folder(MAILBOX, "Overdue", "Inbox/Invoices").await;
    let mail =
        "From: anna@contoso.test\r\nTo: support@contoso.test\r\nSubject: Printer on fire\r\n\r\nHelp.\r\n";
    bench.sim.deliver(MAILBOX, mail).unwrap();
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let signed_in = connect::sign_in(&mut bench.browser, &bench.running.url, &wishes).await.unwrap();
    let (_, form_at) = signed_in.links.iter().find(|(_, url)| url.path() == "/sources/new").unwrap().clone();
    let page = bench.browser.open(&form_at).await.unwrap();
    for part in
        ["1 mail, 1 unread", "Invoices", "Overdue", "1 inside", "Junk", "does not read it", "Junk is empty."]
    {
        assert!(page.html.contains(part), "{part} is missing: {}", page.html);
    }
    let form = page.form(&["mailbox", "folder", "folder_path"]).unwrap();
    let form = form.choosing("project", "SUP").unwrap().choosing("issue_type", "Task").unwrap();
    let form = form.with("start", "everything").with("do", "confirm");
    let refused = bench.browser.submit(&form.clone().with("folder_path", "Inbox/Nowhere")).await.unwrap();
    assert!(
        refused.html.contains("no folder of that path") && refused.html.contains("id=\"folder_path-error\""),
        "{}",
        refused.html
    );
    let chosen = form.clone().with("folder", &radio(&page, "Overdue"));
    let list = bench.browser.submit(&chosen).await.unwrap();
    assert!(list.html.contains("Inbox/Invoices/Overdue"), "{}", list.html);
    let written = bench.browser.submit(&form.with("folder_path", " inbox/INVOICES/ ")).await.unwrap();
    assert_eq!(written.url.path(), "/sources", "{}", written.html);
    let read = bench.sources().await;
    let expected =
        ["Inbox/Invoices", "Inbox/Invoices/Overdue"].map(|path| (MAILBOX.to_owned(), path.to_owned()));
    assert_eq!(read, expected);
    bench.stop().await;
}

/// Promise: *Show its folders* shows those of a shared mailbox whose address was typed, keeps what else was filled in, and confirms
/// nothing; a folder of the other mailbox is not taken for one of this.
#[tokio::test(flavor = "multi_thread")]
async fn the_folders_of_a_shared_mailbox_are_shown() {
    let mut bench = Bench::new().await;
    bench.folder(MAILBOX, "Returns", "inbox").await;
    bench.folder("anna@contoso.test", "Private", "inbox").await;
    let list = open(&mut bench.browser, &bench.running, "/sources").await;
    let sign_in = list.forms.iter().find(|form| form.action.path() == "/sources/sign-in").cloned().unwrap();
    let page = bench.browser.submit(&sign_in.with("shared", "on")).await.unwrap();
    let signed_in = walk(&mut bench.browser, &bench.running, page, "anna@contoso.test").await;
    let (_, form_at) = signed_in.links.iter().find(|(_, url)| url.path() == "/sources/new").unwrap().clone();
    let page = bench.browser.open(&form_at).await.unwrap();
    assert!(!page.html.contains("Returns"), "{}", page.html);
    let form = page.form(&["mailbox", "folder"]).unwrap().choosing("project", "SUP").unwrap();
    let form =
        form.choosing("issue_type", "Task").unwrap().with("start", "everything").with("mailbox", MAILBOX);
    let own = form.clone().with("folder", &radio(&page, "Private")).with("do", "confirm");
    let refused = bench.browser.submit(&own).await.unwrap();
    assert!(refused.html.contains("is not in the mailbox"), "{}", refused.html);
    let shown = bench.browser.submit(&form.with("do", "folders")).await.unwrap();
    assert!(shown.html.contains("Returns") && !shown.html.contains("put right"), "{}", shown.html);
    assert!(bench.sources().await.is_empty());
    let kept = shown.form(&["mailbox", "folder"]).unwrap();
    let field = |name: &str| kept.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    assert_eq!((field("mailbox"), field("start")), (Some(MAILBOX), Some("everything")));
    let chosen = kept.with("folder", &radio(&shown, "Returns")).with("do", "confirm");
    let list = bench.browser.submit(&chosen).await.unwrap();
    assert!(list.html.contains("Inbox/Returns"), "{}", list.html);
    assert_eq!(bench.sources().await, [(MAILBOX.to_owned(), "Inbox/Returns".to_owned())]);
    bench.stop().await;
}

/// Promise: the tree is the same over EWS.
#[tokio::test(flavor = "multi_thread")]
async fn the_tree_is_there_over_ews() {
    let mut bench = Bench::new().await;
    bench.folder(MAILBOX, "Invoices", "inbox").await;
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    connect::sign_in(&mut bench.browser, &bench.running.url, &wishes).await.unwrap();
    let create = open(&mut bench.browser, &bench.running, "/sources/create-ews").await;
    let form = create.form(&["account", "ews_url"]).unwrap();
    let mut page = bench.browser.submit(&form).await.unwrap();
    if let Ok(link) = page.link("approve as an administrator") {
        connect::approve(&link, &bench.running.url, "admin@contoso.test").await.unwrap();
        page = bench.browser.submit(&form).await.unwrap();
    }
    assert_eq!(page.url.path(), "/sources/new", "{}", page.html);
    for part in ["Invoices", "1 inside", "Junk", "empty"] {
        assert!(page.html.contains(part), "{part} is missing: {}", page.html);
    }
    let form = page.form(&["mailbox", "folder"]).unwrap().choosing("project", "SUP").unwrap();
    let form = form.choosing("issue_type", "Task").unwrap().with("start", "everything");
    let chosen = form.with("folder", &radio(&page, "Invoices")).with("do", "confirm");
    let list = bench.browser.submit(&chosen).await.unwrap();
    assert!(list.html.contains("Inbox/Invoices") && list.html.contains("EWS"), "{}", list.html);
    assert_eq!(bench.sources().await, [(MAILBOX.to_owned(), "Inbox/Invoices".to_owned())]);
    bench.stop().await;
}

/// Promise: the form of a source whose folder is gone offers no other folder, which it could not keep, and says what does help; the
/// source's line leads to the form of a source for another folder.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_whose_folder_is_gone_says_what_helps() {
    let mut bench = Bench::new().await;
    bench.folder(MAILBOX, "Invoices", "inbox").await;
    let wishes = Wishes::everything(MAILBOX, "SUP", "Task");
    let signed_in = connect::sign_in(&mut bench.browser, &bench.running.url, &wishes).await.unwrap();
    let (_, form_at) = signed_in.links.iter().find(|(_, url)| url.path() == "/sources/new").unwrap().clone();
    let page = bench.browser.open(&form_at).await.unwrap();
    let form = page.form(&["mailbox", "folder"]).unwrap().choosing("project", "SUP").unwrap();
    let form = form.choosing("issue_type", "Task").unwrap().with("start", "everything");
    bench.browser.submit(&form.with("folder", &radio(&page, "Invoices")).with("do", "confirm")).await.unwrap();
    bench.lever(Method::DELETE, MAILBOX, "/Inbox/Invoices", json!({})).await;
    let gone = async {
        loop {
            bench.running.poll_now();
            let list = open(&mut bench.browser, &bench.running, "/sources").await;
            if list.html.contains("The folder is gone") {
                break list;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    let list = tokio::time::timeout(std::time::Duration::from_secs(30), gone).await.expect("it says so");
    assert!(list.html.contains("Restore it in Outlook, or remove this source"), "{}", list.html);
    let (_, other) = list.links.iter().find(|(text, _)| text.contains("A source for another folder")).unwrap();
    assert_eq!((other.path(), other.query()), ("/sources/new", form_at.query()));
    let edit = list.links.iter().find(|(_, url)| url.path().ends_with("/edit")).unwrap().1.clone();
    let page = bench.browser.open(&edit).await.unwrap();
    let refused = bench.browser.submit(&page.form(&["handled"]).unwrap().with("do", "confirm")).await.unwrap();
    assert!(refused.html.contains("Restore it in Outlook, or remove this source"), "{}", refused.html);
    assert!(!refused.html.contains("choose one of the tree"), "{}", refused.html);
    bench.stop().await;
}
