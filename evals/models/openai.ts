/** Models behind the chat completions API of OpenAI, which many servers offer. */
import { type EndpointOptions, postJson } from './endpoint.js';
import { ModelError, objectIn, type Reply, type SendToModel, type Turn } from './model.js';

interface Completion {
  readonly choices?: readonly {
    readonly message?: {
      readonly content?: string | null;
      readonly tool_calls?: readonly { readonly id: string; readonly function: FunctionCall }[] | null;
    };
  }[];
  readonly usage?: { readonly prompt_tokens?: number; readonly completion_tokens?: number };
}

interface FunctionCall {
  readonly name: string;
  readonly arguments: string;
}

export function createOpenAi(options: EndpointOptions): SendToModel {
  const headers: { [name: string]: string } = options.key === '' ? {} : { authorization: `Bearer ${options.key}` };
  return async ({ system, tools, turns }, signal) => {
    const body = {
      model: options.model,
      messages: [{ role: 'system', content: system }, ...turns.flatMap(toMessages)],
      tools: tools.map(({ name, description, inputSchema }) => ({
        type: 'function',
        function: { name, description, parameters: inputSchema },
      })),
    };
    const answer = (await postJson(options, { path: '/chat/completions', headers, body }, signal)) as Completion;
    return toReply(answer);
  };
}

function toMessages(turn: Turn): readonly object[] {
  if (turn.from === 'user') return [{ role: 'user', content: turn.text }];
  if (turn.from === 'tools')
    return turn.results.map(({ id, text }) => ({ role: 'tool', tool_call_id: id, content: text }));
  const tool_calls = turn.calls.map(({ id, name, args }) => ({
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(args ?? {}) },
  }));
  return [{ role: 'assistant', content: turn.text, ...(tool_calls.length === 0 ? {} : { tool_calls }) }];
}

function toReply({ choices, usage }: Completion): Reply {
  const message = choices?.[0]?.message;
  if (message === undefined) throw new ModelError('the answer has no message');
  return {
    text: message.content ?? '',
    calls: (message.tool_calls ?? []).map(({ id, function: { name, arguments: text } }) => ({
      id,
      name,
      args: objectIn(text),
    })),
    usage: { input: usage?.prompt_tokens ?? 0, output: usage?.completion_tokens ?? 0 },
  };
}
