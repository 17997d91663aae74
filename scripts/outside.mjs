/** Packages that the build leaves outside of dist: a start needs few of them, or they hold a binary. */
export const OUTSIDE = ['better-sqlite3', 'pino', 'ajv', 'ajv-formats', 'libphonenumber-js', 'js-yaml', 'undici'];
