-- Message Sources over Exchange Web Services beside Graph.

-- SQLite changes no CHECK in place. The column is made anew and takes the old one's name; the table itself stays, since rows of
-- other tables refer to it.
ALTER TABLE source ADD COLUMN connection_kind TEXT NOT NULL DEFAULT 'graph' CHECK (connection_kind IN ('graph', 'ews'));
UPDATE source SET connection_kind = connection_type;
ALTER TABLE source DROP COLUMN connection_type;
ALTER TABLE source RENAME COLUMN connection_kind TO connection_type;
-- The address of an Exchange server of one's own; empty: that of the app registration.
ALTER TABLE source ADD COLUMN ews_url TEXT NOT NULL DEFAULT '';
