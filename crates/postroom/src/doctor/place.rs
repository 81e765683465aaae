//! What lies on this machine: data folder, running service, database, key.

use std::fs::OpenOptions;
use std::path::Path;

use store::{DataFolder, Db, MasterKey, Sealer, StoreUrl, SystemClock, args, sql};
use url::Url;

use super::Finding;
use crate::cli::client::Client;
use crate::cli::shapes::Health;
use crate::config::Config;

/// A Jira site to reach, and the version of its API.
pub(super) struct Site {
    pub(super) base_url: Url,
    pub(super) api_version: u8,
}

/// Looks at this machine; gives the Jira sites that settings and database know.
pub(super) async fn examine(config: &Config, findings: &mut Vec<Finding>) -> Vec<Site> {
    findings.push(folder(&config.data_folder));
    let running = DataFolder::is_in_use(&config.data_folder);
    if running {
        findings.push(service(&config.data_folder).await);
    }
    let mut sites: Vec<Site> = config
        .jira
        .base_url
        .iter()
        .map(|base_url| Site { base_url: base_url.clone(), api_version: config.jira.api_version })
        .collect();

    let url = config.store_url();
    if let StoreUrl::Sqlite(path) = &url
        && !path.exists()
    {
        findings.push(Finding::note(
            "database",
            format!("{} is not there yet", path.display()),
            "the first start makes it",
        ));
        findings.push(key_before_database(config));
        return sites;
    }
    match Db::open(&url).await {
        Ok(db) => {
            findings.push(schema(&db).await);
            if db.check_schema().await.is_ok() {
                findings.push(key(config, &db).await);
                sites.extend(known_sites(&db).await);
            }
            db.close().await;
        }
        Err(error) => findings.push(Finding::of_error("database", &error, ": ")),
    }
    sites.dedup_by(|one, other| one.base_url == other.base_url);
    sites
}

fn folder(path: &Path) -> Finding {
    let place = path.display();
    if !path.exists() {
        return Finding::note("data folder", format!("{place} is not there yet"), "the first start makes it");
    }
    if !path.is_dir() {
        return Finding::bad(
            "data folder",
            format!("{place} is not a folder"),
            "set data_folder to a folder",
        );
    }
    // The lock file is there once the service has run; to open it for writing changes nothing.
    let lock = path.join("postroom.lock");
    let writable = if lock.exists() {
        OpenOptions::new().write(true).open(&lock).map(drop)
    } else {
        std::fs::metadata(path).and_then(|metadata| {
            if metadata.permissions().readonly() {
                Err(std::io::ErrorKind::PermissionDenied.into())
            } else {
                Ok(())
            }
        })
    };
    if let Err(error) = writable {
        return Finding::bad(
            "data folder",
            format!("{place} cannot be written ({error})"),
            "give the user that runs Postroom write access to it",
        );
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
        if mode & 0o007 != 0 {
            return Finding::note(
                "data folder",
                format!("{place} is open to other users (mode {mode:o})"),
                format!("run chmod 700 {place}"),
            );
        }
    }
    Finding::good("data folder", place.to_string())
}

async fn service(folder: &Path) -> Finding {
    let client = Client::at_socket(DataFolder::socket_in(folder));
    match client.get::<Health>("/api/v1/health").await {
        Ok(health) if health.ready => {
            Finding::good("service", format!("version {} runs and is ready", health.version))
        }
        Ok(health) => Finding::bad(
            "service",
            format!("version {} runs, but is not ready: {}", health.version, health.reasons.join("; ")),
            "mend what it names; it becomes ready by itself",
        ),
        Err(failure) => Finding::bad(
            "service",
            format!("a process owns the data folder, but does not answer ({failure})"),
            "look at its log",
        ),
    }
}

async fn schema(db: &Db) -> Finding {
    match db.check_schema().await {
        Ok(()) => Finding::good("database", format!("{}, schema {}", db.kind(), db.schema_known())),
        Err(store::StoreError::Older { found, known }) => Finding::note(
            "database",
            format!("{}, schema {found}; this version needs {known}", db.kind()),
            "the next start brings it up, or `postroom migrate`",
        ),
        Err(error) => Finding::of_error("database", &error, ": "),
    }
}

fn key_before_database(config: &Config) -> Finding {
    match &config.master_key {
        Some((key, origin)) => match MasterKey::from_base64(key, origin) {
            Ok(_) => Finding::good("master key", origin.clone()),
            Err(error) => Finding::of_error("master key", &error, ": "),
        },
        None => Finding::note(
            "master key",
            format!("{} is not there yet", DataFolder::master_key_in(&config.data_folder).display()),
            "the first start makes it; back it up apart from the database",
        ),
    }
}

async fn key(config: &Config, db: &Db) -> Finding {
    let sealed = match Sealer::is_sealed(db).await {
        Ok(sealed) => sealed,
        Err(error) => return Finding::of_error("master key", &error, ": "),
    };
    if !sealed {
        return key_before_database(config);
    }
    let key = match &config.master_key {
        Some((key, origin)) => MasterKey::from_base64(key, origin),
        None => MasterKey::load_or_create(&DataFolder::master_key_in(&config.data_folder), false),
    };
    let key = match key {
        Ok(key) => key,
        Err(error) => return Finding::of_error("master key", &error, ": "),
    };
    // There are keys, so that none is made.
    match Sealer::load(db, &key, &SystemClock).await {
        Ok(_) => Finding::good("master key", format!("{} fits the database", key.origin())),
        Err(error) => Finding::of_error("master key", &error, ": "),
    }
}

/// The Jira sites that are set up in the console.
async fn known_sites(db: &Db) -> Vec<Site> {
    let rows: Vec<(String, i64)> = db
        .fetch_all(sql!("SELECT base_url, api_version FROM jira_connection ORDER BY base_url"), args![])
        .await
        .unwrap_or_default();
    rows.into_iter()
        .filter_map(|(base_url, api_version)| {
            let mut base_url = Url::parse(&base_url).ok()?;
            if !base_url.path().ends_with('/') {
                base_url.set_path(&format!("{}/", base_url.path()));
            }
            Some(Site { base_url, api_version: u8::try_from(api_version).ok()? })
        })
        .collect()
}
