-- Push: Microsoft Graph announces new mail, and the source is polled at once. Columns named *_sealed hold AEAD ciphertext bound
-- to table, column and row.

-- How push stands for a source, with the subscription that is being made or is there. `account_id`, `mailbox_native_id`,
-- `folder_id` and `base` are what it was made for. `path_hash` is the SHA-256 of the key in its address. `unheard` counts new
-- mails that no notice announced; `unheard_at` is when they became too many.
CREATE TABLE push (
  source_id BLOB NOT NULL PRIMARY KEY REFERENCES source (id) ON DELETE CASCADE,
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  switched_off_at INTEGER,
  state TEXT NOT NULL CHECK (state IN ('off', 'making', 'on', 'deaf')),
  state_since INTEGER NOT NULL,
  why TEXT NOT NULL,
  fault TEXT,
  failures INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  account_id BLOB,
  mailbox_native_id TEXT NOT NULL,
  folder_id TEXT NOT NULL,
  base TEXT NOT NULL,
  path_hash BLOB,
  client_state_sealed BLOB,
  remote_id TEXT,
  made_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  asked TEXT NOT NULL CHECK (asked IN ('', 'reauthorize', 'removed')),
  last_notice_at INTEGER,
  notices INTEGER NOT NULL,
  unheard INTEGER NOT NULL,
  unheard_at INTEGER,
  times_deaf INTEGER NOT NULL,
  lease_owner BLOB,
  lease_until INTEGER NOT NULL,
  fence INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX push_path ON push (path_hash);

-- Subscriptions that are not wanted any more, until Graph has ended them or they have ended by themselves.
CREATE TABLE push_leaving (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  mailbox_native_id TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  ends_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  next_at INTEGER NOT NULL
) STRICT;
CREATE INDEX push_leaving_due ON push_leaving (next_at);
CREATE INDEX push_leaving_account ON push_leaving (account_id);

-- How often the source was woken: a poll that ends sees that it was woken meanwhile.
ALTER TABLE source ADD COLUMN wakes INTEGER NOT NULL DEFAULT 0;

-- Notices tell of push as well. SQLite changes no CHECK in place: the column is made anew and takes the old one's name.
DROP INDEX notice_open;
ALTER TABLE notice ADD COLUMN kind_of TEXT NOT NULL DEFAULT 'back' CHECK (kind_of IN
  ('offline', 'degraded', 'back', 'approval_needed', 'approval_given', 'expiry', 'silence', 'push'));
UPDATE notice SET kind_of = kind;
ALTER TABLE notice DROP COLUMN kind;
ALTER TABLE notice RENAME COLUMN kind_of TO kind;
CREATE UNIQUE INDEX notice_open ON notice (object_id, kind)
  WHERE ended_at IS NULL AND kind IN ('offline', 'degraded', 'approval_needed', 'silence', 'push');
