/** Models behind the messages API of Anthropic. */
import { type EndpointOptions, postJson } from './endpoint.js';
import { ModelError, objectIn, type Reply, type SendToModel, type Turn } from './model.js';

interface Message {
  readonly content?: readonly Block[];
  readonly usage?: {
    readonly input_tokens?: number;
    readonly output_tokens?: number;
    readonly cache_creation_input_tokens?: number | null;
    readonly cache_read_input_tokens?: number | null;
  };
}

interface Block {
  readonly type: string;
  readonly text?: string;
  readonly id?: string;
  readonly name?: string;
  readonly input?: unknown;
}

const VERSION = '2023-06-01';
const MAX_TOKENS = 4096;

export function createAnthropic(options: EndpointOptions): SendToModel {
  const headers = { 'x-api-key': options.key, 'anthropic-version': VERSION };
  return async ({ system, tools, turns }, signal) => {
    const body = {
      model: options.model,
      max_tokens: MAX_TOKENS,
      system,
      messages: turns.map(toMessage),
      tools: tools.map(({ name, description, inputSchema }) => ({ name, description, input_schema: inputSchema })),
    };
    return toReply((await postJson(options, { path: '/v1/messages', headers, body }, signal)) as Message);
  };
}

function toMessage(turn: Turn): object {
  if (turn.from === 'user') return { role: 'user', content: turn.text };
  if (turn.from === 'tools') {
    const content = turn.results.map(({ id, text, isError }) => ({
      type: 'tool_result',
      tool_use_id: id,
      content: text,
      ...(isError ? { is_error: true } : {}),
    }));
    return { role: 'user', content };
  }
  const calls = turn.calls.map(({ id, name, args }) => ({ type: 'tool_use', id, name, input: args ?? {} }));
  return { role: 'assistant', content: [...(turn.text === '' ? [] : [{ type: 'text', text: turn.text }]), ...calls] };
}

function toReply({ content, usage }: Message): Reply {
  if (!Array.isArray(content)) throw new ModelError('the answer has no content');
  const blocks = content as readonly Block[];
  return {
    text: blocks.map(({ type, text }) => (type === 'text' ? (text ?? '') : '')).join(''),
    calls: blocks
      .filter(({ type }) => type === 'tool_use')
      .map(({ id = '', name = '', input }) => ({ id, name, args: objectIn(JSON.stringify(input ?? null)) })),
    usage: {
      input:
        (usage?.input_tokens ?? 0) + (usage?.cache_creation_input_tokens ?? 0) + (usage?.cache_read_input_tokens ?? 0),
      output: usage?.output_tokens ?? 0,
    },
  };
}
