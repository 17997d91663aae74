/** Finds variables that are meant for this program, and that no setting has. */
import { nearestName } from '../nearest-name.js';
import { CLIENT_SETTINGS } from './client-variables.js';
import { variableOf } from './setting.js';
import { SETTINGS } from './setting-table.js';

const OURS = /^G3N_/i;
/** Variables of the tests and the benchmarks of this program. */
const OF_TESTS = /^G3N_(TEST|BENCH)_/;
/** Kubernetes sets these in every pod for a service named g3n-…: `G3N_CRM_SERVICE_HOST`, `G3N_CRM_PORT_80_TCP_ADDR`. */
const OF_SERVICE = /^(G3N(?:_\w+?)?)_(?:SERVICE_HOST|SERVICE_PORT|PORT)(?:_\w+)?$/;

/** What to say about each variable that no setting has, with the nearest that one has. */
export function unknownVariables(env: NodeJS.ProcessEnv): readonly string[] {
  const names = [...Object.keys(SETTINGS), ...CLIENT_SETTINGS];
  const known = names.map(variableOf);
  return Object.keys(env)
    .filter((name) => OURS.test(name) && !OF_TESTS.test(name) && !known.includes(name) && !isServiceLink(name, env))
    .map((name) => {
      const near = nearestName(name.slice('G3N_'.length), names);
      return `there is no variable ${name}${near === undefined ? '' : `: did you mean ${variableOf(near)}?`}`;
    });
}

function isServiceLink(name: string, env: NodeJS.ProcessEnv): boolean {
  const service = OF_SERVICE.exec(name)?.[1];
  return service !== undefined && env[`${service}_SERVICE_HOST`] !== undefined;
}
