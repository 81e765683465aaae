//! Profiles: how the mail of a source is handled.
//!
//! A profile is a TOML document ([`rules::profile`]); each version that was saved is kept with its author. Begin with [`Profiles`],
//! which has those in use, compiled; [`save`] checks and stores one, [`projects`] is what rules know of Jira. [`routes`] has the
//! addresses: [`list`], and [`edit`] with a past mail beside the rules ([`try_on`]).

pub mod edit;
pub mod list;
pub mod pages;
pub mod projects;
pub mod routes;
pub mod save;
pub mod store;
#[cfg(test)]
mod tests;
pub mod try_on;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use ::store::Db;
use fault::Fault;
use rules::Profile;
use uuid::Uuid;

use projects::Projects;

static STANDARD: LazyLock<Arc<Profile>> = LazyLock::new(|| Arc::new(Profile::standard()));

/// Profiles in use, compiled, and what their rules know of Jira. Shared by all of the program.
#[derive(Debug, Default)]
pub struct Profiles {
    kept: Mutex<HashMap<Uuid, (i64, Arc<Profile>)>>,
    /// What is known of Jira's projects.
    pub projects: Projects,
}

impl Profiles {
    /// The profile in use with this row, or the standard one.
    ///
    /// # Errors
    /// The database, or a stored document that this version cannot read any more.
    pub async fn get(&self, db: &Db, id: Option<Uuid>) -> Result<Arc<Profile>, Fault> {
        let Some(id) = id else { return Ok(Arc::clone(&STANDARD)) };
        let stored =
            store::in_use(db, id).await.map_err(|error| Fault::own("own.store", &error.to_string()))?;
        // A profile is removed only when no source has it: the source's row was read before that.
        let Some((version, document)) = stored else { return Ok(Arc::clone(&STANDARD)) };
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some((of, profile)) = kept
            && of == version
        {
            return Ok(profile);
        }
        let profile = Profile::parse(&document).map_err(|refusals| {
            let first = refusals.first().map(ToString::to_string).unwrap_or_default();
            Fault::own("own.configuration", &format!("a stored profile cannot be read: {first}"))
        })?;
        let profile = Arc::new(profile);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(id, (version, Arc::clone(&profile)));
        Ok(profile)
    }
}
