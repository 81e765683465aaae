-- Whether an outbound is let send, apart from whether its mailbox answers: only a mail that went proves the former.
ALTER TABLE outbound ADD COLUMN send_state TEXT NOT NULL DEFAULT 'online' CHECK (send_state IN ('online', 'offline'));
ALTER TABLE outbound ADD COLUMN send_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbound ADD COLUMN send_fault TEXT;
ALTER TABLE outbound ADD COLUMN send_failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbound ADD COLUMN send_next_at BIGINT NOT NULL DEFAULT 0;

-- What whoever signed in did so for, as JSON; empty: to see what was granted. It says where an account goes on that nothing uses yet.
ALTER TABLE account ADD COLUMN goal TEXT NOT NULL DEFAULT '';
-- The same of a link for a mailbox's owner, and of a code.
ALTER TABLE sign_in_link ADD COLUMN goal TEXT NOT NULL DEFAULT '';
ALTER TABLE device_sign_in ADD COLUMN goal TEXT NOT NULL DEFAULT '';
-- The wait for an administrator that a code came to.
ALTER TABLE device_sign_in ADD COLUMN approval_id UUID;
