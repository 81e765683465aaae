-- Everything that Postroom knows, from the first day. The twin of this file in the other folder has the same tables
-- and columns (a test compares them). Times are microseconds since 1970 UTC. Columns named *_sealed hold
-- AEAD ciphertext bound to table, column and row.

-- The installation itself: small named values (the sealed identity key, the epoch).
CREATE TABLE installation (
  key TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- Data keys, each sealed under the master key.
CREATE TABLE sealing_key (
  id INTEGER NOT NULL PRIMARY KEY,
  sealed BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  retired_at INTEGER
) STRICT;

CREATE TABLE workspace (
  id BLOB NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- ---------------------------------------------------------------- access

CREATE TABLE console_user (
  id BLOB NOT NULL PRIMARY KEY,
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'viewer')),
  created_at INTEGER NOT NULL,
  disabled_at INTEGER
) STRICT;
CREATE UNIQUE INDEX console_user_email ON console_user (email);

CREATE TABLE session (
  id_hash BLOB NOT NULL PRIMARY KEY,
  user_id BLOB NOT NULL REFERENCES console_user (id),
  csrf TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_expires ON session (expires_at);

-- Links that work once: owner sign-up now, sign-in links for mailbox owners later.
CREATE TABLE one_time_link (
  token_hash BLOB NOT NULL PRIMARY KEY,
  purpose TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT;

CREATE TABLE api_token (
  id BLOB NOT NULL PRIMARY KEY,
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  token_hash BLOB NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'viewer')),
  created_at INTEGER NOT NULL,
  last_used_at INTEGER,
  revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX api_token_hash ON api_token (token_hash);

CREATE TABLE audit (
  id BLOB NOT NULL PRIMARY KEY,
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  at INTEGER NOT NULL,
  user_id BLOB,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_at ON audit (workspace_id, at);

-- ---------------------------------------------------------------- connections

-- The Entra app that Postroom is.
CREATE TABLE app_registration (
  id BLOB NOT NULL PRIMARY KEY,
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  client_id TEXT NOT NULL,
  tenant TEXT NOT NULL,
  login_url TEXT NOT NULL,
  secret_sealed BLOB,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX app_registration_client ON app_registration (workspace_id, login_url, client_id);

-- What Postroom signs in to Microsoft with. The refresh token is committed before its access token is used.
CREATE TABLE account (
  id BLOB NOT NULL PRIMARY KEY,
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  app_registration_id BLOB NOT NULL REFERENCES app_registration (id),
  tenant_id TEXT NOT NULL,
  object_id TEXT NOT NULL,
  username TEXT NOT NULL,
  display_name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  refresh_sealed BLOB,
  access_sealed BLOB,
  access_expires_at INTEGER,
  signed_in_at INTEGER NOT NULL,
  refreshed_at INTEGER,
  state TEXT NOT NULL CHECK (state IN ('online', 'degraded', 'offline')),
  state_since INTEGER NOT NULL,
  fault TEXT,
  refresh_lease_owner BLOB,
  refresh_lease_until INTEGER,
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX account_person ON account (workspace_id, tenant_id, object_id);

-- A sign-in under way: everything that must come back unchanged from Microsoft's page.
CREATE TABLE sign_in (
  state_hash BLOB NOT NULL PRIMARY KEY,
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  app_registration_id BLOB NOT NULL REFERENCES app_registration (id),
  browser_hash BLOB NOT NULL,
  verifier_sealed BLOB NOT NULL,
  nonce TEXT NOT NULL,
  scopes TEXT NOT NULL,
  purpose TEXT NOT NULL,
  account_id BLOB,
  user_id BLOB,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT;

CREATE TABLE jira_connection (
  id BLOB NOT NULL PRIMARY KEY,
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('cloud_token', 'data_center_token')),
  base_url TEXT NOT NULL,
  api_version INTEGER NOT NULL,
  username TEXT NOT NULL,
  token_sealed BLOB NOT NULL,
  account_id TEXT,
  display_name TEXT,
  upload_limit INTEGER,
  state TEXT NOT NULL CHECK (state IN ('online', 'degraded', 'offline')),
  state_since INTEGER NOT NULL,
  fault TEXT,
  checked_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX jira_connection_site ON jira_connection (workspace_id, base_url);

-- A project of a Jira connection that mail goes to. A fault of the other side stops the destination, never a mail.
-- highest_key is the highest issue number seen: probes after a lost reply begin above it.
CREATE TABLE destination (
  id BLOB NOT NULL PRIMARY KEY,
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  jira_connection_id BLOB NOT NULL REFERENCES jira_connection (id),
  project_key TEXT NOT NULL,
  project_name TEXT NOT NULL,
  highest_key INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('online', 'degraded', 'offline')),
  state_since INTEGER NOT NULL,
  fault TEXT,
  failures INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX destination_project ON destination (jira_connection_id, project_key);

-- A mailbox as the tenant knows it. Two workspaces on one mailbox are refused by the unique index.
CREATE TABLE mailbox (
  id BLOB NOT NULL PRIMARY KEY,
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  tenant_id TEXT NOT NULL,
  native_id TEXT NOT NULL,
  address TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX mailbox_native ON mailbox (tenant_id, native_id);

-- A mailbox folder that is read.
CREATE TABLE source (
  id BLOB NOT NULL PRIMARY KEY,
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  account_id BLOB NOT NULL REFERENCES account (id),
  mailbox_id BLOB NOT NULL REFERENCES mailbox (id),
  folder_id TEXT NOT NULL,
  folder_name TEXT NOT NULL,
  connection_type TEXT NOT NULL CHECK (connection_type IN ('graph')),
  destination_id BLOB REFERENCES destination (id),
  issue_type_id TEXT NOT NULL,
  issue_type_name TEXT NOT NULL,
  start_kind TEXT NOT NULL CHECK (start_kind IN ('now', 'since', 'everything')),
  start_at INTEGER NOT NULL,
  handled TEXT NOT NULL CHECK (handled IN ('leave', 'read', 'category', 'move')),
  handled_target TEXT NOT NULL,
  confirmed_at INTEGER,
  paused_at INTEGER,
  state TEXT NOT NULL CHECK (state IN ('online', 'degraded', 'offline')),
  state_since INTEGER NOT NULL,
  fault TEXT,
  failures INTEGER NOT NULL,
  cursor_value TEXT,
  round INTEGER NOT NULL,
  round_begun_at INTEGER,
  round_ended_at INTEGER,
  next_poll_at INTEGER NOT NULL,
  last_poll_at INTEGER,
  last_success_at INTEGER,
  last_mail_at INTEGER,
  lease_owner BLOB,
  lease_until INTEGER,
  fence INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX source_folder ON source (mailbox_id, folder_id);
CREATE INDEX source_due ON source (next_poll_at);

-- What happened to a connection, for its timeline.
CREATE TABLE connection_event (
  id BLOB NOT NULL PRIMARY KEY,
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  object_kind TEXT NOT NULL,
  object_id BLOB NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  fault TEXT
) STRICT;
CREATE INDEX connection_event_object ON connection_event (object_id, at);

-- ---------------------------------------------------------------- ledger

-- One row for each mail ever found; keys and ends outlive content. `k` is HMAC(identity key, tenant, mailbox, first
-- native id), hexadecimal. `lane` orders conversations. `state`: recorded (its round is not complete), ready, acting
-- (has a plan), held, ended.
CREATE TABLE message (
  id BLOB NOT NULL PRIMARY KEY,
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  mailbox_id BLOB NOT NULL REFERENCES mailbox (id),
  source_id BLOB NOT NULL REFERENCES source (id),
  k TEXT NOT NULL,
  native_id TEXT NOT NULL,
  message_id_hash TEXT,
  lane TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  summary_sealed BLOB NOT NULL,
  content TEXT NOT NULL CHECK (content IN ('page', 'awaiting_mime', 'mime', 'gone', 'erased')),
  state TEXT NOT NULL CHECK (state IN ('recorded', 'ready', 'acting', 'held', 'ended')),
  ending TEXT CHECK (ending IN ('issue', 'comment', 'rejected', 'held', 'ignored')),
  ended_by TEXT,
  reason TEXT,
  ended_at INTEGER,
  issue_id TEXT,
  issue_key TEXT,
  comment_id TEXT,
  generation INTEGER NOT NULL,
  stage TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  lease_owner BLOB,
  lease_until INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  mark TEXT NOT NULL CHECK (mark IN ('none', 'due', 'done', 'gone', 'failed')),
  mark_attempts INTEGER NOT NULL,
  mark_not_before INTEGER NOT NULL
) STRICT;
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
  mailbox_id BLOB NOT NULL REFERENCES mailbox (id),
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  message_id BLOB NOT NULL REFERENCES message (id),
  PRIMARY KEY (mailbox_id, kind, value)
) STRICT, WITHOUT ROWID;

-- The page JSON of a message, sealed; MIME lives in the object store.
CREATE TABLE message_content (
  message_id BLOB NOT NULL PRIMARY KEY REFERENCES message (id),
  format INTEGER NOT NULL,
  page_sealed BLOB NOT NULL,
  mime_blob TEXT
) STRICT;

-- Which lane a Message-ID, a reference to one or a conversation belongs to. `key_hash` is an HMAC.
CREATE TABLE lane_key (
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  key_hash TEXT NOT NULL,
  lane TEXT NOT NULL,
  PRIMARY KEY (workspace_id, key_hash)
) STRICT, WITHOUT ROWID;

-- The frozen decision for one message; a revision after a definite refusal, a generation after a person's new run.
CREATE TABLE plan (
  id BLOB NOT NULL PRIMARY KEY,
  workspace_id BLOB NOT NULL REFERENCES workspace (id),
  message_id BLOB NOT NULL REFERENCES message (id),
  generation INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  format INTEGER NOT NULL,
  body_sealed BLOB NOT NULL,
  trace_sealed BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX plan_message ON plan (message_id, generation, revision);

-- One effect in another system. `op` is written into it together with the effect. `mark` is where a probe begins.
CREATE TABLE step (
  id BLOB NOT NULL PRIMARY KEY,
  plan_id BLOB NOT NULL REFERENCES plan (id),
  message_id BLOB NOT NULL REFERENCES message (id),
  position INTEGER NOT NULL,
  slot TEXT NOT NULL,
  op TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('planned', 'intent', 'in_doubt', 'done', 'held')),
  intent_at INTEGER,
  doubt_until INTEGER,
  mark INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  remote TEXT,
  fault TEXT,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX step_op ON step (op);
CREATE INDEX step_message ON step (message_id, position);

-- Remote objects adopted by a step that cannot carry an op (attachments): each remote id is adopted once.
CREATE TABLE adopted (
  destination_id BLOB NOT NULL REFERENCES destination (id),
  kind TEXT NOT NULL,
  remote_id TEXT NOT NULL,
  op TEXT NOT NULL,
  PRIMARY KEY (destination_id, kind, remote_id)
) STRICT, WITHOUT ROWID;
