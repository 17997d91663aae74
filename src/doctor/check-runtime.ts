/** Doctor checks of the machine: the Node version and the environment variables. */
import { ConfigError, checkVariables, headersFromEnvironment, readEnvironment } from '../config.js';
import { API_KEY, ORGCODE, SESSION } from '../pipeline/headers.js';
import { unknownVariables } from '../settings/unknown-variables.js';
import { type Finding, fail, ok, warn } from './finding.js';

/** The oldest Node that runs this program, and the oldest that still gets security fixes. */
const OLDEST = [20, 19] as const;
const MAINTAINED = 22;

/** Checks whether Node is new enough. `version` is `process.versions.node`. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    return fail('Node', version, `Install Node ${MAINTAINED} or newer; ${OLDEST.join('.')} is the oldest that works.`);
  }
  if (major < MAINTAINED) return warn('Node', version, `It gets no security fixes any more: move to ${MAINTAINED}.`);
  return ok('Node', version);
}

/** Checks that the variables are well formed, and whether they name an org and a credential for a stdio client. */
export function checkEnvironment(env: NodeJS.ProcessEnv): readonly Finding[] {
  return [checkSettings(env), checkCaller(env)];
}

function checkSettings(env: NodeJS.ProcessEnv): Finding {
  const unknown = unknownVariables(env);
  if (unknown.length > 0) return fail('environment', unknown.join('; '), 'Correct or unset these variables.');
  try {
    checkVariables(env);
    readEnvironment(env);
    return ok('environment', 'every G3N_ variable is well formed');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return fail('environment', error.message, 'Correct or unset these variables.');
  }
}

/** Whether the environment identifies a stdio client. */
export function namesCaller(env: NodeJS.ProcessEnv): boolean {
  const { [ORGCODE]: orgcode, [SESSION]: session, [API_KEY]: key } = headersFromEnvironment(env);
  return Boolean(orgcode) && Boolean(session || key);
}

function checkCaller(env: NodeJS.ProcessEnv): Finding {
  const headers = headersFromEnvironment(env);
  const has = (name: string) => headers[name] !== undefined && headers[name] !== '';
  const sets = 'Over HTTP clients send them as headers; for stdio set G3N_ORGCODE and G3N_API_KEY or G3N_SESSION_GUID.';
  if (!has(ORGCODE)) return warn('caller', 'G3N_ORGCODE is not set', sets);
  if (!has(SESSION) && !has(API_KEY)) return warn('caller', 'no credential is set', sets);
  const both = has(SESSION) && has(API_KEY);
  return both
    ? warn('caller', 'a session and a key are set; the session is used', 'Unset the one that is not meant.')
    : ok('caller', `an org and ${has(SESSION) ? 'a session' : 'a key'} are set`);
}
