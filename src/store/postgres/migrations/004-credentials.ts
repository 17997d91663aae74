/** Schema: who made a credential, when it was last used, and when it ends. */
import { collated } from './table-rules.js';

export const CREDENTIAL_COLUMNS = collated(`
ALTER TABLE api_key ADD COLUMN expires_at TEXT, ADD COLUMN last_used_at TEXT, ADD COLUMN created_by TEXT;
ALTER TABLE session ADD COLUMN revoked_at TEXT, ADD COLUMN created_by TEXT;`);
