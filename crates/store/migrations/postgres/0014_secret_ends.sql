-- When the settings file's client secret ends: as the file says, or as Microsoft Graph tells it.
ALTER TABLE app_registration ADD COLUMN secret_expires_at BIGINT;
