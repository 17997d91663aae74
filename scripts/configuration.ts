/** Writes docs/configuration.md from the settings table, the commands and the exit codes. */
import type { Command } from 'commander';
import { EXIT_CODES } from '../src/commands/exit-codes.js';
import { createProgram } from '../src/commands/program.js';
import { defaultOf, hasFlag, settingsOf } from '../src/commands/setting-options.js';
import { CONTRACT } from '../src/contract/generated/contract.js';
import { variableOf } from '../src/settings/setting.js';
import { COMMON_SETTINGS, SETTING_GROUPS, type SettingName, settingOf } from '../src/settings/setting-table.js';
import { cell, table } from './markdown-table.js';
import { sentence } from './variables.js';

const GENERATED = /^<!-- (settings|exit codes): written by `npm run generate` -->\n.*?^<!-- end -->$/gms;

/** docs/configuration.md with current tables. @throws Error when it has no lines that mark where they go. */
export function withTables(document: string): string {
  const parts: { readonly [name: string]: () => string } = { settings: settingTables, 'exit codes': exitTable };
  let count = 0;
  const filled = document.replace(GENERATED, (_whole, name: string) => {
    count += 1;
    return `<!-- ${name}: written by \`npm run generate\` -->\n\n${parts[name]?.()}\n\n<!-- end -->`;
  });
  if (count !== 2)
    throw new Error('docs/configuration.md must have a line that starts each table, and one that ends it');
  return filled;
}

function settingTables(): string {
  const used = usesOf(createProgram('.'));
  return Object.entries(SETTING_GROUPS)
    .map(([title, group]) => {
      const names = Object.keys(group) as SettingName[];
      return `### ${title}\n\n${title === 'Agents' ? `The families of tools are ${families()}.\n\n` : ''}${table(
        HEAD,
        names.map((name) => rowOf(name, used)),
      )}`;
    })
    .join('\n\n');
}

const HEAD = ['setting', 'meaning', 'default', 'commands'];

function rowOf(name: SettingName, used: Uses): readonly string[] {
  const setting = settingOf(name);
  const flag = hasFlag(setting) ? `\`--${[name, setting.takes].filter(Boolean).join(' ')}\`, ` : '';
  const standard = setting.defaultText ?? (setting.default === undefined ? '' : `\`${defaultOf(setting) ?? 'false'}\``);
  const isCommon = COMMON_SETTINGS.includes(name);
  return [
    `${flag}\`${variableOf(name)}\``,
    cell(sentence(setting.description) + choicesOf(setting.choices)),
    standard,
    isCommon ? 'all' : [...(used.get(name) ?? [])].join(', '),
  ];
}

function choicesOf(choices: readonly string[] | undefined): string {
  return choices === undefined ? '' : `: ${choices.map((choice) => `\`${choice}\``).join(', ')}`;
}

type Uses = Map<SettingName, Set<string>>;

/** The commands that have each setting: `admin` for one or more of its subcommands. */
function usesOf(program: Command): Uses {
  const uses: Uses = new Map();
  const visit = (command: Command, top: string) => {
    for (const name of settingsOf(command)) uses.set(name, (uses.get(name) ?? new Set()).add(`\`${top}\``));
    for (const below of command.commands) visit(below, top);
  };
  for (const command of program.commands) visit(command, command.name());
  return uses;
}

function exitTable(): string {
  return table(
    ['code', 'meaning'],
    EXIT_CODES.map(({ code, meaning }) => [String(code), sentence(meaning)]),
  );
}

/** The names that `--toolsets` accepts. */
function families(): string {
  return [...new Set(CONTRACT.operations.map(({ family }) => `\`${family}\``))].sort().join(', ');
}
