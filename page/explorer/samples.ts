/** Renders a request as a program in three languages. Credentials appear only as environment variables. */
import { quote, VARIABLES } from '../src/curl.js';
import type { SentHeader } from './shared-headers.js';

/** A request that is not sent yet. */
export interface RequestDraft {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly SentHeader[];
  /** JSON, as it was typed. */
  readonly body: string | undefined;
}

export const LANGUAGES = [
  { value: 'curl', label: 'curl', render: curlSample },
  { value: 'typescript', label: 'TypeScript', render: typescriptSample },
  { value: 'python', label: 'Python', render: pythonSample },
] as const;

export type Language = (typeof LANGUAGES)[number]['value'];

function curlSample({ method, url, headers, body }: RequestDraft): string {
  const lines = [
    `curl -sS -i -X ${method} ${quote(url)}`,
    ...headers.map((header) => {
      const variable = variableOf(header);
      return variable === undefined
        ? `-H ${quote(`${header.name}: ${header.value}`)}`
        : `-H "${header.name}: $${variable}"`;
    }),
    ...(body === undefined ? [] : [`--data ${quote(body)}`]),
  ];
  return lines.join(' \\\n  ');
}

function typescriptSample({ method, url, headers, body }: RequestDraft): string {
  const rows = headers.map((header) => {
    const variable = variableOf(header);
    const value = variable === undefined ? JSON.stringify(header.value) : `process.env.${variable} ?? ''`;
    return `    ${JSON.stringify(header.name)}: ${value},`;
  });
  return [
    `const response = await fetch(${JSON.stringify(url)}, {`,
    `  method: ${JSON.stringify(method)},`,
    '  headers: {',
    ...rows,
    '  },',
    ...(body === undefined
      ? []
      : [`  body: ${isJson(body) ? `JSON.stringify(${indented(body)})` : JSON.stringify(body)},`]),
    '});',
    'const envelope: unknown = await response.json();',
    'console.log(response.status, envelope);',
  ].join('\n');
}

function pythonSample({ method, url, headers, body }: RequestDraft): string {
  const rows = headers.map((header) => {
    const variable = variableOf(header);
    const value = variable === undefined ? JSON.stringify(header.value) : `os.environ["${variable}"]`;
    return `        ${JSON.stringify(header.name)}: ${value},`;
  });
  return [
    'import json, os, urllib.error, urllib.request',
    '',
    'request = urllib.request.Request(',
    `    ${JSON.stringify(url)},`,
    `    method=${JSON.stringify(method)},`,
    '    headers={',
    ...rows,
    '    },',
    ...(body === undefined ? [] : [`    data=${pythonBody(body)},`]),
    ')',
    'try:',
    '    response = urllib.request.urlopen(request)',
    'except urllib.error.HTTPError as error:',
    '    response = error',
    'print(response.status, json.load(response))',
  ].join('\n');
}

/** JSON is Python, but for three words and the escaped slash. */
function pythonBody(body: string): string {
  if (!isJson(body)) return `${JSON.stringify(body)}.encode()`;
  const literal = body.replaceAll(/"(?:[^"\\]|\\.)*"|\b(?:true|false|null)\b/g, (token) =>
    token.startsWith('"') ? token.replaceAll('\\/', '/') : (PYTHON_WORDS[token] ?? token),
  );
  return `json.dumps(${indented(literal, 4)}).encode()`;
}

const PYTHON_WORDS: { readonly [word: string]: string } = { true: 'True', false: 'False', null: 'None' };

function variableOf({ name, secret }: SentHeader): string | undefined {
  if (!secret) return undefined;
  return VARIABLES[name] ?? name.replace(/^x-/, '').replaceAll('-', '_').toUpperCase();
}

function indented(text: string, by = 2): string {
  return text.replaceAll('\n', `\n${' '.repeat(by)}`);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
