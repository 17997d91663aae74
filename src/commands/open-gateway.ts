/** Opens the gateway that the flags configure: its contract, its credentials and its database. */
import { ConfigError, type Environment } from '../config.js';
import { gatewayContract } from '../contract/gateway-output-schema.js';
import { CONTRACT } from '../contract/generated/contract.js';
import type { Contract, Operation } from '../contract/operation.js';
import { createOutcomeProbes } from '../contract/outcome-probes.js';
import type { PublishedDocuments } from '../contract/published-documents.js';
import { readDocument } from '../gateway/fetch-document.js';
import { createGateway, type GatewayEvent } from '../gateway/gateway.js';
import { createHeldCredentials, holdsForTokens } from '../gateway/held-credentials.js';
import { createSendOnce } from '../gateway/idempotent-send.js';
import { checkOrigin, GatewayOptionsError, type ProxyOptions, proxyOf } from '../gateway/origin.js';
import { createSendAlways } from '../gateway/response-erasure.js';
import { createRandom32 } from '../ids.js';
import { describe, type Log } from '../log.js';
import { type ImportedContract, importContract } from '../openapi-import/import-contract.js';
import { ImportError } from '../openapi-import/import-error.js';
import { reportLines } from '../openapi-import/import-report.js';
import { parseDocument } from '../openapi-import/parse-document.js';
import { HEADER_NAMES } from '../pipeline/headers.js';
import { createRetentionClock } from '../retention-clock.js';
import { openGatewayDatabase } from './open-gateway-database.js';
import type { CheckContract, Serving, ServingFlags } from './open-serving.js';

/** The flags of a command that forwards calls through a gateway. */
export type GatewayServing = ServingFlags & { readonly gateway: string };

/** Opens the gateway. @throws ConfigError when the flags do not describe a valid gateway. */
export async function openGateway(...parts: Parameters<typeof open>): Promise<Serving> {
  try {
    return await open(...parts);
  } catch (error) {
    const mistake = error instanceof GatewayOptionsError || error instanceof ImportError;
    throw mistake ? new ConfigError(error.message) : error;
  }
}

async function open(
  own: { readonly published: PublishedDocuments; readonly validators: string },
  flags: GatewayServing,
  auth: 'held' | 'direct',
  environment: Environment,
  log: Log,
  check: CheckContract,
): Promise<Serving> {
  const base = parseUrl('--gateway', flags.gateway);
  const proxy = proxyFrom(flags.proxy);
  checkOrigin(base, proxy);
  const contract =
    flags.openapi === undefined ? gatewayContract(CONTRACT) : await contractFrom(flags.openapi, flags.proxy, log);
  check(contract);
  const db = openGatewayDatabase(flags.gatewayDb, environment, log);
  const { operations } = contract;
  const onBackgroundError = (error: unknown) =>
    log.error({ cause: describe(error as Error) }, 'storing an idempotency record failed');
  const gateway = createGateway({
    base,
    operations,
    honoursKeys: flags.gatewayIdempotency,
    responseValidation: flags.responseValidation,
    dataSchemaOf: flags.openapi === undefined ? ({ id }) => own.published.dataSchema(id) : importedDataSchema,
    upstreamCredentials: auth === 'held' ? createHeldCredentials(db) : (credentials) => credentials,
    holdsCredentials: auth === 'held',
    sendOnce: flags.gatewayIdempotency
      ? createSendAlways(db, onBackgroundError)
      : createSendOnce(db, {
          clock: createRetentionClock(Date.now, () => performance.now()),
          deadlineMs: flags.deadlineMs,
          outcomeProbesOf: createOutcomeProbes(operations),
          onBackgroundError,
        }),
    report: (event) => logEvent(log, event),
    random32: createRandom32(),
    deadlineMs: flags.deadlineMs,
    proxy,
  });
  return {
    backend: {
      ...gateway,
      // Readiness does not depend on the upstream API: every other server would miss it too, and this server gives
      // agents a clearer error than a load balancer would.
      isReady: () => {
        const outage = db.outage();
        if (outage !== undefined) throw outage;
        return db.reader.one('SELECT 1 AS ready') !== undefined;
      },
      close: async () => {
        await gateway.close();
        await db.close();
      },
    },
    contract,
    keys: db.keys,
    tokensProblem: auth === 'direct' ? NEVER_FORWARDED : holdsForTokens(db) ? undefined : NONE_HELD,
    ...(flags.openapi === undefined ? own : {}),
  };
}

const NEVER_FORWARDED = 'an access token is never forwarded: --oauth-issuer needs --upstream-auth held';
const NONE_HELD =
  'no credential is held for callers with access tokens: admin upstream add, then admin upstream use-for-tokens';

async function contractFrom(source: string, proxyFlag: string | undefined, log: Log): Promise<Contract> {
  const { contract, report } = await readContract(source, proxyFlag);
  if (report.omittedCount + report.omittedPartsCount > 0) {
    for (const line of reportLines(report)) log.warn({}, `--openapi: ${line.trim()}`);
  }
  if (contract.operations.length === 0)
    throw new ConfigError('the document of --openapi has no operation that can be a tool');
  return contract;
}

/**
 * Reads a contract from an OpenAPI document, which is a file or an https URL. A URL is fetched through the proxy of the
 * flag, or else of the environment.
 * @throws ContractError when the document cannot be imported or the proxy is invalid.
 */
export async function readContract(source: string, proxyFlag: string | undefined): Promise<ImportedContract> {
  const text = await readDocument(source, { proxy: proxyFrom(proxyFlag) }).catch((error: unknown) => {
    throw error instanceof GatewayOptionsError ? new ImportError(error.message) : error;
  });
  return importContract(await parseDocument(text), { overlay: CONTRACT, headers: HEADER_NAMES });
}

function importedDataSchema({ dataSchema }: Operation) {
  return dataSchema;
}

function logEvent(log: Log, event: GatewayEvent): void {
  log.warn(event, 'gateway event');
}

/** The proxy of the flag, or else of the environment. */
export function proxyFrom(flag: string | undefined): ProxyOptions | undefined {
  return flag === undefined ? proxyOf(process.env) : { url: parseUrl('--proxy', flag), except: '' };
}

/** @throws ConfigError when the text is not a URL, without the text: it can hold a password. */
export function parseUrl(flag: string, text: string): URL {
  if (!URL.canParse(text)) throw new ConfigError(`${flag} is not a URL`);
  return new URL(text);
}
