//! A folder that vanishes.

use std::path::{Path, PathBuf};

use uuid::Uuid;

/// An empty folder under the system's temporary folder, removed with the value.
#[derive(Debug)]
pub struct TestFolder(PathBuf);

impl TestFolder {
    /// Makes one.
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("postroom-test-{}", Uuid::new_v4().simple()));
        std::fs::create_dir_all(&path).expect("the temporary folder can be written");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for TestFolder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        // What cannot be removed is left to the system, which empties that folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
