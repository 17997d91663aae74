/** Runs commands in the process of the test: the same code as `program.ts` runs in processes, in a tenth of the time. */
import { vi } from 'vitest';
import { createProgram } from '../../src/commands/program.js';

/** Runs a command that prints JSON. @throws what the command throws */
// biome-ignore lint/suspicious/noExplicitAny: tests read fields of what a command printed
export async function commandJson(args: readonly string[]): Promise<any> {
  return JSON.parse(await commandText(args));
}

/** What a command prints on stdout. Commands run one after the other. @throws what the command throws */
export async function commandText(args: readonly string[]): Promise<string> {
  const texts: string[] = [];
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => texts.push(String(text)) > 0),
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true),
  ];
  try {
    await createProgram('src').parseAsync(['node', 'g3n-crm-mcp', ...args]);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return texts.join('');
}
