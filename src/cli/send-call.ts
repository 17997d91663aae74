/** Sends the call of a command: completes its request, asks if it must, and shows the answer. */
import { randomUUID } from 'node:crypto';
import type { Input } from '../contract/backend.js';
import type { Envelope } from '../contract/envelope.js';
import { CrmError } from '../contract/errors.js';
import type { Contract, Operation } from '../contract/operation.js';
import { buildBody, type GivenFlag } from './build-body.js';
import type { CallFlags } from './call-options.js';
import { CliError } from './cli-error.js';
import type { CallerOfClient, CrmClient } from './client.js';
import { exitCodeOfTag } from './client-exit-codes.js';
import type { CrmCommand } from './commands.js';
import { needsConfirmation } from './confirm.js';
import type { Io } from './io.js';
import { openClient } from './open-client.js';
import { paperOf } from './output/paper.js';
import { answerText, envelopeText, type Format } from './output/write-answer.js';
import { resolveTarget, type Target } from './profiles/target.js';
import { readData } from './read-data.js';
import type { Signature } from './request-flags.js';
import { exitCodeOfError, showError } from './show-error.js';
import { show } from './write-output.js';

/** What the commands of a contract share. */
export interface CallContext {
  readonly contract: Pick<Contract, 'operations'>;
  readonly commands: readonly CrmCommand[];
  readonly io: Io;
  /** The directory of the running program. */
  readonly directory: string;
}

export interface Call {
  readonly command: CrmCommand;
  readonly signature: Signature;
  readonly given: readonly GivenFlag[];
  readonly flags: CallFlags;
}

/** Returns the exit code. @throws CliError before anything is sent. */
export async function sendCall(context: CallContext, call: Call): Promise<number> {
  const { io } = context;
  const { flags, command, signature } = call;
  const data = flags.data === undefined ? {} : await readData(flags.data, io.stdin);
  const body = buildBody(signature, { data, flags: call.given, unset: flags.unset });
  const target = await resolveTarget(flags, io.env);
  const onlyShows = flags.dryRun === true || flags.curl === true;
  const caller = await callerOfTarget(target, onlyShows);
  if (onlyShows && flags.latest !== true)
    return showRequest(call, target, caller, withKey(command.operation, body), io);
  const client = await openClient({
    target,
    caller,
    flags,
    operations: context.contract.operations,
    directory: context.directory,
  });
  try {
    const input = withKey(command.operation, await withRevision(context, call, client, body));
    if (onlyShows) return await showRequest(call, target, caller, input, io);
    if (flags.all === true) return await (await import('./all-pages.js')).sendAllPages(client, call, input, context);
    await askFirst(call, input, client, io);
    if (input.idempotency_key !== body.idempotency_key) note(`idempotency key: ${input.idempotency_key}`, flags, io);
    const envelope = await client.send({ operation: command.operation, input });
    return await showAnswer(envelope, input, call, context);
  } finally {
    await client.close();
  }
}

/** @throws CliError, with the exit code of an unknown caller, when the org or the credential is not known. */
export async function callerOfTarget(target: Target, isShown: boolean): Promise<CallerOfClient> {
  const { orgcode, logicalGuid, channelCode, cccode } = target;
  const credential = isShown ? await target.credential().catch(() => undefined) : await target.credential();
  const context = {
    ...(logicalGuid === undefined ? {} : { logical_guid: logicalGuid }),
    ...(channelCode === undefined ? {} : { channel_code: channelCode }),
    ...(cccode === undefined ? {} : { cccode }),
  };
  if (isShown) return { orgcode: orgcode ?? 'ORGCODE', credential: credential ?? NO_CREDENTIAL, context };
  const code = exitCodeOfTag('unauthorized');
  if (credential === undefined)
    throw new CliError('there is no credential: run g3n login, or set G3N_API_KEY or G3N_SESSION_GUID', code);
  if (orgcode === undefined)
    throw new CliError('there is no org: give --orgcode, set G3N_ORGCODE, or run g3n login', code);
  return { orgcode, credential, context };
}

const NO_CREDENTIAL = { kind: 'apiKey', secret: '' } as const;

/** A write gets an idempotency key of its own: with it, it can be repeated safely. */
function withKey({ acceptsIdempotencyKey }: Operation, body: Input): Input {
  const needsOne = acceptsIdempotencyKey && body.idempotency_key === undefined;
  return needsOne ? { ...body, idempotency_key: `g3n-${randomUUID()}` } : body;
}

/** A line on stderr for people. */
function note(text: string, { quiet }: CallFlags, { stderr }: Io): void {
  if (quiet !== true) stderr.write(`${text}\n`);
}

/** @throws CliError when the contract has no read that tells the revision, or the read fails. */
async function withRevision(context: CallContext, call: Call, client: CrmClient, body: Input): Promise<Input> {
  const { flags, command, signature } = call;
  if (flags.latest !== true) return body;
  if (body.expected_revision !== undefined) throw new CliError('--latest and --expected-revision exclude each other');
  const { readOfSameRecord } = await import('./latest-revision.js');
  const read = readOfSameRecord(context.contract, command.operation, body);
  const takesOne = signature.flags.some(({ path }) => path.join('.') === 'expected_revision');
  if (read === undefined || !takesOne)
    throw new CliError(
      `--latest: no read tells the revision that ${command.words.join(' ')} needs: give --expected-revision`,
    );
  const envelope = await client.send(read);
  if (!envelope.success) {
    showError(envelope.error, undefined, context);
    throw new CliError('--latest: the record could not be read', exitCodeOfError(envelope.error, read.operation));
  }
  const revision = (envelope.data as { readonly revision?: number }).revision ?? envelope.revision;
  note(`expected revision: ${revision}`, flags, context.io);
  return { ...body, expected_revision: revision };
}

async function askFirst({ command, flags }: Call, input: Input, { name }: CrmClient, io: Io): Promise<void> {
  if (flags.yes === true || !needsConfirmation(command.operation)) return;
  const { confirm } = await import('./confirm.js');
  const hidden = new Set([...command.operation.shownOnce, 'idempotency_key']);
  const facts = Object.entries(input)
    .filter(([field]) => !hidden.has(field))
    .map(([field, value]) => `${field}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`);
  await confirm({ command: command.words.join(' '), summary: command.operation.summary, facts, target: name }, io);
}

/** Prints the data, or the error, and returns the exit code. */
async function showAnswer(envelope: Envelope, input: Input, call: Call, context: CallContext): Promise<number> {
  const { flags, signature, command } = call;
  const { io } = context;
  const format = outputFormat(flags, io);
  const paper = paperOf(io);
  if (flags.envelope === true) await show(await envelopeText(envelope, format, paper), false, io);
  else if (envelope.success) {
    const options = { format, fields: flags.fields, paper, asked: input };
    await show(await answerText(envelope.data, options), flags.pager && format === 'table', io);
  }
  if (envelope.success) {
    if (envelope.stats.idempotent_replay === true)
      note('nothing was done now: this is the answer to an earlier call with the same idempotency key', flags, io);
    return 0;
  }
  showError(envelope.error, signature, context);
  return exitCodeOfError(envelope.error, command.operation);
}

/** Of a terminal that does not tell its width. */
/** The format that is asked for, else a table for a person and JSON for a program. */
export function outputFormat({ output }: Pick<CallFlags, 'output'>, { stdout }: Io): Format {
  return output ?? (stdout.isTTY === true ? 'table' : 'json');
}

async function showRequest(
  { command, flags }: Call,
  target: Target,
  caller: CallerOfClient,
  input: Input,
  io: Io,
): Promise<number> {
  const { curlOf, shownRequest } = await import('./show-request.js');
  try {
    const shown = shownRequest(target.baseUrl, caller, { operation: command.operation, input });
    const { body, ...rest } = shown;
    const text = { ...rest, ...(body === undefined ? {} : { body: bodyOf(body) }) };
    io.stdout.write(flags.curl === true ? curlOf(shown) : `${JSON.stringify(text, undefined, 2)}\n`);
    return 0;
  } catch (error) {
    if (error instanceof CrmError) throw new CliError(error.message);
    throw error;
  }
}

function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
