-- Where a mail's plan writes is kept with the mail: its source may be given another project, or another Jira, at any time.
ALTER TABLE message ADD COLUMN destination_id UUID REFERENCES destination (id);

-- What was written before: the project that the issue's key names, on the source's Jira if it is there; else the source's.
UPDATE message SET destination_id = coalesce(
  (SELECT d.id FROM destination d LEFT JOIN source s ON s.id = message.source_id LEFT JOIN destination o ON o.id = s.destination_id
    WHERE d.workspace_id = message.workspace_id
      AND substr(message.issue_key, 1, length(d.project_key) + 1) = d.project_key || '-'
    ORDER BY CASE WHEN d.id = o.id THEN 0 WHEN d.jira_connection_id = o.jira_connection_id THEN 1 ELSE 2 END, d.created_at
    LIMIT 1),
  (SELECT s.destination_id FROM source s WHERE s.id = message.source_id))
WHERE state = 'acting' OR issue_id IS NOT NULL
  OR (state = 'held' AND EXISTS (SELECT 1 FROM plan p WHERE p.message_id = message.id));
