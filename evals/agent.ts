/** An agent: a model that works on a task by tool calls until it calls `finish`, or a limit ends it. */
import type { Finish } from './check.js';
import type { Task } from './format.js';
import { type ModelCall, ModelError, type SendToModel, type Turn, type Usage } from './models/model.js';
import type { Run } from './run.js';

export interface AgentLimits {
  readonly turns: number;
  readonly deadlineMs: number;
}

export interface AgentResult {
  /** Undefined when the agent did not finish by itself. */
  readonly finish: Finish | undefined;
  readonly ended: 'finished' | 'silent' | 'turns' | 'deadline' | 'endpoint';
  /** What the endpoint did, if that ended it. */
  readonly problem?: string;
  readonly turns: readonly Turn[];
  readonly system: string;
  readonly usage: Usage;
  readonly toolCalls: number;
}

const FINISH = {
  name: 'finish',
  description: 'Ends the job. Call it once, when everything is done or when it cannot or must not be done.',
  inputSchema: {
    type: 'object',
    required: ['outcome'],
    properties: {
      outcome: {
        enum: ['done', 'refused'],
        description: 'refused: a rule, a role or an open question forbids it, and nothing was changed',
      },
      answer: { description: 'The answer, if the job asks for one, in the form that it asks for' },
    },
  },
};

const REMINDER = 'Go on with the job, or call finish.';
const MOST_REMINDERS = 1;

/** What the agent is told besides the server's own instructions. */
export function systemPrompt(instructions: string): string {
  return [
    'You do jobs for the staff of a shop, with the tools of its CRM. It is Monday, 2026-06-15, 10:00 UTC.',
    'Nobody can answer questions. Do exactly what the job says and nothing else. If a rule forbids it, if your role does',
    'not allow it, or if it is not clear which record is meant, change nothing. At the end call finish.',
    '',
    instructions,
  ].join('\n');
}

function jobOf({ request, answer }: Task): string {
  return answer === undefined ? request : `${request}\n\nGive finish the answer: ${answer.as}.`;
}

/** Lets a model work on the task of a run. Never throws because of the model. */
export async function work(run: Run, task: Task, send: SendToModel, limits: AgentLimits): Promise<AgentResult> {
  const signal = AbortSignal.timeout(limits.deadlineMs);
  const system = systemPrompt(await run.instructions());
  const tools = [...(await run.tools()), FINISH];
  const turns: Turn[] = [{ from: 'user', text: jobOf(task) }];
  let usage: Usage = { input: 0, output: 0 };
  let toolCalls = 0;
  let reminders = 0;
  const end = (ended: AgentResult['ended'], more: { finish?: Finish; problem?: string } = {}): AgentResult => {
    return { finish: undefined, ...more, ended, turns, system, usage, toolCalls };
  };
  for (let turn = 0; turn < limits.turns; turn += 1) {
    try {
      const reply = await send({ system, tools, turns }, signal);
      usage = { input: usage.input + reply.usage.input, output: usage.output + reply.usage.output };
      turns.push({ from: 'model', text: reply.text, calls: reply.calls });
      const finish = finishIn(reply.calls);
      if (finish !== undefined) return end('finished', { finish });
      if (reply.calls.length === 0) {
        if (reminders === MOST_REMINDERS) return end('silent');
        reminders += 1;
        turns.push({ from: 'user', text: REMINDER });
        continue;
      }
      const results = [];
      for (const call of reply.calls) results.push(await answerCall(run, call));
      toolCalls += results.length;
      turns.push({ from: 'tools', results });
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      return signal.aborted ? end('deadline') : end('endpoint', { problem: error.message });
    }
  }
  return end('turns');
}

function finishIn(calls: readonly ModelCall[]): Finish | undefined {
  const args = calls.find(({ name }) => name === FINISH.name)?.args;
  if (args === undefined || (args.outcome !== 'done' && args.outcome !== 'refused')) return undefined;
  return { outcome: args.outcome, answer: args.answer };
}

async function answerCall(run: Run, { id, name, args }: ModelCall) {
  if (name === FINISH.name) return { id, text: 'outcome is done or refused', isError: true };
  if (args === undefined) return { id, text: 'The arguments are no JSON object. Call the tool again.', isError: true };
  try {
    const { text, error } = await run.call(name, args);
    return { id, text, isError: error !== undefined };
  } catch (error) {
    return { id, text: (error as Error).message, isError: true }; // there is no such tool
  }
}
