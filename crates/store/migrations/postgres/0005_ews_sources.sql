-- Message Sources over Exchange Web Services beside Graph.

ALTER TABLE source DROP CONSTRAINT source_connection_type_check;
ALTER TABLE source ADD CONSTRAINT source_connection_type_check CHECK (connection_type IN ('graph', 'ews'));
-- The address of an Exchange server of one's own; empty: that of the app registration.
ALTER TABLE source ADD COLUMN ews_url TEXT NOT NULL DEFAULT '';
