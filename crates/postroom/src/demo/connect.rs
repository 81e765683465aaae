//! Connecting a mailbox as a person does it: owner account from the link, *Sign in with Microsoft*, consent, confirmation.
//! Drives the pages over HTTP, without a script; used by `demo --once`, the end-to-end tests and the benchmark.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use url::Url;

use super::browser::{Browser, Form, Page};

/// The owner account that is made.
pub const OWNER: &str = "owner@postroom.example";
/// Its password; the installation is the demo's or a test's.
pub const PASSWORD: &str = "correct horse battery staple";

/// What the source shall do.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// The account to choose on Microsoft's page; its own mailbox is read.
    pub account: String,
    /// Its password, where the page asks for one.
    pub password: String,
    /// The folder, by its name or path.
    pub folder: String,
    /// `now`, `since` or `everything`.
    pub start: &'static str,
    /// Project key.
    pub project: String,
    /// Issue type, by name.
    pub issue_type: String,
    /// `leave`, `read`, `category` or `move`.
    pub handled: &'static str,
    /// The category, or the folder by its path.
    pub handled_target: &'static str,
    /// The profile, by its name; empty: the standard one.
    pub profile: String,
}

impl Wishes {
    /// Everything that lies in the inbox; handled mail is marked read.
    pub fn everything(account: &str, project: &str, issue_type: &str) -> Self {
        Self {
            account: account.to_owned(),
            password: "Password-1".to_owned(),
            folder: "Inbox".to_owned(),
            start: "everything",
            project: project.to_owned(),
            issue_type: issue_type.to_owned(),
            handled: "read",
            handled_target: "",
            profile: String::new(),
        }
    }
}

/// A client for the browser: no redirects, any certificate problem is an error.
pub fn http() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(std::time::Duration::from_secs(60))
        .build()?)
}

/// Makes the owner account and connects the mailbox.
pub async fn connect(console: &Url, setup_link: &Url, wishes: &Wishes) -> Result<()> {
    connect_timed(console, setup_link, wishes).await.map(drop)
}

/// The same; returns when the source was confirmed.
pub async fn connect_timed(console: &Url, setup_link: &Url, wishes: &Wishes) -> Result<Instant> {
    let mut browser = Browser::new(http()?);
    make_owner(&mut browser, setup_link).await?;
    let page = sign_in(&mut browser, console, wishes).await?;
    confirm(&mut browser, console, page, wishes).await
}

/// Makes the owner account with the one-time link.
pub async fn make_owner(browser: &mut Browser, setup_link: &Url) -> Result<Page> {
    let page = browser.open(setup_link).await?;
    let form = page.form(&["token", "email", "password"]).context("making the owner account")?;
    let form = form.with("name", "Owner").with("email", OWNER).with("password", PASSWORD);
    let page = browser.submit(&form).await?;
    ensure!(page.status.is_success(), "making the owner account: {}", page.said());
    Ok(page)
}

/// Writes a profile and saves it.
pub async fn write_profile(browser: &mut Browser, console: &Url, document: &str) -> Result<Page> {
    let page = browser.open(&console.join("/profiles/new")?).await?;
    let form = page.form(&["document"]).context("writing a profile")?;
    let page = browser.submit(&form.with("document", document).with("do", "save")).await?;
    ensure!(page.status.is_success(), "writing a profile: {}", page.said());
    Ok(page)
}

/// *Sign in with Microsoft*, through Microsoft's pages and back.
pub async fn sign_in(browser: &mut Browser, console: &Url, wishes: &Wishes) -> Result<Page> {
    sign_in_at(browser, console, "/sources", wishes).await
}

/// The same from the button of another page, `/outbounds`.
pub async fn sign_in_at(browser: &mut Browser, console: &Url, at: &str, wishes: &Wishes) -> Result<Page> {
    let page = browser.open(&console.join(at)?).await?;
    let button = format!("{at}/sign-in");
    let form = page
        .forms
        .iter()
        .find(|form| form.action.path() == button)
        .cloned()
        .with_context(|| format!("there is no Sign in with Microsoft: {}", page.said()))?;
    let page = browser.submit(&form).await?;
    through_microsoft(browser, console, page, wishes).await
}

/// Goes through Microsoft's pages, from wherever a sign-in has led, until the browser is back: chooses the account, types the password,
/// accepts; where an administrator has to approve, goes back.
pub async fn through_microsoft(
    browser: &mut Browser,
    console: &Url,
    mut page: Page,
    wishes: &Wishes,
) -> Result<Page> {
    for _ in 0..12 {
        if page.url.origin() == console.origin() {
            if let Ok(on) = page.link("go on to microsoft")
                && page.forms.iter().all(|form| form.action.origin() == console.origin())
                && on.origin() != console.origin()
            {
                page = browser.open(&on).await?;
                continue;
            }
            ensure!(page.status.is_success(), "signing in: {}", page.said());
            return Ok(page);
        }
        let form = microsoft_form(&page, wishes)?;
        page = browser.submit(&form).await?;
    }
    bail!("the sign-in has no end: {}", page.said())
}

/// What a person would do on a page of the sign-in: choose the account, type the password, accept.
fn microsoft_form(page: &Page, wishes: &Wishes) -> Result<Form> {
    let account = wishes.account.to_lowercase();
    for form in &page.forms {
        if let Some((name, value, _)) =
            form.buttons.iter().find(|(_, value, _)| value.to_lowercase() == account)
        {
            return Ok(form.clone().with(name, value));
        }
        let names_account = form.fields.iter().any(|(_, value)| value.to_lowercase() == account);
        let password = form.fields.iter().find(|(name, _)| name.contains("pass"));
        if let Some((name, _)) = password {
            let name = name.clone();
            return Ok(form.clone().with(&name, &wishes.password));
        }
        if names_account && form.buttons.len() <= 1 {
            return Ok(form.clone());
        }
    }
    for word in
        ["accept", "approve", "yes", "continue", "return to the application", "back to", "sign in", "back"]
    {
        for form in &page.forms {
            if let Ok(form) = form.clone().pressing(word) {
                return Ok(form);
            }
        }
    }
    bail!("nothing to press on {}: {}", page.url.path(), page.said())
}

/// Confirms what the source shall do; returns when it was sent.
pub async fn confirm(browser: &mut Browser, console: &Url, page: Page, wishes: &Wishes) -> Result<Instant> {
    let page = if page.url.path() == "/sources/new" {
        page
    } else {
        let next = page
            .links
            .iter()
            .find(|(_, url)| url.path() == "/sources/new")
            .map(|(_, url)| url.clone())
            .with_context(|| format!("the sign-in page leads to no confirmation: {}", page.said()))?;
        browser.open(&next).await?
    };
    let mut form = page
        .forms
        .iter()
        .find(|form| form.action.path() == "/sources/new")
        .cloned()
        .with_context(|| format!("there is no confirmation: {}", page.said()))?;
    for _ in 0..3 {
        form = filled(form, wishes)?;
        let begun = Instant::now();
        let page = browser.submit(&form.clone().with("do", "confirm")).await?;
        // The issue types of another project than the first are offered once the project is chosen.
        let again = page.forms.iter().find(|form| form.action.path() == "/sources/new").cloned();
        match again {
            Some(next) if next.options.get("issue_type") != form.options.get("issue_type") => form = next,
            Some(_) => bail!("the source was not confirmed: {}", page.said()),
            None => {
                ensure!(page.status.is_success(), "confirming the source: {}", page.said());
                ensure!(page.url.origin() == console.origin(), "confirming led to {}", page.url);
                return Ok(begun);
            }
        }
    }
    bail!("the source cannot be confirmed")
}

fn filled(mut form: Form, wishes: &Wishes) -> Result<Form> {
    form = form.with("start", wishes.start).with("handled", wishes.handled);
    if !wishes.handled_target.is_empty() {
        form = form.with("handled_target", wishes.handled_target);
    }
    if form.has("folder_path") && !wishes.folder.eq_ignore_ascii_case("inbox") {
        form = form.with("folder_path", &wishes.folder);
    }
    if form.options.contains_key("project") {
        form = form.choosing("project", &wishes.project)?;
    } else {
        form = form.with("project", &wishes.project);
    }
    if !wishes.profile.is_empty() {
        form = form.choosing("profile", &wishes.profile)?;
    }
    if form.options.contains_key("issue_type") {
        let offered = form.options["issue_type"].clone();
        let name = wishes.issue_type.to_lowercase();
        let exact = offered.iter().find(|(_, text)| {
            let text = text.to_lowercase();
            text == name || (text.contains(&name) && text.contains(&wishes.project.to_lowercase()))
        });
        if let Some((value, _)) =
            exact.or_else(|| offered.iter().find(|(_, text)| text.to_lowercase().contains(&name)))
        {
            let value = value.clone();
            form = form.with("issue_type", &value);
        }
    } else {
        form = form.with("issue_type", &wishes.issue_type);
    }
    Ok(form)
}

/// Follows a consent link as an administrator, in a browser of its own, until it comes back to the console.
pub async fn approve(link: &Url, console: &Url, administrator: &str) -> Result<()> {
    let wishes = Wishes::everything(administrator, "", "");
    let mut browser = Browser::new(http()?);
    let mut page = browser.open(link).await?;
    for _ in 0..12 {
        if page.url.origin() == console.origin() {
            ensure!(page.status.is_success(), "approving: {}", page.said());
            return Ok(());
        }
        let form = microsoft_form(&page, &wishes)?;
        page = browser.submit(&form).await?;
    }
    bail!("the approval has no end: {}", page.said())
}

/// Connects the mailbox over EWS: signs in, goes through *Create*, has an administrator approve what EWS takes where the person may
/// not, and confirms.
pub async fn connect_over_ews(
    console: &Url,
    setup_link: &Url,
    wishes: &Wishes,
    administrator: &str,
) -> Result<()> {
    let mut browser = Browser::new(http()?);
    make_owner(&mut browser, setup_link).await?;
    sign_in(&mut browser, console, wishes).await?;
    create_over_ews(&mut browser, console, wishes, administrator).await
}

/// The same for somebody who is signed in on both sides.
pub async fn create_over_ews(
    browser: &mut Browser,
    console: &Url,
    wishes: &Wishes,
    administrator: &str,
) -> Result<()> {
    let mut page = begin_over_ews(browser, console, "/sources", "", wishes).await?;
    if page.url.path().starts_with("/approvals/") {
        page = wait_for_approval(browser, console, page, administrator).await?;
    }
    ensure!(page.url.path() == "/sources/new", "EWS does not go on: {}", page.said());
    confirm(browser, console, page, wishes).await.map(drop)
}

/// *Create*, *Over EWS* of a list, `/sources` or `/outbounds`, with the account of the wishes or, where it is not signed in yet, with
/// a sign-in: up to the page where the connection is made, or that says that an administrator has to approve.
pub async fn begin_over_ews(
    browser: &mut Browser,
    console: &Url,
    list: &str,
    ews_url: &str,
    wishes: &Wishes,
) -> Result<Page> {
    let create = browser.open(&console.join(&format!("{list}/create-ews"))?).await?;
    ensure!(create.html.contains("2027-04-01"), "EWS is offered without its warning: {}", create.said());
    let form = create.form(&["account", "ews_url"])?.with("ews_url", ews_url);
    let form = match form.clone().choosing("account", &wishes.account) {
        Ok(form) => form,
        Err(_) => form.choosing("account", "another account")?,
    };
    let page = browser.submit(&form).await?;
    through_microsoft(browser, console, page, wishes).await
}

/// Has an administrator follow the link of the page that waits, and waits until it goes on by itself; gives the page that follows.
pub async fn wait_for_approval(
    browser: &mut Browser,
    console: &Url,
    page: Page,
    administrator: &str,
) -> Result<Page> {
    let link = page.link("open the link here")?;
    approve(&link, console, administrator).await?;
    let until = Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let now = browser.open(&page.url).await?;
        let next =
            now.links.iter().find(|(text, _)| text.starts_with("Choose") || text.starts_with("See the"));
        if let Some((_, next)) = next {
            return browser.open(next).await;
        }
        ensure!(Instant::now() < until, "the approval is not seen: {}", now.said());
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
