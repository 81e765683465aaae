-- How a wait for an administrator ended: approved, or the sign-in that it was watched with was over. Empty while it lasts, and for
-- what ended before this was kept.
ALTER TABLE approval ADD COLUMN outcome TEXT NOT NULL DEFAULT '' CHECK (outcome IN ('', 'approved', 'ended'));

-- The account that whoever waits is to replace; none for all others.
ALTER TABLE approval ADD COLUMN replaces BLOB REFERENCES account (id);
