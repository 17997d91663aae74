/** A client of the official SDK whose user signs in: the forms of the provider are filled in without a browser. */
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';

const CALLBACK = 'http://127.0.0.1:9/callback';

export interface Flow {
  /** What the client asked the user's browser for. */
  readonly asked: {
    readonly scope: string | null;
    readonly challenge: string | null;
    readonly resource: string | null;
    readonly client: string | null;
  }[];
  /** All tokens that the client got. */
  readonly tokens: { readonly access_token: string }[];
}

export interface SignedIn {
  readonly client: Client;
  readonly flow: Flow;
  /** Does something; when the user has to sign in (again) first, does it after that. */
  retrying<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface SignInOptions {
  /** Where the provider sends the user's browser back to. */
  readonly redirectUrl?: string;
  /** Has the user sign in, and returns what the provider sends back; default: fills in the forms without a browser. */
  readonly signIn?: (start: URL) => Promise<URLSearchParams>;
  /** The client ID metadata document of the client, which then does not register. */
  readonly clientMetadataUrl?: string;
}

/** What a client says of itself, when it registers or in a document. */
export function clientMetadata(redirectUrl = CALLBACK) {
  return {
    client_name: 'test client',
    redirect_uris: [redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native' as const,
  };
}

/** Connects a client that nobody has registered, as a user. */
export async function connectWithSignIn(url: string, user: string, options: SignInOptions = {}): Promise<SignedIn> {
  const { redirectUrl = CALLBACK, signIn = (start: URL) => fillInForms(start, user), clientMetadataUrl } = options;
  const flow: Flow = { asked: [], tokens: [] };
  const kept: { registered?: object; discovered?: object; verifier: string; wanted?: URL | undefined } = {
    verifier: '',
  };
  const authProvider = {
    redirectUrl,
    clientMetadata: clientMetadata(redirectUrl),
    ...(clientMetadataUrl === undefined ? {} : { clientMetadataUrl }),
    clientInformation: () => kept.registered as never,
    saveClientInformation: (registered: object) => void Object.assign(kept, { registered }),
    tokens: () => flow.tokens.at(-1) as never,
    saveTokens: (tokens: { readonly access_token: string }) => void flow.tokens.push(tokens),
    redirectToAuthorization(target: URL) {
      kept.wanted = target;
      const { searchParams: asked } = target;
      flow.asked.push({
        scope: asked.get('scope'),
        challenge: asked.get('code_challenge_method'),
        resource: asked.get('resource'),
        client: asked.get('client_id'),
      });
    },
    saveCodeVerifier: (verifier: string) => void Object.assign(kept, { verifier }),
    codeVerifier: () => kept.verifier,
    saveDiscoveryState: (discovered: object) => void Object.assign(kept, { discovered }),
    discoveryState: () => kept.discovered as never,
  };
  let transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
  const signInFirst = async () => {
    if (kept.wanted === undefined) throw new Error('nobody was asked to sign in');
    const callback = await signIn(kept.wanted);
    kept.wanted = undefined;
    await transport.finishAuth(callback);
  };
  const client = new Client({ name: 'signing-in', version: '1' });
  try {
    await client.connect(transport);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    await signInFirst();
    transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
    await client.connect(transport);
  }
  return {
    client,
    flow,
    async retrying(work) {
      try {
        return await work();
      } catch (error) {
        if (kept.wanted === undefined) throw error;
        await signInFirst();
        return await work();
      }
    },
    close: () => client.close(),
  };
}

const MOST_STEPS = 20;

/** Follows the provider's redirects and fills in its forms, until it leads back to the client. */
async function fillInForms(start: URL, user: string): Promise<URLSearchParams> {
  const cookies = new Map<string, string>();
  let next: { readonly url: URL; readonly form?: Record<string, string> } = { url: start };
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const { url, form } = next;
    if (url.href.startsWith(CALLBACK)) return url.searchParams;
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';');
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    const location = response.headers.get('location');
    next = location === null ? formOf(await response.text(), url, user) : { url: new URL(location, url) };
  }
  throw new Error('the provider does not lead back');
}

function formOf(html: string, page: URL, login: string) {
  const action = /<form[^>]* action="([^"]+)"/.exec(html)?.[1];
  const prompt = /name="prompt" value="(\w+)"/.exec(html)?.[1];
  if (action === undefined || prompt === undefined) throw new Error(`no form: ${html.replace(/<[^>]+>/g, ' ')}`);
  return { url: new URL(action, page), form: prompt === 'login' ? { prompt, login, password: 'any' } : { prompt } };
}
