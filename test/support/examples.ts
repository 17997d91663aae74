/** Finds the fenced examples of a Markdown document, and compares responses with them. */
import type { Data } from './world.js';

export interface Fence {
  /** `json call=crm_stat`: the language and what the example is. */
  readonly language: string;
  readonly kind: string;
  /** `as=crm_view` → `{as: 'crm_view'}`; includes the kind if it has a value. */
  readonly options: Readonly<Record<string, string>>;
  readonly text: string;
  readonly line: number;
}

/** The values of placeholders such as `CUSTOMER_ID`, taken from earlier responses. */
export type Bindings = Map<string, string>;

const FENCE = /^```(\w+) ?([^\n]*)\n([\s\S]*?)^```$/gm;
const PLACEHOLDER = /^[A-Z]+(_[A-Z]+)+$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

export function fencesOf(markdown: string): readonly Fence[] {
  return [...markdown.matchAll(FENCE)].map((match) => {
    const [, language = '', info = '', text = ''] = match;
    const words = info.split(' ').filter((word) => word !== '');
    const options = Object.fromEntries(words.filter((word) => word.includes('=')).map((word) => word.split(/=(.*)/)));
    const kind = words.find((word) => !word.includes('=')) ?? Object.keys(options)[0] ?? '';
    const line = markdown.slice(0, match.index).split('\n').length;
    return { language, kind, options, text, line };
  });
}

/** Parses the example and fills in its placeholders. */
export function fillPlaceholders(text: string, bindings: Bindings): Data {
  return JSON.parse(text, (_key, value) => bindings.get(value) ?? value);
}

/**
 * Returns the differences between a response and an example. The example may omit fields; a placeholder is bound to the
 * first value that it meets; `…` matches any text, and a time any time.
 */
export function differences(shown: Data, answer: Data, bindings: Bindings, path = ''): readonly string[] {
  if (shown === '…') return typeof answer === 'string' && answer !== '' ? [] : [`${path} is not text`];
  if (typeof shown === 'string' && TIME.test(shown)) return TIME.test(answer) ? [] : [`${path} is not a time`];
  if (typeof shown === 'string' && PLACEHOLDER.test(shown)) {
    const bound = bindings.get(shown) ?? answer;
    bindings.set(shown, bound);
    return typeof answer === 'string' && bound === answer ? [] : [`${path} is ${answer}, ${shown} was ${bound}`];
  }
  if (typeof shown !== 'object' || shown === null || typeof answer !== 'object' || answer === null) {
    return shown === answer ? [] : [`${path} is ${JSON.stringify(answer)}, not ${JSON.stringify(shown)}`];
  }
  if (Array.isArray(shown) && shown.length !== answer.length) return [`${path} has ${answer.length} items`];
  return Object.keys(shown).flatMap((key) => {
    const below = path === '' ? key : `${path}.${key}`;
    return key in answer ? differences(shown[key], answer[key], bindings, below) : [`${below} is missing`];
  });
}

/** Parses a curl command into URL, headers and body, with environment variables filled in. */
export function curl(command: string, env: Readonly<Record<string, string>>) {
  const words = command.replaceAll('\\\n', ' ').match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  const filled = words.map((word) => {
    if (word.startsWith("'")) return word.slice(1, -1);
    return word.replace(/^"|"$/g, '').replace(/\$([A-Z0-9_]+)/g, (_, name) => env[name] ?? '');
  });
  const after = (flag: string) => filled.flatMap((word, index) => (word === flag ? [filled[index + 1] ?? ''] : []));
  const headers = Object.fromEntries(after('-H').map((line) => line.split(/: (.*)/).slice(0, 2)));
  return { url: filled.find((word) => word.startsWith('http')) ?? '', headers, body: after('-d')[0] ?? '' };
}
