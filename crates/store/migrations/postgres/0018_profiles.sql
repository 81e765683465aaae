-- Profiles: how the mail of a source is handled. A row per profile, and each version that was ever saved.
CREATE TABLE profile (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  name TEXT NOT NULL,
  -- The version in use; the first is 1.
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX profile_name ON profile (workspace_id, name);

-- `document` is TOML as it was written. `author` is who saved it, as people know them. `note` is what they said of it, or empty.
CREATE TABLE profile_version (
  profile_id UUID NOT NULL REFERENCES profile (id) ON DELETE CASCADE,
  version BIGINT NOT NULL,
  document TEXT NOT NULL,
  author TEXT NOT NULL,
  note TEXT NOT NULL,
  saved_at BIGINT NOT NULL,
  PRIMARY KEY (profile_id, version)
);

-- None: the standard profile.
ALTER TABLE source ADD COLUMN profile_id UUID REFERENCES profile (id);
