-- Waits for an administrator are kept apart: whose address nobody knows is told from others by the sign-in that began to wait.

-- The wait that a sign-in goes on with; none for all others.
ALTER TABLE sign_in ADD COLUMN approval_id UUID;
