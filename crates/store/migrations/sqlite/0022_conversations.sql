-- What tells that mails belong together where neither answers the other, each as a hash: the mailbox's conversation, the topic of the
-- subject, the sender's address, and of the mails that one answers the oldest and (where it is another) the nearest.
ALTER TABLE message ADD COLUMN conversation_hash TEXT;
ALTER TABLE message ADD COLUMN topic_hash TEXT;
ALTER TABLE message ADD COLUMN sender_hash TEXT;
ALTER TABLE message ADD COLUMN root_hash TEXT;
ALTER TABLE message ADD COLUMN parent_hash TEXT;
CREATE INDEX message_conversation ON message (mailbox_id, conversation_hash, received_at) WHERE conversation_hash IS NOT NULL;
CREATE INDEX message_root ON message (mailbox_id, root_hash) WHERE root_hash IS NOT NULL;
CREATE INDEX message_parent ON message (mailbox_id, parent_hash) WHERE parent_hash IS NOT NULL;
