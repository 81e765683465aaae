-- Message Outbounds; notices, the channels they go through and their deliveries; the alarm of a source that falls silent;
-- shadow mode. Columns named *_sealed hold AEAD ciphertext bound to table, column and row.

-- A mailbox that mail is sent from.
CREATE TABLE outbound (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  account_id UUID NOT NULL REFERENCES account (id),
  mailbox_id UUID NOT NULL REFERENCES mailbox (id),
  connection_type TEXT NOT NULL CHECK (connection_type IN ('graph', 'ews')),
  from_name TEXT NOT NULL,
  paused_at BIGINT,
  state TEXT NOT NULL CHECK (state IN ('online', 'degraded', 'offline')),
  state_since BIGINT NOT NULL,
  fault TEXT,
  failures BIGINT NOT NULL,
  next_check_at BIGINT NOT NULL,
  last_success_at BIGINT,
  last_sent_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX outbound_mailbox ON outbound (mailbox_id);
CREATE INDEX outbound_due ON outbound (next_check_at);

-- Since when a source reads and decides and writes nothing, neither to Jira nor to the mailbox.
ALTER TABLE source ADD COLUMN shadow_at BIGINT;

-- When a source counts as silent: so many hours of the times in which mail is to be expected. `begins` and `ends` are minutes
-- since midnight in `zone`; `days` has a bit for each day, Monday the lowest.
CREATE TABLE silence_alarm (
  source_id UUID NOT NULL PRIMARY KEY REFERENCES source (id) ON DELETE CASCADE,
  hours BIGINT NOT NULL,
  begins BIGINT NOT NULL,
  ends BIGINT NOT NULL,
  days BIGINT NOT NULL,
  zone TEXT NOT NULL
);

-- A way by which notices reach people besides the console. `shown` is what may be read of the target: a host, addresses.
CREATE TABLE notice_channel (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  kind TEXT NOT NULL CHECK (kind IN ('webhook', 'slack', 'teams', 'mail')),
  name TEXT NOT NULL,
  shown TEXT NOT NULL,
  target_sealed BYTEA NOT NULL,
  secret_sealed BYTEA,
  paused_at BIGINT,
  last_good BIGINT,
  last_answer TEXT NOT NULL,
  last_at BIGINT,
  lease_owner UUID,
  lease_until BIGINT NOT NULL,
  fence BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);

-- Something that people are told. `ended_at`: what it tells of is over. `dedupe` keeps the same from being raised twice.
CREATE TABLE notice (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  kind TEXT NOT NULL CHECK (kind IN
    ('offline', 'degraded', 'back', 'approval_needed', 'approval_given', 'expiry', 'silence')),
  object_kind TEXT NOT NULL,
  object_id UUID NOT NULL,
  object_name TEXT NOT NULL,
  dedupe TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  href TEXT NOT NULL,
  fault TEXT,
  raised_at BIGINT NOT NULL,
  ended_at BIGINT,
  seen_at BIGINT
);
CREATE UNIQUE INDEX notice_dedupe ON notice (workspace_id, dedupe);
CREATE UNIQUE INDEX notice_open ON notice (object_id, kind)
  WHERE ended_at IS NULL AND kind IN ('offline', 'degraded', 'approval_needed', 'silence');
CREATE INDEX notice_recent ON notice (workspace_id, raised_at);
CREATE INDEX notice_unseen ON notice (workspace_id) WHERE seen_at IS NULL AND ended_at IS NULL;
CREATE INDEX notice_of_object ON notice (object_id, raised_at);

-- A notice on its way through a channel. `dropped`: what it told of was over before it went.
CREATE TABLE notice_delivery (
  id UUID NOT NULL PRIMARY KEY,
  notice_id UUID NOT NULL REFERENCES notice (id) ON DELETE CASCADE,
  channel_id UUID NOT NULL REFERENCES notice_channel (id) ON DELETE CASCADE,
  state TEXT NOT NULL CHECK (state IN ('due', 'sent', 'failed', 'dropped')),
  attempts BIGINT NOT NULL,
  not_before BIGINT NOT NULL,
  attempted_at BIGINT,
  answer TEXT NOT NULL
);
CREATE UNIQUE INDEX notice_delivery_once ON notice_delivery (notice_id, channel_id);
CREATE INDEX notice_delivery_due ON notice_delivery (not_before) WHERE state = 'due';
CREATE INDEX notice_delivery_sent ON notice_delivery (channel_id, attempted_at) WHERE state = 'sent';
