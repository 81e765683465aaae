-- What goes after its time, and what is erased when somebody asks for it. Keys, ends and operation keys stay.

-- When sender, subject, plan and trace were removed.
ALTER TABLE message ADD COLUMN forgotten_at BIGINT;
CREATE INDEX message_with_content ON message (ended_at) WHERE state = 'ended' AND content <> 'erased';
CREATE INDEX message_with_summary ON message (ended_at) WHERE state = 'ended' AND forgotten_at IS NULL;

-- What people did about a mail is found by it.
CREATE INDEX audit_object ON audit (object);

-- Contents that are to leave the content store: whatever named them is gone already. A mail that is taken up again takes its name out.
CREATE TABLE blob_removal (
  name TEXT NOT NULL PRIMARY KEY,
  since BIGINT NOT NULL
);

-- Everything of one address is erased: first it is counted, then, when somebody has seen the numbers and says so, erased. The address
-- itself stays until the end only. `own` and `named` are what it sent and what else names it; `held` of them wait for a person,
-- `left_open` are on their way to Jira and left, `unread` could not be read. `place_at` and `place_id` are how far it has come,
-- from the newest message on; `issues` are the keys of issues that hold what was written to Jira, `standing` where the address
-- stands on, both as JSON.
CREATE TABLE erasure (
  id UUID NOT NULL PRIMARY KEY,
  workspace_id UUID NOT NULL REFERENCES workspace (id),
  address_sealed BYTEA,
  domain TEXT NOT NULL,
  named_too BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('counting', 'counted', 'erasing', 'done')),
  actor TEXT NOT NULL,
  total BIGINT NOT NULL,
  seen BIGINT NOT NULL,
  own BIGINT NOT NULL,
  named BIGINT NOT NULL,
  held BIGINT NOT NULL,
  left_open BIGINT NOT NULL,
  unread BIGINT NOT NULL,
  issues TEXT NOT NULL,
  standing TEXT NOT NULL,
  place_at BIGINT NOT NULL,
  place_id UUID NOT NULL,
  lease_until BIGINT NOT NULL,
  begun_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE INDEX erasure_recent ON erasure (workspace_id, begun_at);
