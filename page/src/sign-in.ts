/**
 * Signing in with the operator's identity provider (OAuth: authorization code with PKCE, a client without a secret). The
 * token stays in memory. Only what the provider's answer is checked with outlives the way there and back: a random
 * state and the verifier of the code, in the tab's session storage, for one use.
 */
import { byId } from './dom.js';

const PENDING = 'g3n-sign-in';
const CODE_PARAMETERS = ['code', 'state', 'iss', 'error', 'error_description', 'session_state'];

/** How people sign in at this server, which says so in the page that it serves; see src/transport/pages.ts. */
interface SignIn {
  readonly clientId: string;
  readonly issuer: string;
  readonly resource: string;
  readonly scopes: readonly string[];
}

interface Provider {
  readonly authorization: string;
  readonly token: string;
}

/** What is remembered while the person is at the provider. */
interface Pending extends SignIn, Provider {
  readonly state: string;
  readonly verifier: string;
}

/** The parameters with which the provider led back to this page; they are removed from the URL at once. */
export function takeSignInAnswer(): URLSearchParams | undefined {
  const url = new URL(location.href);
  const answer = new URLSearchParams(url.search);
  if (!answer.has('state') || !(answer.has('code') || answer.has('error'))) return undefined;
  for (const name of CODE_PARAMETERS) url.searchParams.delete(name);
  history.replaceState(null, '', url.pathname + url.search + url.hash);
  return answer;
}

/**
 * Shows the button if the server says how to sign in, and finishes what the answer belongs to. `onToken` gets the access
 * token; `onFailure` gets a sentence.
 */
export function mountSignIn(
  answer: URLSearchParams | undefined,
  onToken: (token: string) => void,
  onFailure: (reason: string) => void,
): void {
  const signIn = readSignIn();
  if (signIn === undefined) return;
  const button = byId('sign-in', HTMLButtonElement);
  button.hidden = false;
  button.addEventListener('click', () => void leave(signIn).catch(() => onFailure(UNREACHABLE)));
  if (answer === undefined) return;
  const pending = takePending();
  if (pending === undefined) return;
  tokenFor(answer, pending).then(onToken, (error) => onFailure(error instanceof Refused ? error.message : UNREACHABLE));
}

const UNREACHABLE = 'The identity provider does not answer this page. It must allow its origin (CORS).';

/** The provider, or a check of its answer, said no. */
class Refused extends Error {}

function readSignIn(): SignIn | undefined {
  const said = document.querySelector<HTMLMetaElement>('meta[name="g3n-sign-in"]')?.content;
  return said === undefined ? undefined : (JSON.parse(said) as SignIn);
}

async function leave(signIn: SignIn): Promise<void> {
  const provider = await readProvider(signIn.issuer);
  const [state, verifier] = [randomText(), randomText()];
  const pending: Pending = { ...signIn, ...provider, state, verifier };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const url = new URL(provider.authorization);
  const parameters = {
    response_type: 'code',
    client_id: signIn.clientId,
    redirect_uri: ownAddress(),
    scope: signIn.scopes.join(' '),
    resource: signIn.resource,
    state,
    code_challenge: await challengeOf(verifier),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  location.assign(url.href);
}

async function readProvider(issuer: string): Promise<Provider> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/+$/, '');
  const places = [`/.well-known/oauth-authorization-server${path}`, `${path}/.well-known/openid-configuration`];
  for (const place of places) {
    const found = await readJson(origin + place).catch(() => undefined);
    if (found?.issuer !== issuer) continue;
    const [authorization, token] = [found.authorization_endpoint, found.token_endpoint].map(String);
    if (authorization !== undefined && token !== undefined) return { authorization, token };
  }
  throw new Refused('no metadata');
}

/** Exchanges the code of an answer. It must belong to the request that this tab made, and come from its issuer. */
async function tokenFor(answer: URLSearchParams, pending: Pending): Promise<string> {
  if (answer.get('state') !== pending.state)
    throw new Refused('Signing in failed: the answer belongs to another request.');
  const issuer = answer.get('iss');
  if (issuer !== null && issuer !== pending.issuer) throw new Refused('Signing in failed: another issuer answered.');
  const code = answer.get('code');
  if (code === null) throw new Refused('The identity provider did not let you in.');
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    client_id: pending.clientId,
    redirect_uri: ownAddress(),
    code_verifier: pending.verifier,
    resource: pending.resource,
  });
  const { access_token: token } = await readJson(pending.token, { method: 'POST', body });
  if (typeof token !== 'string') throw new Refused('The identity provider gave no token.');
  return token;
}

function takePending(): Pending | undefined {
  const text = sessionStorage.getItem(PENDING);
  sessionStorage.removeItem(PENDING);
  return text === null ? undefined : (JSON.parse(text) as Pending);
}

function ownAddress(): string {
  return `${location.origin}/`;
}

async function readJson(url: string, init: RequestInit = {}): Promise<Record<string, unknown>> {
  const response = await fetch(url, { ...init, credentials: 'omit', cache: 'no-store', redirect: 'error' });
  if (!response.ok) throw new Refused('The identity provider did not accept the sign-in.');
  return (await response.json()) as Record<string, unknown>;
}

function randomText(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

async function challengeOf(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}
