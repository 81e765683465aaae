-- Moving a source from EWS to Graph in the background, and what tells alike mails apart on the way.

-- HMAC over a mail's visible text: with Message-ID and time it says which mail this is where no id does.
ALTER TABLE message ADD COLUMN body_hash TEXT;
-- Which ids a message has; the other way round is the primary key.
CREATE INDEX message_alias_message ON message_alias (message_id, kind);

-- Another source found a mail that its first source owns: already handled there.
CREATE TABLE message_sighting (
  message_id UUID NOT NULL REFERENCES message (id) ON DELETE CASCADE,
  source_id UUID NOT NULL REFERENCES source (id) ON DELETE CASCADE,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (message_id, source_id)
);
CREATE INDEX message_sighting_source ON message_sighting (source_id);

-- The last move of a source to Graph. `done` of `total` ids have been asked for; `what` and `mend` say why it waits or ended.
CREATE TABLE conversion (
  source_id UUID NOT NULL PRIMARY KEY REFERENCES source (id) ON DELETE CASCADE,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
  total BIGINT NOT NULL,
  done BIGINT NOT NULL,
  translated BIGINT NOT NULL,
  matched BIGINT NOT NULL,
  gone BIGINT NOT NULL,
  held BIGINT NOT NULL,
  known BIGINT NOT NULL,
  user_id UUID,
  actor TEXT NOT NULL,
  what TEXT NOT NULL,
  mend TEXT NOT NULL,
  failures BIGINT NOT NULL,
  not_before BIGINT NOT NULL,
  lease_owner UUID,
  lease_until BIGINT NOT NULL,
  fence BIGINT NOT NULL,
  begun_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE INDEX conversion_due ON conversion (not_before) WHERE state = 'running';
