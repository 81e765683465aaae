-- Everything that Postroom knows, from the first day. The twin of this file in the other folder has the same tables
-- and columns (a test compares them). Times are microseconds since 1970 UTC. Columns named *_sealed hold
-- AEAD ciphertext bound to table, column and row.

-- The installation itself: small named values (the sealed identity key, the epoch).
CREATE TABLE installation (
  key TEXT NOT NULL PRIMARY KEY,
  value BYTEA NOT NULL,
  updated_at BIGINT NOT NULL
);

-- Data keys, each sealed under the master key.
CREATE TABLE sealing_key (
  id BIGINT NOT NULL PRIMARY KEY,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  retired_at BIGINT
);

CREATE TABLE workspace (
  id UUID NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

-- ---------------------------------------------------------------- access

CREATE TABLE console_user (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'viewer')),
  created_at BIGINT NOT NULL,
  disabled_at BIGINT
);
CREATE UNIQUE INDEX console_user_email ON console_user (email);

CREATE TABLE session (
  id_hash BYTEA NOT NULL PRIMARY KEY,
  user_id UUID NOT NULL REFERENCES console_user (id),
  csrf TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX session_expires ON session (expires_at);

-- Links that work once: owner sign-up now, sign-in links for mailbox owners later.
CREATE TABLE one_time_link (
  token_hash BYTEA NOT NULL PRIMARY KEY,
  purpose TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);

CREATE TABLE api_token (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  token_hash BYTEA NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'viewer')),
  created_at BIGINT NOT NULL,
  last_used_at BIGINT,
  revoked_at BIGINT
);
CREATE UNIQUE INDEX api_token_hash ON api_token (token_hash);

CREATE TABLE audit (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  at BIGINT NOT NULL,
  user_id UUID,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (workspace_id, at);

-- ---------------------------------------------------------------- connections

-- The Entra app that Postroom is.
CREATE TABLE app_registration (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  client_id TEXT NOT NULL,
  tenant TEXT NOT NULL,
  login_url TEXT NOT NULL,
  secret_sealed BYTEA,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX app_registration_client ON app_registration (workspace_id, login_url, client_id);

-- What Postroom signs in to Microsoft with. The refresh token is committed before its access token is used.
CREATE TABLE account (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  app_registration_id UUID NOT NULL REFERENCES app_registration (id),
  tenant_id TEXT NOT NULL,
  object_id TEXT NOT NULL,
  username TEXT NOT NULL,
  display_name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  refresh_sealed BYTEA,
  access_sealed BYTEA,
  access_expires_at BIGINT,
  signed_in_at BIGINT NOT NULL,
  refreshed_at BIGINT,
  state TEXT NOT NULL CHECK (state IN ('online', 'degraded', 'offline')),
  state_since BIGINT NOT NULL,
  fault TEXT,
  refresh_lease_owner UUID,
  refresh_lease_until BIGINT,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX account_person ON account (workspace_id, tenant_id, object_id);

-- A sign-in under way: everything that must come back unchanged from Microsoft's page.
CREATE TABLE sign_in (
  state_hash BYTEA NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  app_registration_id UUID NOT NULL REFERENCES app_registration (id),
  browser_hash BYTEA NOT NULL,
  verifier_sealed BYTEA NOT NULL,
  nonce TEXT NOT NULL,
  scopes TEXT NOT NULL,
  purpose TEXT NOT NULL,
  account_id UUID,
  user_id UUID,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);

CREATE TABLE jira_connection (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('cloud_token', 'data_center_token')),
  base_url TEXT NOT NULL,
  api_version BIGINT NOT NULL,
  username TEXT NOT NULL,
  token_sealed BYTEA NOT NULL,
  account_id TEXT,
  display_name TEXT,
  upload_limit BIGINT,
  state TEXT NOT NULL CHECK (state IN ('online', 'degraded', 'offline')),
  state_since BIGINT NOT NULL,
  fault TEXT,
  checked_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX jira_connection_site ON jira_connection (workspace_id, base_url);

-- A project of a Jira connection that mail goes to. A fault of the other side stops the destination, never a mail.
-- highest_key is the highest issue number seen: probes after a lost reply begin above it.
CREATE TABLE destination (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  jira_connection_id UUID NOT NULL REFERENCES jira_connection (id),
  project_key TEXT NOT NULL,
  project_name TEXT NOT NULL,
  highest_key BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('online', 'degraded', 'offline')),
  state_since BIGINT NOT NULL,
  fault TEXT,
  failures BIGINT NOT NULL,
  not_before BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX destination_project ON destination (jira_connection_id, project_key);

-- A mailbox as the tenant knows it. Two workspaces on one mailbox are refused by the unique index.
CREATE TABLE mailbox (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  tenant_id TEXT NOT NULL,
  native_id TEXT NOT NULL,
  address TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX mailbox_native ON mailbox (tenant_id, native_id);

-- A mailbox folder that is read.
CREATE TABLE source (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  account_id UUID NOT NULL REFERENCES account (id),
  mailbox_id UUID NOT NULL REFERENCES mailbox (id),
  folder_id TEXT NOT NULL,
  folder_name TEXT NOT NULL,
  connection_type TEXT NOT NULL CHECK (connection_type IN ('graph')),
  destination_id UUID REFERENCES destination (id),
  issue_type_id TEXT NOT NULL,
  issue_type_name TEXT NOT NULL,
  start_kind TEXT NOT NULL CHECK (start_kind IN ('now', 'since', 'everything')),
  start_at BIGINT NOT NULL,
  handled TEXT NOT NULL CHECK (handled IN ('leave', 'read', 'category', 'move')),
  handled_target TEXT NOT NULL,
  confirmed_at BIGINT,
  paused_at BIGINT,
  state TEXT NOT NULL CHECK (state IN ('online', 'degraded', 'offline')),
  state_since BIGINT NOT NULL,
  fault TEXT,
  failures BIGINT NOT NULL,
  cursor_value TEXT,
  round BIGINT NOT NULL,
  round_begun_at BIGINT,
  round_ended_at BIGINT,
  next_poll_at BIGINT NOT NULL,
  last_poll_at BIGINT,
  last_success_at BIGINT,
  last_mail_at BIGINT,
  lease_owner UUID,
  lease_until BIGINT,
  fence BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX source_folder ON source (mailbox_id, folder_id);
CREATE INDEX source_due ON source (next_poll_at);

-- What happened to a connection, for its timeline.
CREATE TABLE connection_event (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  object_kind TEXT NOT NULL,
  object_id UUID NOT NULL,
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  fault TEXT
);
CREATE INDEX connection_event_object ON connection_event (object_id, at);

-- ---------------------------------------------------------------- ledger

-- One row for each mail ever found; keys and ends outlive content. `k` is HMAC(identity key, tenant, mailbox, first
-- native id), hexadecimal. `lane` orders conversations. `state`: recorded (its round is not complete), ready, acting
-- (has a plan), held, ended.
CREATE TABLE message (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  mailbox_id UUID NOT NULL REFERENCES mailbox (id),
  source_id UUID NOT NULL REFERENCES source (id),
  k TEXT NOT NULL,
  native_id TEXT NOT NULL,
  message_id_hash TEXT,
  lane TEXT NOT NULL,
  received_at BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  summary_sealed BYTEA NOT NULL,
  content TEXT NOT NULL CHECK (content IN ('page', 'awaiting_mime', 'mime', 'gone', 'erased')),
  state TEXT NOT NULL CHECK (state IN ('recorded', 'ready', 'acting', 'held', 'ended')),
  ending TEXT CHECK (ending IN ('issue', 'comment', 'rejected', 'held', 'ignored')),
  ended_by TEXT,
  reason TEXT,
  ended_at BIGINT,
  issue_id TEXT,
  issue_key TEXT,
  comment_id TEXT,
  generation BIGINT NOT NULL,
  stage TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  not_before BIGINT NOT NULL,
  lease_owner UUID,
  lease_until BIGINT NOT NULL,
  fence BIGINT NOT NULL,
  mark TEXT NOT NULL CHECK (mark IN ('none', 'due', 'done', 'gone', 'failed')),
  mark_attempts BIGINT NOT NULL,
  mark_not_before BIGINT NOT NULL
);
CREATE UNIQUE INDEX message_k ON message (k);
CREATE INDEX message_open ON message (received_at, id) WHERE state IN ('ready', 'acting');
CREATE INDEX message_lane ON message (lane, received_at, id) WHERE state IN ('ready', 'acting', 'held');
CREATE INDEX message_recorded ON message (source_id) WHERE state = 'recorded';
CREATE INDEX message_mark ON message (mark_not_before) WHERE mark = 'due';
CREATE INDEX message_message_id ON message (workspace_id, message_id_hash);
CREATE INDEX message_recent ON message (workspace_id, received_at);
CREATE INDEX message_issue ON message (issue_id);

-- Every id by which a transport knows a message, to its row.
CREATE TABLE message_alias (
  mailbox_id UUID NOT NULL REFERENCES mailbox (id),
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  message_id UUID NOT NULL REFERENCES message (id),
  PRIMARY KEY (mailbox_id, kind, value)
);

-- The page JSON of a message, sealed; MIME lives in the object store.
CREATE TABLE message_content (
  message_id UUID NOT NULL PRIMARY KEY REFERENCES message (id),
  format BIGINT NOT NULL,
  page_sealed BYTEA NOT NULL,
  mime_blob TEXT
);

-- Which lane a Message-ID, a reference to one or a conversation belongs to. `key_hash` is an HMAC.
CREATE TABLE lane_key (
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  key_hash TEXT NOT NULL,
  lane TEXT NOT NULL,
  PRIMARY KEY (workspace_id, key_hash)
);

-- The frozen decision for one message; a revision after a definite refusal, a generation after a person's new run.
CREATE TABLE plan (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  message_id UUID NOT NULL REFERENCES message (id),
  generation BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  format BIGINT NOT NULL,
  body_sealed BYTEA NOT NULL,
  trace_sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX plan_message ON plan (message_id, generation, revision);

-- One effect in another system. `op` is written into it together with the effect. `mark` is where a probe begins.
CREATE TABLE step (
  id UUID NOT NULL PRIMARY KEY,
  plan_id UUID NOT NULL REFERENCES plan (id),
  message_id UUID NOT NULL REFERENCES message (id),
  position BIGINT NOT NULL,
  slot TEXT NOT NULL,
  op TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('planned', 'intent', 'in_doubt', 'done', 'held')),
  intent_at BIGINT,
  doubt_until BIGINT,
  mark BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  remote TEXT,
  fault TEXT,
  updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX step_op ON step (op);
CREATE INDEX step_message ON step (message_id, position);

-- Remote objects adopted by a step that cannot carry an op (attachments): each remote id is adopted once.
CREATE TABLE adopted (
  destination_id UUID NOT NULL REFERENCES destination (id),
  kind TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  op TEXT NOT NULL,
  PRIMARY KEY (destination_id, kind, remote_id)
);
