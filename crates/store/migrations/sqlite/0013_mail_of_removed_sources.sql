-- Mail that a source had recorded when it was removed has nobody to handle it. It ends on record; a source that lists it takes it up
-- again. What has a plan is carried to its end.
UPDATE message SET state = 'ended', ending = 'ignored', ended_by = 'source-removed',
  reason = 'its source was removed before it was handled; a source that reads this mail again takes it up',
  ended_at = (SELECT s.removed_at FROM source s WHERE s.id = message.source_id)
WHERE state IN ('recorded', 'ready')
  AND EXISTS (SELECT 1 FROM source s WHERE s.id = message.source_id AND s.removed_at IS NOT NULL);
