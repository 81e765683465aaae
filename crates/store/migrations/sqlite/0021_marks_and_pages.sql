-- How marking handled mail stands for a source. `mark_fault` is why the mailbox does not take the marks, since `mark_since`;
-- nothing is marked before `marks_not_before`. `marks_given_up` counts mails that stay unmarked for good.
ALTER TABLE source ADD COLUMN mark_state TEXT NOT NULL DEFAULT 'online' CHECK (mark_state IN ('online', 'degraded'));
ALTER TABLE source ADD COLUMN mark_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE source ADD COLUMN mark_fault TEXT;
ALTER TABLE source ADD COLUMN mark_failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE source ADD COLUMN marks_not_before INTEGER NOT NULL DEFAULT 0;
ALTER TABLE source ADD COLUMN marks_given_up INTEGER NOT NULL DEFAULT 0;

-- Since when the pages of a source carry ids alone, because one of its mails lets whole pages fail, and when whole ones are tried
-- again.
ALTER TABLE source ADD COLUMN by_ids_since INTEGER;
ALTER TABLE source ADD COLUMN whole_pages_at INTEGER NOT NULL DEFAULT 0;

-- The time zone whose midnight a source begins with.
ALTER TABLE source ADD COLUMN start_zone TEXT NOT NULL DEFAULT 'UTC';

-- Notices tell of marks as well. SQLite changes no CHECK in place: the column is made anew and takes the old one's name.
DROP INDEX notice_open;
ALTER TABLE notice ADD COLUMN kind_of TEXT NOT NULL DEFAULT 'back' CHECK (kind_of IN
  ('offline', 'degraded', 'back', 'approval_needed', 'approval_given', 'expiry', 'silence', 'push', 'marks'));
UPDATE notice SET kind_of = kind;
ALTER TABLE notice DROP COLUMN kind;
ALTER TABLE notice RENAME COLUMN kind_of TO kind;
CREATE UNIQUE INDEX notice_open ON notice (object_id, kind)
  WHERE ended_at IS NULL AND kind IN ('offline', 'degraded', 'approval_needed', 'silence', 'push', 'marks');
