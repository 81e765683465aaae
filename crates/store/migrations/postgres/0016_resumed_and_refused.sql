-- When a source was last taken into use again after a pause: it is silent only if it was read since then.
ALTER TABLE source ADD COLUMN resumed_at BIGINT;
-- What Microsoft says against the settings file's client secret while it is in use: a fault's record, as JSON.
ALTER TABLE app_registration ADD COLUMN secret_fault TEXT;
