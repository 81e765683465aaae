-- What Postroom is in the tenants that it was let into.

-- Made by the sign-in of an administrator, or where the directory told of it. `object_id` and `name` are empty where the directory
-- was not to be read. `signed_in_by` is whose sign-in it was.
CREATE TABLE enterprise_application (
  app_registration_id UUID NOT NULL REFERENCES app_registration (id),
  tenant_id TEXT NOT NULL,
  object_id TEXT NOT NULL,
  name TEXT NOT NULL,
  signed_in_by TEXT NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (app_registration_id, tenant_id)
);

-- Whether the person is an administrator who can consent for the tenant, as the last id_token said: 1, 0, or not told.
ALTER TABLE account ADD COLUMN administrator BIGINT;
