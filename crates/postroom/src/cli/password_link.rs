//! `postroom password-link`: nobody is locked out for good. Whoever can read the data folder may let a user choose a new password.

use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use store::{Clock, Db, StoreUrl, SystemClock, args, sql};
use uuid::Uuid;

use super::{Failure, say};
use crate::access::{Actor, link};
use crate::config::Config;
use crate::web::Shell;

#[derive(Debug, Args)]
pub(super) struct PasswordLinkArgs {
    /// The address that the user signs in with
    email: String,
}

pub(super) async fn run(args: PasswordLinkArgs, config: &Config) -> Result<(), Failure> {
    let url = config.store_url();
    if let StoreUrl::Sqlite(path) = &url
        && !path.exists()
    {
        let nothing = format!("there is no database at {}; name the settings with --config", path.display());
        return Err(Failure::Failed(anyhow::anyhow!(nothing)));
    }
    // One row is added in one transaction: the service may run beside.
    let db = Db::open(&url).await.map_err(anyhow::Error::from)?;
    let found: Option<(Uuid,)> = db
        .fetch_optional(sql!("SELECT id FROM workspace ORDER BY created_at LIMIT 1"), args![])
        .await
        .map_err(anyhow::Error::from)?;
    let (workspace,) = found.context("the service has not run with this database yet; start it first")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let shell =
        Shell::new(db.clone(), Arc::clone(&clock), config.public_url(config.server.listen), workspace);
    let who = Actor { workspace, user: None, name: "command line".to_owned(), at: clock.now() };
    let link =
        link::new_password(&shell, &who, &args.email, &mut rand::rng()).await.map_err(anyhow::Error::from)?;
    db.close().await;
    let Some(link) = link else {
        let nobody = format!("nobody signs in with {}; look at the address", args.email);
        return Err(Failure::Failed(anyhow::anyhow!(nobody)));
    };
    say("Choose a new password with this link; it works once, for 24 hours:")?;
    say(&link)?;
    Ok(())
}
