-- Which mail was the first with a key of another system that no issue had: Jira's search lags behind, and what it does not find yet is
-- known here. `query_hash` is an HMAC of the query for that key.
CREATE TABLE foreign_key (
  jira_connection_id UUID NOT NULL REFERENCES jira_connection (id),
  query_hash TEXT NOT NULL,
  message_id UUID NOT NULL REFERENCES message (id),
  PRIMARY KEY (jira_connection_id, query_hash)
);
