-- The message that a delivery goes with; none before the first attempt. A repeat takes the same deliveries under the same id, so that a
-- receiver that has the message leaves out what it has and nothing else.
ALTER TABLE notice_delivery ADD COLUMN message_id UUID;
UPDATE notice_delivery SET message_id = id WHERE state = 'due' AND attempts > 0;

-- A source that was removed is read by nobody, so that the sign-in that read it can be removed, too.
ALTER TABLE source ALTER COLUMN account_id DROP NOT NULL;
