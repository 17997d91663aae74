/** Writes README's tables of flags and environment variables, from the definitions of the command line. */
import type { Command, Option } from 'commander';
import { createProgram } from '../src/commands/program.js';
import { CONTRACT } from '../src/contract/generated/contract.js';
import { CALLER_VARIABLES, PROGRAM_VARIABLES, type Variable } from './variables.js';

const START = '<!-- Flags: written by `npm run generate` from the definitions of the command line. -->';
const END = '<!-- End of the flags. -->';

/** README with current tables. @throws Error when it has no lines that mark where they go. */
export function withFlags(readme: string): string {
  const [before, rest = ''] = readme.split(START);
  const [, after] = rest.split(END);
  if (after === undefined) throw new Error(`README.md must have a line ${START} and, below it, ${END}`);
  return `${before}${START}\n\n${tables()}\n\n${END}${after}`;
}

function tables(): string {
  const [stdio, http] = ['stdio', 'http'].map(optionsOf) as [Option[], Option[]];
  const both = http.filter(({ long }) => stdio.some((option) => option.long === long));
  const onlyHttp = http.filter((option) => !both.includes(option));
  return [
    flagTable('flag of `stdio` and `http`', both),
    `The families are ${families()}.`,
    flagTable('flag of `http`', onlyHttp),
    variableTable([...CALLER_VARIABLES, ...PROGRAM_VARIABLES].filter(({ name }) => !described(http).includes(name))),
  ].join('\n\n');
}

/** The names that `--toolsets` accepts. */
function families(): string {
  return [...new Set(CONTRACT.operations.map(({ family }) => `\`${family}\``))].sort().join(', ');
}

/** The names that the descriptions of these options mention. */
function described(options: readonly Option[]): string {
  return options.map(({ description }) => description).join(' ');
}

function optionsOf(name: string): Option[] {
  const command = createProgram('.').commands.find((candidate: Command) => candidate.name() === name);
  if (command === undefined) throw new Error(`there is no command ${name}`);
  return [...command.options];
}

function flagTable(title: string, options: readonly Option[]): string {
  const rows = options.map(({ flags, description, ...option }) => {
    const [, text = '', variable] = /^(.*?)(?: \((?:default: [^;)]*; )?env: (G3N_\w+)\))?$/s.exec(description) ?? [];
    const standard = /default: ([^;)]*)[;)]/.exec(description)?.[1] ?? defaultOf(option);
    const meaning = sentence(text.replace(/ \(default: [^)]*\)$/, ''));
    return [`\`${flags}\``, meaning, standard, variable === undefined ? '' : `\`${variable}\``];
  });
  return table([title, 'meaning', 'default', 'variable'], rows);
}

function variableTable(variables: readonly Variable[]): string {
  const rows = variables.map(({ name, description, default: standard }) => {
    return [`\`${name}\``, sentence(description), standard === undefined ? '' : `\`${standard}\``];
  });
  return table(['environment variable', 'meaning', 'default'], rows);
}

/** A Markdown table with aligned columns, as the formatter wants it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function defaultOf({ defaultValue }: Pick<Option, 'defaultValue'>): string {
  return defaultValue === undefined || defaultValue === false ? '' : `\`${String(defaultValue)}\``;
}

function sentence(text: string): string {
  return text.replaceAll('|', '\\|').replace(/^./, (first) => first.toUpperCase());
}
