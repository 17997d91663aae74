/** Schema, fourth part: the versions of the rules by which derived data was stored (store/derived-data.ts). */
export const DERIVED_DATA = `
CREATE TABLE derived_data (
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  built_at TEXT NOT NULL
) WITHOUT ROWID;`;
