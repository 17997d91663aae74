/** Shows a log line to a person at a terminal: time, level, message, then the fields of the line. */
import { type Color, colored } from './color.js';

const LEVELS: { readonly [level: number]: readonly [name: string, color: Color] } = {
  20: ['debug', 'dim'],
  30: ['info', 'green'],
  40: ['warn', 'yellow'],
  50: ['error', 'red'],
};

/** @param json a line of the log as JSON @param stream where it will be shown */
export function prettyLine(json: string, stream: { readonly isTTY?: boolean }): string {
  const { level, time, msg, cause, ...fields } = JSON.parse(json) as {
    readonly level: number;
    readonly time: number;
    readonly msg: string;
    readonly cause?: { readonly type: string; readonly code?: string; readonly stack?: string };
  };
  const [name, color] = LEVELS[level] ?? ['log', 'dim'];
  const at = new Date(time /* ms */).toISOString().slice('YYYY-MM-DDT'.length, -1);
  const shown = Object.entries(fields).map(([key, value]) => colored(`${key}=${text(value)}`, 'dim', stream));
  const first = [colored(at, 'dim', stream), colored(name.padEnd(5), color, stream), msg, ...shown].join(' ');
  return `${first}${cause === undefined ? '' : causeText(cause)}\n`;
}

function causeText({ type, code, stack }: { type: string; code?: string; stack?: string }): string {
  return `\n  ${[type, code].filter(Boolean).join(' ')}${stack ? `\n${stack}` : ''}`;
}

function text(value: unknown): string {
  return typeof value === 'string' && /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
}
