-- Mailboxes tell to the second when a mail came, and list the mails of one second in any order. `answers`: hashes of the
-- Message-IDs that a mail answers, the nearest first, separated by spaces. `turn`: its place among the mails of its lane and second,
-- decided when they are released, so that a reply never comes before what it answers.
ALTER TABLE message ADD COLUMN answers TEXT;
ALTER TABLE message ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
DROP INDEX message_open;
CREATE INDEX message_open ON message (received_at, turn, id) WHERE state IN ('ready', 'acting');
DROP INDEX message_lane;
CREATE INDEX message_lane ON message (lane, received_at, turn, id) WHERE state IN ('ready', 'acting', 'held');
