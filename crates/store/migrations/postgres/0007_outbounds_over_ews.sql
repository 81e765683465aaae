-- Message Outbounds over an Exchange server of one's own; what a sign-in, and the wait for an approval, is for.

-- The address of an Exchange server of one's own; empty: that of the app registration.
ALTER TABLE outbound ADD COLUMN ews_url TEXT NOT NULL DEFAULT '';
-- Where it goes on after the sign-in, as JSON; empty: the account's page.
ALTER TABLE sign_in ADD COLUMN goal TEXT NOT NULL DEFAULT '';
ALTER TABLE approval ADD COLUMN goal TEXT NOT NULL DEFAULT '';
