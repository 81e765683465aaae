-- The app registration as an object with live credentials, and all that lies between a sign-in and a consent: who waits for an
-- administrator, links for mailbox owners, device codes, and the app as an account of its own.

-- `owner`: the settings file or the console, never both. `cloud`: global, gcc_high, dod, china or custom. Empty addresses are those
-- of the settings. Sign-ins use the registration that was preferred last. `approval_state` comes back with an administrator.
ALTER TABLE app_registration ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE app_registration ADD COLUMN owner TEXT NOT NULL DEFAULT 'file' CHECK (owner IN ('file', 'console'));
ALTER TABLE app_registration ADD COLUMN cloud TEXT NOT NULL DEFAULT 'custom';
ALTER TABLE app_registration ADD COLUMN graph_url TEXT NOT NULL DEFAULT '';
ALTER TABLE app_registration ADD COLUMN ews_url TEXT NOT NULL DEFAULT '';
ALTER TABLE app_registration ADD COLUMN multi_tenant BIGINT NOT NULL DEFAULT 0;
ALTER TABLE app_registration ADD COLUMN preferred_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE app_registration ADD COLUMN approval_state TEXT NOT NULL DEFAULT '';

-- What a registration proves itself with: a secret's value, or a certificate with its key. The settings file's secret stays in
-- the registration's own row. A certificate is no secret, its key is.
CREATE TABLE credential (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  app_registration_id UUID NOT NULL REFERENCES app_registration (id),
  kind TEXT NOT NULL CHECK (kind IN ('secret', 'certificate')),
  sealed BYTEA NOT NULL,
  certificate TEXT NOT NULL,
  thumbprint TEXT NOT NULL,
  note TEXT NOT NULL,
  expires_at BIGINT,
  created_at BIGINT NOT NULL,
  tested_at BIGINT,
  fault TEXT
);
CREATE INDEX credential_registration ON credential (app_registration_id, created_at);

-- `wanted` is what was asked for, `scopes` what was granted. `consent`: whose consent covers it, where that is known.
ALTER TABLE account ADD COLUMN kind TEXT NOT NULL DEFAULT 'user' CHECK (kind IN ('user', 'app'));
ALTER TABLE account ADD COLUMN wanted TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN consent TEXT NOT NULL DEFAULT '' CHECK (consent IN ('', 'user', 'admin'));

-- The basic scopes come first, the rest second: `stage` says which of the two is under way.
ALTER TABLE sign_in ADD COLUMN stage TEXT NOT NULL DEFAULT 'whole' CHECK (stage IN ('basic', 'whole'));
ALTER TABLE sign_in ADD COLUMN wanted TEXT NOT NULL DEFAULT '';
-- Where it began; empty: where the registration's sign-ins begin.
ALTER TABLE sign_in ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
ALTER TABLE sign_in ADD COLUMN link_id UUID;

-- Somebody waits for an administrator. With an account its token is asked with the wanted scopes, at most once a minute
-- (`watch_at`); without one only the administrator's return says that it is over. `state` is in the consent link and wakes, no more.
CREATE TABLE approval (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  app_registration_id UUID NOT NULL REFERENCES app_registration (id),
  account_id UUID REFERENCES account (id),
  who TEXT NOT NULL,
  tenant TEXT NOT NULL,
  scopes TEXT NOT NULL,
  code TEXT NOT NULL,
  state TEXT NOT NULL,
  since BIGINT NOT NULL,
  watch_at BIGINT NOT NULL,
  watched_at BIGINT,
  returned_at BIGINT,
  ended_at BIGINT
);
CREATE INDEX approval_due ON approval (watch_at) WHERE ended_at IS NULL;
CREATE INDEX approval_account ON approval (account_id);
CREATE UNIQUE INDEX approval_back ON approval (state);

-- A link by which a mailbox's owner signs in without an account of the console; used once.
CREATE TABLE sign_in_link (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  app_registration_id UUID NOT NULL REFERENCES app_registration (id),
  token_hash BYTEA NOT NULL,
  purpose TEXT NOT NULL CHECK (purpose IN ('new', 'validate', 'replace')),
  account_id UUID REFERENCES account (id),
  mailbox TEXT NOT NULL,
  wanted TEXT NOT NULL,
  reason TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  opened_at BIGINT,
  used_at BIGINT,
  revoked_at BIGINT,
  signed_in_as TEXT NOT NULL
);
CREATE UNIQUE INDEX sign_in_link_token ON sign_in_link (token_hash);

-- A code that waits to be entered on another machine.
CREATE TABLE device_sign_in (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  app_registration_id UUID NOT NULL REFERENCES app_registration (id),
  account_id UUID REFERENCES account (id),
  wanted TEXT NOT NULL,
  user_code TEXT NOT NULL,
  address TEXT NOT NULL,
  code_sealed BYTEA NOT NULL,
  interval_seconds BIGINT NOT NULL,
  poll_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'signed_in', 'failed', 'ended')),
  fault TEXT,
  signed_in_account_id UUID,
  begun_by TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX device_sign_in_due ON device_sign_in (poll_at) WHERE state = 'waiting';

-- The mailboxes that an account of the kind `app` may be used for, and what the check with a mailbox outside the fence found.
CREATE TABLE app_mailbox (
  account_id UUID NOT NULL REFERENCES account (id),
  address TEXT NOT NULL,
  PRIMARY KEY (account_id, address)
);
CREATE TABLE app_fence (
  account_id UUID NOT NULL PRIMARY KEY REFERENCES account (id),
  control_mailbox TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('unchecked', 'holds', 'open', 'unclear')),
  fault TEXT,
  checked_at BIGINT
);
