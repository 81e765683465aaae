//! Whole envelopes of EWS, requests and answers and faults, held against the published schemas.
//!
//! The published schemas judge what is inside of an envelope; `envelope.xsd` and `errors.xsd` beside this file have the rest.
//! The contract tests of the clients use this file too.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

const ENVELOPE: &str = include_str!("envelope.xsd");
const ERRORS: &str = include_str!("errors.xsd");

/// The folder with the published schemas, if the shared data is there.
pub(crate) fn published() -> Option<PathBuf> {
    let shared = std::env::var("POSTROOM_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").to_owned());
    let folder = PathBuf::from(shared).join("specs/ews").canonicalize().ok()?;
    folder.join("messages.xsd").is_file().then_some(folder)
}

#[allow(clippy::print_stdout, reason = "says what was left out")]
pub(crate) fn skip(why: &str) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| println!("skipped: EWS messages against their schema ({why})"));
}

/// A folder of its own, gone when this is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn make() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ews-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// What is wrong with these envelopes; empty when all are valid, `None` when that cannot be seen here, which is said. All in one run:
/// reading the schemas is what takes time.
pub(crate) fn faults<'a>(envelopes: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let Some(published) = published() else {
        skip("shared data not present");
        return None;
    };
    let folder = Folder::make();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let published = published.to_str().expect("a path in UTF-8");
    write("errors.xsd", &ERRORS.replace("PUBLISHED", published));
    let schema = write("envelope.xsd", &ENVELOPE.replace("PUBLISHED", published));
    let mut command = Command::new("xmllint");
    command.args(["--noout", "--nonet", "--huge", "--schema"]).arg(schema);
    let mut count = 0;
    for envelope in envelopes {
        command.arg(write(&format!("{count}.xml"), envelope));
        count += 1;
    }
    if count == 0 {
        return Some(String::new());
    }
    let Ok(output) = command.output() else {
        skip("xmllint is missing: install libxml2-utils");
        return None;
    };
    if output.status.success() {
        return Some(String::new());
    }
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut wrong = String::new();
    for line in told.lines().filter(|line| !line.ends_with(" validates")) {
        // What is said of a mail may be long.
        wrong.extend(line.chars().take(600));
        wrong.push('\n');
        if let Some(path) = line.strip_suffix(" fails to validate") {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            wrong.extend(text.chars().take(4_000));
            wrong.push('\n');
        }
    }
    Some(wrong)
}
