/** Asks the server, or the store of a database, who the caller is; prints as every call does. */

import { CliError } from '../cli-error.js';
import type { Io } from '../io.js';
import { paperOf } from '../output/paper.js';
import { answerText } from '../output/write-answer.js';
import { callerOfTarget, outputFormat } from '../send-call.js';
import type { ProfileDependencies, Standing } from './profile-commands.js';
import type { CallTarget, SourcedCredential } from './target.js';

const DEADLINE_MS = 10_000;

/** What login, whoami and the others need of the client. @param directory of the running program */
export function profileDependencies(io: Io, directory: string): ProfileDependencies {
  return {
    io,
    stat: (target, credential) => stat(target, credential, io, directory),
    async print(data) {
      const paper = paperOf(io);
      io.stdout.write(await answerText(data, { format: outputFormat({}, io), fields: undefined, paper, asked: {} }));
    },
  };
}

/** @throws CliError with the exit code of the error, which has been shown */
async function stat(
  target: CallTarget,
  credential: SourcedCredential | undefined,
  io: Io,
  directory: string,
): Promise<Standing> {
  const caller = await callerOfTarget({ ...target, credential: async () => credential }, false);
  const { operations } = (await import('../../contract/generated/contract.js')).CONTRACT;
  const operation = operations.find(({ id }) => id === 'stat');
  if (operation === undefined) throw new Error('the contract has no stat');
  const { openClient } = await import('../open-client.js');
  const client = await openClient({ target, caller, flags: { deadlineMs: DEADLINE_MS }, operations, directory });
  try {
    const envelope = await client.send({ operation, input: {} });
    if (envelope.success) return envelope.data as Standing;
    const { exitCodeOfError, showError } = await import('../show-error.js');
    showError(envelope.error, undefined, { io, commands: [] });
    throw new CliError(`${client.name} does not say who you are`, exitCodeOfError(envelope.error, operation));
  } finally {
    await client.close();
  }
}
