/** Packages that are not bundled into dist: they contain a binary, or most starts do not need them. */
export const OUTSIDE = ['better-sqlite3', 'pino', 'ajv', 'ajv-formats', 'libphonenumber-js', 'js-yaml', 'undici', 'pg'];
