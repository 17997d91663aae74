/**
 * The view's side of MCP Apps (specification 2026-01-26): JSON-RPC over `postMessage` with the host that shows it.
 * Decides nothing about what is shown; see customer-app.ts.
 */
import { VERSION } from '../../../src/contract/version.js';

export type Arguments = { readonly [name: string]: unknown };

/** The result of a tool call, as the host passes it on. */
export interface HostToolResult {
  readonly content?: readonly { readonly type?: string; readonly text?: string }[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
}

/** What is known about the place in which the view is shown. Later notifications replace single fields. */
export interface HostContext {
  readonly theme?: unknown;
  readonly styles?: { readonly variables?: { readonly [name: string]: unknown } };
  readonly toolInfo?: { readonly tool?: { readonly name?: unknown } };
}

/** What the host tells the view. */
export interface HostEvents {
  onContext(context: HostContext): void;
  onInput(args: Arguments): void;
  onResult(result: HostToolResult): void;
  onCancelled(): void;
}

export interface Host {
  /** Whether the host says that it passes tool calls on. It may still reject one. */
  readonly passesCalls: boolean;
  /** Calls a tool of this server through the host. @throws Error when the host rejects the call. */
  call(tool: string, args: Arguments): Promise<HostToolResult>;
  /** Tells the host how high the content is. */
  reportHeight(height: number): void;
}

const PROTOCOL = '2026-01-26';
const METHOD_NOT_FOUND = -32601;

interface Message {
  readonly jsonrpc?: unknown;
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Arguments;
  readonly result?: unknown;
  readonly error?: { readonly message?: unknown };
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Opens the conversation with the window that embeds this one; only its messages are read. */
export async function connectToHost(parent: Window, events: HostEvents): Promise<Host> {
  const waiting = new Map<string | number, Waiting>();
  let lastId = 0;
  let context: HostContext = {};
  // The origin of a host is not known here, and nothing is sent that the host does not have.
  const send = (message: object) => parent.postMessage({ jsonrpc: '2.0', ...message }, '*');
  const request = (method: string, params: object) => {
    lastId += 1;
    const id = lastId;
    return new Promise<unknown>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      send({ id, method, params });
    });
  };
  const mergeContext = (changes: HostContext) => {
    context = { ...context, ...changes };
    events.onContext(context);
  };
  const onNotification = (method: string, params: Arguments) => {
    if (method === 'ui/notifications/tool-input') events.onInput((params.arguments ?? {}) as Arguments);
    if (method === 'ui/notifications/tool-result') events.onResult(params as HostToolResult);
    if (method === 'ui/notifications/tool-cancelled') events.onCancelled();
    if (method === 'ui/notifications/host-context-changed') mergeContext(params as HostContext);
  };
  addEventListener('message', ({ source, data }: MessageEvent<Message | null>) => {
    if (source !== parent || data?.jsonrpc !== '2.0') return;
    const { id, method, params = {} } = data;
    if (method === undefined) settle(waiting, data);
    else if (id === undefined) onNotification(method, params);
    else send({ id, ...replyTo(method) });
  });
  const initialized = (await request('ui/initialize', {
    appInfo: { name: 'g3n-crm-customer', version: VERSION },
    appCapabilities: { availableDisplayModes: ['inline', 'fullscreen'] },
    protocolVersion: PROTOCOL,
  })) as { readonly hostContext?: HostContext; readonly hostCapabilities?: { readonly serverTools?: object } };
  mergeContext(initialized.hostContext ?? {});
  send({ method: 'ui/notifications/initialized', params: {} });
  return {
    passesCalls: initialized.hostCapabilities?.serverTools !== undefined,
    call: async (name, args) => (await request('tools/call', { name, arguments: args })) as HostToolResult,
    reportHeight: (height) => send({ method: 'ui/notifications/size-changed', params: { height } }),
  };
}

function settle(waiting: Map<string | number, Waiting>, { id, result, error }: Message): void {
  const request = id === undefined ? undefined : waiting.get(id);
  if (id === undefined || request === undefined) return;
  waiting.delete(id);
  if (error === undefined) request.resolve(result);
  else request.reject(new Error(String(error.message ?? 'no reason given')));
}

/** The view keeps nothing, so it can be torn down at any time. */
function replyTo(method: string): object {
  if (method === 'ping' || method === 'ui/resource-teardown') return { result: {} };
  return { error: { code: METHOD_NOT_FOUND, message: 'This view has no such method.' } };
}
