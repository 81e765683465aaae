-- Jira connections by kind: service accounts and tokens with scopes, which go through Atlassian's gateway, beside tokens of the site.

ALTER TABLE jira_connection DROP CONSTRAINT jira_connection_kind_check;
ALTER TABLE jira_connection ADD CONSTRAINT jira_connection_kind_check CHECK (kind IN
  ('cloud_service', 'cloud_scoped', 'cloud_token', 'data_center_token'));
-- The id by which Atlassian's gateway knows the site; empty where it is not needed.
ALTER TABLE jira_connection ADD COLUMN cloud_id TEXT NOT NULL DEFAULT '';
-- When the secret was put in, when it ends, and who says so: a person by hand, or Jira itself.
ALTER TABLE jira_connection ADD COLUMN secret_put_at BIGINT NOT NULL DEFAULT 0;
UPDATE jira_connection SET secret_put_at = updated_at;
ALTER TABLE jira_connection ADD COLUMN secret_ends_at BIGINT;
ALTER TABLE jira_connection ADD COLUMN secret_ends_by TEXT NOT NULL DEFAULT '' CHECK (secret_ends_by IN ('', 'hand', 'jira'));
-- Which Jira it is, as it said last.
ALTER TABLE jira_connection ADD COLUMN server TEXT NOT NULL DEFAULT '';
ALTER TABLE jira_connection ADD COLUMN last_success_at BIGINT;
UPDATE jira_connection SET last_success_at = checked_at WHERE state = 'online';
-- While it is paused nothing is written to it and nothing asked of it.
ALTER TABLE jira_connection ADD COLUMN paused_at BIGINT;

-- The address that Jira itself sends a project's mail from; empty where it told none.
ALTER TABLE destination ADD COLUMN jira_address TEXT NOT NULL DEFAULT '';
