//! Promise: nobody is locked out for good. Whoever can read the data folder lets a user choose a new password.

use anyhow::{Context, Result, ensure};
use e2e::process::{Setup, Sim};
use postroom::demo::browser::Browser;
use postroom::demo::connect::{self, OWNER};
use store::testing::TestFolder;
use url::Url;

const CHOSEN: &str = "a new and different staple";

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_gets_a_new_password_from_the_command_line() -> Result<()> {
    let folder = TestFolder::new();
    let sim = Sim::start(&["--no-quotas"]).await?;
    let setup = Setup::new(folder.path(), &sim.ready, None)?;

    let (status, said) = setup.run(&["password-link", OWNER]).await?;
    ensure!(!status.success() && said.contains("there is no database"), "{said}");

    let mut serve = setup.serve("")?;
    serve.ready().await?;
    let mut lost = Browser::new(connect::http()?);
    connect::make_owner(&mut lost, &serve.setup_link().await?).await?;

    let (status, said) = setup.run(&["password-link", "nobody@postroom.example"]).await?;
    ensure!(!status.success() && said.contains("nobody signs in with"), "{said}");

    let (status, said) = setup.run(&["password-link", OWNER]).await?;
    ensure!(status.success(), "{said}");
    let link = said.lines().find_map(|line| Url::parse(line.trim()).ok()).context("a link")?;
    ensure!(link.origin() == setup.url()?.origin(), "{link}");

    let mut browser = Browser::new(connect::http()?);
    let form = browser.open(&link).await?.form(&["token", "password"])?.with("password", CHOSEN);
    browser.submit(&form).await?;
    let sign_in = browser.open(&setup.url()?.join("/sign-in")?).await?.form(&["email", "password"])?;
    let inside = browser.submit(&sign_in.with("email", OWNER).with("password", CHOSEN)).await?;
    ensure!(inside.status.is_success() && inside.url.path() != "/sign-in", "{}", inside.said());

    // It works once, and whoever was signed in with the old password is not any more.
    let again = browser.open(&link).await?;
    ensure!(again.form(&["token", "password"]).is_err(), "{}", again.said());
    let outside = lost.open(&setup.url()?.join("/settings")?).await?;
    ensure!(outside.url.path() == "/sign-in", "{}: {}", outside.url, outside.said());
    Ok(())
}
