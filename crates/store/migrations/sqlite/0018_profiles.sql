-- Profiles: how the mail of a source is handled. A row per profile, and each version that was ever saved.
CREATE TABLE profile (
  id BLOB NOT NULL PRIMARY KEY,
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  name TEXT NOT NULL,
  -- The version in use; the first is 1.
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX profile_name ON profile (workspace_id, name);

-- `document` is TOML as it was written. `author` is who saved it, as people know them. `note` is what they said of it, or empty.
CREATE TABLE profile_version (
  profile_id BLOB NOT NULL REFERENCES profile (id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  document TEXT NOT NULL,
  author TEXT NOT NULL,
  note TEXT NOT NULL,
  saved_at INTEGER NOT NULL,
  PRIMARY KEY (profile_id, version)
) STRICT;

-- None: the standard profile.
ALTER TABLE source ADD COLUMN profile_id BLOB REFERENCES profile (id);
