-- Push: Microsoft Graph announces new mail, and the source is polled at once. Columns named *_sealed hold AEAD ciphertext bound
-- to table, column and row.

-- How push stands for a source, with the subscription that is being made or is there. `account_id`, `mailbox_native_id`,
-- `folder_id` and `base` are what it was made for. `path_hash` is the SHA-256 of the key in its address. `unheard` counts new
-- mails that no notice announced; `unheard_at` is when they became too many.
CREATE TABLE push (
  source_id UUID NOT NULL PRIMARY KEY REFERENCES source (id) ON DELETE CASCADE,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  switched_off_at BIGINT,
  state TEXT NOT NULL CHECK (state IN ('off', 'making', 'on', 'deaf')),
  state_since BIGINT NOT NULL,
  why TEXT NOT NULL,
  fault TEXT,
  failures BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  account_id UUID,
  mailbox_native_id TEXT NOT NULL,
  folder_id TEXT NOT NULL,
  base TEXT NOT NULL,
  path_hash BYTEA,
  client_state_sealed BYTEA,
  remote_id TEXT,
  made_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  asked TEXT NOT NULL CHECK (asked IN ('', 'reauthorize', 'removed')),
  last_notice_at BIGINT,
  notices BIGINT NOT NULL,
  unheard BIGINT NOT NULL,
  unheard_at BIGINT,
  times_deaf BIGINT NOT NULL,
  lease_owner UUID,
  lease_until BIGINT NOT NULL,
  fence BIGINT NOT NULL
);
CREATE UNIQUE INDEX push_path ON push (path_hash);

-- Subscriptions that are not wanted any more, until Graph has ended them or they have ended by themselves.
CREATE TABLE push_leaving (
  id UUID NOT NULL PRIMARY KEY,
  account_id UUID NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  mailbox_native_id TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  ends_at BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  next_at BIGINT NOT NULL
);
CREATE INDEX push_leaving_due ON push_leaving (next_at);
CREATE INDEX push_leaving_account ON push_leaving (account_id);

-- How often the source was woken: a poll that ends sees that it was woken meanwhile.
ALTER TABLE source ADD COLUMN wakes BIGINT NOT NULL DEFAULT 0;

-- Notices tell of push as well.
ALTER TABLE notice DROP CONSTRAINT notice_kind_check;
ALTER TABLE notice ADD CONSTRAINT notice_kind_check CHECK (kind IN
  ('offline', 'degraded', 'back', 'approval_needed', 'approval_given', 'expiry', 'silence', 'push'));
DROP INDEX notice_open;
CREATE UNIQUE INDEX notice_open ON notice (object_id, kind)
  WHERE ended_at IS NULL AND kind IN ('offline', 'degraded', 'approval_needed', 'silence', 'push');
