/** `g3n completion SHELL` prints a script; `g3n __complete`, which is not in the help, answers what the script asks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Argument, type Command } from 'commander';
import { prepareCommand } from '../crm-command.js';
import type { CallContext } from '../send-call.js';
import { candidatesAt, completionText } from './candidates.js';
import { positionAfter } from './position.js';
import { unquoted } from './shell-words.js';
import { createValueSource, type PreparedCommand } from './value-source.js';

const SCRIPTS = { bash: 'g3n.bash', zsh: 'g3n.zsh', fish: 'g3n.fish', powershell: 'g3n.ps1' } as const;

interface CompleteFlags {
  /** The words are quoted as they are typed. */
  readonly quoted?: true;
  /** The word at the cursor, quoted as it is typed; otherwise the last of the words. */
  readonly quotedWord?: string;
}

export function addCompletion(program: Command, context: CallContext): void {
  program
    .command('completion')
    .description('print the completion script of a shell: commands, flags, values and ids')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', HELP)
    .action((shell: keyof typeof SCRIPTS) => {
      const file = join(context.directory, 'cli/completion/scripts', SCRIPTS[shell]);
      context.io.stdout.write(readFileSync(file, 'utf8'));
    });
  program
    .command('__complete', { hidden: true })
    .option('--quoted')
    .option('--quoted-word <word>')
    .argument('[words...]')
    .action(async (words: readonly string[], { quoted, quotedWord }: CompleteFlags) => {
      const given = quoted ? words.map(unquoted) : words;
      const before = quotedWord === undefined ? given.slice(0, -1) : given;
      const current = quotedWord === undefined ? (given.at(-1) ?? '') : unquoted(quotedWord);
      context.io.stdout.write(await completion(program, context, before, current));
    });
}

const HELP = `
In the start file of the shell:
  bash         source <(g3n completion bash)
  zsh          source <(g3n completion zsh)        after compinit
  fish         g3n completion fish | source
  PowerShell   g3n completion powershell | Out-String | Invoke-Expression
Ids are those of the newest records. They are asked of the server with the
credential of the environment or of credentials.yaml, for at most 0.8 seconds.`;

/** Nothing when it fails: a message would stand in the middle of what is typed. */
async function completion(program: Command, context: CallContext, before: readonly string[], current: string) {
  let prepared: PreparedCommand | undefined;
  const reach = (leaf: Command, path: readonly string[]) => {
    const words = path[0] === 'crm' ? path.slice(1).join(' ') : undefined;
    const command = context.commands.find((one) => one.words.join(' ') === words);
    if (command === undefined) return;
    prepared = { ...prepareCommand(leaf, command), family: command.operation.family };
  };
  try {
    const position = positionAfter(program, before, reach);
    return completionText(
      await candidatesAt(
        position,
        current,
        createValueSource(context, () => prepared),
      ),
    );
  } catch {
    return completionText([]);
  }
}
