/** Doctor checks of an upstream: whether it answers, how far its clock differs, and which API version it has. */
import { API_VERSION } from '../contract/version.js';
import { GatewayOptionsError, type ProxyOptions } from '../gateway/origin.js';
import { type Probe, probe } from '../gateway/probe.js';
import { type Finding, fail, ok, warn } from './finding.js';

/** With a larger difference, times in responses and expiries are misleading. */
const MAX_SKEW_MS = 30_000;
const SLOW_MS = 2000;

/** Sends one request without credentials, through the proxy if there is one. `now` is the local clock. */
export async function checkGateway(base: URL, now: () => number, proxy?: ProxyOptions): Promise<readonly Finding[]> {
  let answer: Probe;
  try {
    answer = await probe(base, proxy);
  } catch (error) {
    if (error instanceof GatewayOptionsError)
      return [fail('reachability', error.message, 'Correct --gateway or --proxy.')];
    const { code, name } = error as NodeJS.ErrnoException;
    const remedy = 'Check the URL, the network, and the proxy (HTTPS_PROXY, --proxy).';
    const through = proxy === undefined ? '' : ` through the proxy ${proxy.url.host}`;
    return [fail('reachability', `${base.origin} does not answer${through}: ${code ?? name}`, remedy)];
  }
  return [reachability(base, answer), skew(answer, now()), version(answer)];
}

function reachability({ origin }: URL, { status, milliseconds, json }: Probe): Finding {
  const found = `${origin} answers ${status} in ${Math.round(milliseconds)} ms`;
  if (status >= 500)
    return fail('reachability', found, 'The API is down or in trouble: try later, or ask its operator.');
  if (!json) {
    return fail(
      'reachability',
      `${found}, but not with JSON`,
      'Something else answers there: check the URL and its path.',
    );
  }
  return milliseconds > SLOW_MS
    ? warn('reachability', found, 'Give calls time with --deadline-ms, or look at the network.')
    : ok('reachability', found);
}

function skew({ date, milliseconds }: Probe, now: number): Finding {
  if (date === undefined) return warn('clock', 'it does not tell its time', 'Compare the clocks by hand.');
  const apart = Math.abs(now - milliseconds / 2 - date);
  const found = `${Math.round(apart / 1000)} s apart`;
  return apart > MAX_SKEW_MS ? warn('clock', found, 'Set the clock of this machine (NTP).') : ok('clock', found);
}

function version({ api_version }: Probe): Finding {
  if (api_version === API_VERSION) return ok('API version', api_version);
  const found =
    api_version === undefined ? 'it does not tell' : `${api_version}, and this program speaks ${API_VERSION}`;
  return warn('API version', found, 'Look at the contract lines; upgrade this program if tools are refused.');
}
