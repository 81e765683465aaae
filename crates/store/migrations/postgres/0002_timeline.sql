-- Who did what is on a connection's timeline, and with what result; a source that was removed keeps its ledger's rows.

ALTER TABLE connection_event ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE connection_event ADD COLUMN detail TEXT;
ALTER TABLE source ADD COLUMN removed_at BIGINT;
-- What `handled_target` is called where it is a folder's id.
ALTER TABLE source ADD COLUMN handled_name TEXT NOT NULL DEFAULT '';
-- Held mail is looked for often and is rare.
CREATE INDEX message_held ON message (workspace_id, received_at) WHERE state = 'held';
