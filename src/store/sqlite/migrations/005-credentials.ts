/** Schema, fifth part: who made a credential, when it was last used, and when it ends. */
export const CREDENTIALS = `
ALTER TABLE api_key ADD COLUMN expires_at TEXT;
ALTER TABLE api_key ADD COLUMN last_used_at TEXT;
ALTER TABLE api_key ADD COLUMN created_by TEXT;
ALTER TABLE session ADD COLUMN revoked_at TEXT;
ALTER TABLE session ADD COLUMN created_by TEXT;`;
