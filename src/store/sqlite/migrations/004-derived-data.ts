/** Schema, fourth part: with which version of its rules each kind of derived data was stored (store/derived-data.ts). */
export const DERIVED_DATA = `
CREATE TABLE derived_data (
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  built_at TEXT NOT NULL
) WITHOUT ROWID;`;
