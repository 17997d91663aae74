/** The `http` command: serves MCP at /mcp and REST at /crm; every request carries its credentials in headers. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { ConfigError, readEnvironment } from '../config.js';
import type { Readiness } from '../contract/backend.js';
import { isLoopback } from '../contract/loopback.js';
import type { Contract } from '../contract/operation.js';
import { IN_MEMORY } from '../database-file/file-identity.js';
import { createLog, describe, type Log } from '../log.js';
import type { OAuthOptions } from '../oauth/oauth-options.js';
import type { CallLimits } from '../pipeline/call-limits.js';
import { isPostgresUrl } from '../store/postgres/connection-url.js';
import type { TraceSettings } from '../telemetry/trace-settings.js';
import { surviveClosedPipe } from '../terminal/closed-pipe.js';
import type { HttpTransport } from '../transport/http.js';
import type { MakeSharedLimiter } from '../transport/shared-budget.js';
import {
  AGENT_SETTINGS,
  type AgentFlags,
  agentApplication,
  agentSettings,
  checkAgentSettings,
} from './agent-options.js';
import { type Listener, requireDistinct, requireFreePorts, rethrowTaken } from './free-ports.js';
import {
  isWorker,
  leavePrimary,
  PRIMARY,
  requireWorkers,
  superviseWorkers,
  tellListening,
  toldToStop,
} from './http-workers.js';
import { checkFirstScopes, OAUTH_SETTINGS, type OAuthFlags, oauthSettings, pageSignInOf } from './oauth-settings.js';
import { openBearer, requireIssuer } from './open-bearer.js';
import { type Serving, type ServingFlags, withServing } from './open-serving.js';
import { signalled } from './output.js';
import { type ServedMetrics, serveMetrics } from './serve-metrics.js';
import { readTraceSettings, type ServedTraces, serveTraces } from './serve-traces.js';
import { addSettings } from './setting-options.js';
import { DATABASE_SETTINGS, GATEWAY_SETTINGS, type LimitFlags, resolvedPath } from './shared-options.js';
import {
  METRICS_SETTINGS,
  type MetricsFlags,
  type MetricsSettings,
  metricsSettings,
  type TraceFlags,
} from './telemetry-options.js';
import { TRANSPORT_SETTINGS, type TransportFlags, transportSettings } from './transport-options.js';

interface HttpFlags extends ServingFlags, AgentFlags, LimitFlags, TransportFlags, OAuthFlags, MetricsFlags, TraceFlags {
  readonly host: string;
  readonly port: number;
  readonly allowHost?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly upstreamAuth: 'held' | 'direct';
}

/** Adds the `http` command. `directory` is the directory of the running program. */
export function addHttp(program: Command, directory: string): void {
  const command = program
    .command('http')
    .description('serve MCP over Streamable HTTP at /mcp, and the CRM as REST at /crm');
  addSettings(command, [
    ...DATABASE_SETTINGS,
    ...AGENT_SETTINGS,
    ...TRANSPORT_SETTINGS,
    ...OAUTH_SETTINGS,
    ...METRICS_SETTINGS,
    'otel',
    ...GATEWAY_SETTINGS,
    'upstream-auth',
  ]).action((flags: HttpFlags) => serveHttp(directory, flags));
}

async function serveHttp(directory: string, flags: HttpFlags): Promise<void> {
  const environment = readEnvironment(process.env, flags);
  const log = createLog(environment.logLevel);
  if (!isLoopback(flags.host) && (flags.allowHost ?? []).length === 0) {
    throw new ConfigError(`--host ${flags.host} is not loopback: name the hosts clients will use with --allow-host`);
  }
  const connectionSettings = transportSettings(flags);
  const settings = agentSettings(flags);
  const oauth = oauthSettings(flags, process.env);
  const metrics = metricsSettings(flags);
  requireWorkers({
    ...flags,
    hasGateway: flags.gateway !== undefined,
    isFile: environment.db !== undefined && !isPostgresUrl(environment.db) && environment.db !== IN_MEMORY,
    hasMetrics: metrics !== undefined,
  });
  const traces = readTraceSettings(flags.otel, process.env, log);
  const { readOnly } = settings;
  requireSharing(flags, environment.db, readOnly);
  const serve = (serving: Serving) => {
    const listening = { directory, flags, settings, connectionSettings, oauth, metrics, traces, log };
    return flags.workers > 1 && !isWorker() ? startWorkers(serving, listening) : listen(serving, listening);
  };
  const check = (contract: Contract) => {
    checkAgentSettings(contract, settings);
    if (oauth !== undefined) checkFirstScopes(oauth, contract);
  };
  const listeners = listenersOf(flags, metrics);
  requireDistinct(listeners);
  const file = flags.gateway === undefined ? environment.db : flags.gatewayDb;
  if (!existsSync(resolvedPath(file))) await requireFreePorts(listeners);
  if (oauth !== undefined && !isWorker()) await requireIssuer(oauth, log);
  try {
    await withServing(serve, directory, { ...flags, readOnly }, flags.upstreamAuth, environment, log, {
      mayCreate: true,
      check,
    });
  } finally {
    if (isWorker()) leavePrimary();
  }
}

/** Has workers serve the database, which this process keeps open and looks after. */
async function startWorkers(serving: Serving, { flags, connectionSettings, log }: Listening): Promise<void> {
  const { welcome } = await import('../welcome.js');
  surviveClosedPipe();
  const { graceMs, drainMs } = connectionSettings.drain;
  await superviseWorkers({
    count: flags.workers,
    log,
    stopMs: graceMs + drainMs,
    onListening: (url) => void process.stdout.write(welcome(url, serving.demo)),
  });
}

/** What `http` needs besides the backend: everything that can be wrong in it has been checked. */
interface Listening {
  readonly directory: string;
  readonly flags: HttpFlags;
  readonly settings: ReturnType<typeof agentSettings>;
  readonly connectionSettings: ReturnType<typeof transportSettings>;
  readonly oauth: OAuthOptions | undefined;
  readonly metrics: MetricsSettings | undefined;
  readonly traces: TraceSettings | undefined;
  readonly log: Log;
}

/** Serves until a signal comes. */
async function listen(serving: Serving, listening: Listening): Promise<void> {
  let transport: HttpTransport | undefined;
  const isReady = () => serving.backend.isReady?.() ?? true;
  const metrics = await serveMetrics(listening.metrics, {
    serving,
    open: () => transport?.open(),
    isReady: () => transport?.isStopping !== true && isReady(),
    log: listening.log,
  });
  const traces = await serveTraces(listening.traces, listening.log);
  try {
    const metricsUrl = await metrics.listen().catch(rethrowTaken('--metrics-port', listening.metrics?.listener?.port));
    transport = await openTransport(serving, listening, { metrics, traces }, isReady);
    const { welcome } = await import('../welcome.js');
    surviveClosedPipe();
    // before anybody knows that the server is there
    const stopped = isWorker() ? Promise.race([toldToStop(), signalled()]) : signalled();
    if (isWorker()) tellListening(transport.url);
    else process.stdout.write(welcome(transport.url, serving.demo, metricsUrl));
    await stopped;
    await transport.close();
  } finally {
    await Promise.all([metrics.close(), traces.close()]);
  }
}

/** Opens the HTTP transport for the application. @throws Error when the port is taken. */
async function openTransport(
  serving: Serving,
  { directory, flags, settings, connectionSettings, oauth, log }: Listening,
  { metrics, traces }: { readonly metrics: ServedMetrics; readonly traces: ServedTraces },
  isReady: () => Readiness | Promise<Readiness>,
): Promise<HttpTransport> {
  const { port } = flags;
  const { httpApplicationOf, openHttp } = await import('../transport/http.js');
  const { NO_ORIGIN } = await import('../transport/cors.js');
  const { createPages } = await import('../transport/pages.js');
  const { createExplorer } = await import('../transport/explorer.js');
  const { createRest } = await import('../transport/rest.js');
  const limits = await limitsOf(flags, serving);
  const unlimited = agentApplication(serving, log, settings, metrics.onDecision);
  const application = limits === undefined ? unlimited : { ...unlimited, pipeline: { ...unlimited.pipeline, limits } };
  const bearer = await openBearer(oauth, { serving, application, log });
  const rest = createRest({
    bearer,
    pipeline: traces.traced(metrics.counted(application, 'rest'), 'rest').pipeline,
    operations: serving.contract.operations.filter(({ imported }) => imported === undefined),
    ...(serving.published === undefined ? {} : { documents: serving.published }),
  });
  const overMcp = traces.traced(metrics.counted(application, 'mcp'), 'mcp');
  const overSse = flags.sse ? traces.traced(metrics.counted(application, 'sse'), 'mcp') : undefined;
  return await openHttp(httpApplicationOf(overMcp, rest, overSse), {
    host: flags.host,
    port,
    allowedHosts: flags.allowHost ?? [],
    // Any page can come without an origin, but it has no key; and with --demo, people open mcp.html from disk.
    allowedOrigins: [...(flags.allowOrigin ?? []), ...(flags.demo ? [NO_ORIGIN] : [])],
    pages: createPages({
      html: () => readFileSync(join(directory, '..', 'mcp.html'), 'utf8'),
      signIn: oauth && pageSignInOf(oauth, serving.contract),
      ...(serving.published === undefined ? {} : { explorer: createExplorer(join(directory, '../dist/explorer')) }),
    }),
    bearer,
    trustedProxies: flags.trustProxy ?? 0,
    ...connectionSettings,
    ...(metrics.onMainPort === undefined ? {} : { metrics: metrics.onMainPort }),
    isReady,
    onError: (error) => log.warn({ cause: describe(error) }, 'HTTP transport error'),
  }).catch(rethrowTaken('--port', port));
}

function listenersOf({ host, port }: HttpFlags, metrics: MetricsSettings | undefined): readonly Listener[] {
  const main = { flag: '--port', host, port };
  return metrics?.listener === undefined ? [main] : [main, { ...metrics.listener, flag: '--metrics-port' }];
}

/** @throws ConfigError when the counts shall be shared, and nothing is there that could share them. */
function requireSharing({ rateLimits, gateway }: HttpFlags, db: string | undefined, readOnly: boolean): void {
  if (rateLimits !== 'shared') return;
  if (gateway !== undefined || db === undefined || !isPostgresUrl(db) || readOnly)
    throw new ConfigError('--rate-limits shared needs a PostgreSQL database, and not --read-only');
}

async function limitsOf(flags: HttpFlags, { sharedCounts }: Serving): Promise<CallLimits | undefined> {
  const { createRateLimits } = await import('../transport/rate-limits.js');
  const shared = await sharedLimits(flags, sharedCounts);
  return createRateLimits({
    callsPerMinute: flags.maxCallsPerMinute,
    failuresPerMinute: flags.maxFailuresPerMinute,
    ...(shared === undefined ? {} : { shared }),
  });
}

/** Where several servers or workers add up what they count. */
async function sharedLimits(
  { rateLimits }: HttpFlags,
  sharedCounts: Serving['sharedCounts'],
): Promise<MakeSharedLimiter | undefined> {
  if (isWorker()) return (await import('../transport/counts-in-primary.js')).countsInPrimary(PRIMARY);
  if (sharedCounts === undefined || rateLimits === 'per-process') return undefined;
  return (await import('../transport/shared-budget.js')).countsInTable(sharedCounts);
}
