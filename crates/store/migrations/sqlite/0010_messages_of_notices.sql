-- The message that a delivery goes with; none before the first attempt. A repeat takes the same deliveries under the same id, so that a
-- receiver that has the message leaves out what it has and nothing else.
ALTER TABLE notice_delivery ADD COLUMN message_id BLOB;
UPDATE notice_delivery SET message_id = id WHERE state = 'due' AND attempts > 0;

-- A source that was removed is read by nobody, so that the sign-in that read it can be removed, too. SQLite takes no NOT NULL away:
-- the column is made anew and takes the old one's name.
ALTER TABLE source ADD COLUMN reader_id BLOB REFERENCES account (id);
UPDATE source SET reader_id = account_id;
ALTER TABLE source DROP COLUMN account_id;
ALTER TABLE source RENAME COLUMN reader_id TO account_id;
