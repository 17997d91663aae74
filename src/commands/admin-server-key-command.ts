/** The `admin server-key` commands: rotate the server key while servers run, show its generations, and retire old ones. */
import { Argument, type Command } from 'commander';
import { parseWhole } from './admin-options.js';
import { jsonOption, printRecord, printRows } from './output.js';
import { openServerKey, type ServerKeyFlags, type ServerKeyOf } from './server-key-of.js';
import { onDatabase } from './shared-options.js';

const MOST_GENERATIONS = 999_999;

type Flags = ServerKeyFlags & { readonly json: boolean };

/** Adds the commands to `admin`. */
export function addAdminServerKey(admin: Command): void {
  const serverKey = admin
    .command('server-key')
    .description('rotate the server key, and show or retire its generations');
  onKeyedDatabase(serverKey.command('rotate'))
    .description(
      'add a generation to the key file, and on a database file make it current; safe while servers run, and to run again',
    )
    .action((flags: Flags) => onKey(flags, async (key) => printRecord(await key.rotate(), flags)));
  onKeyedDatabase(serverKey.command('activate'))
    .description('make the prepared generation current, once every server has the new key file')
    .action((flags: Flags) => onKey(flags, async (key) => printRecord(await key.activate(), flags)));
  onKeyedDatabase(serverKey.command('status'))
    .description('show the generations, and how many rows still need each')
    .action((flags: Flags) =>
      onKey(flags, async (key) => printRows({ name: 'generations', rows: await key.status() }, flags)),
    );
  onKeyedDatabase(serverKey.command('retire'))
    .addArgument(new Argument('<generation>').argParser((text) => parseWhole(text, 0, MOST_GENERATIONS)))
    .description('delete an old generation, but for what checks the journal; refused while rows need it')
    .option('--forget', 'delete it although rows need it: credentials and card codes hashed with it end', false)
    .action((generation: number, { forget, ...flags }: Flags & { readonly forget: boolean }) =>
      onKey(flags, async (key) => printRecord(await key.retire(generation, forget), flags)),
    );
}

/** The variable of `--gateway-db` does not count: a gateway's environment must not choose the database here. */
function onKeyedDatabase(command: Command): Command {
  return onDatabase(command)
    .option('--gateway-db <file>', 'the database of a gateway, instead of that of a CRM')
    .addOption(jsonOption());
}

async function onKey(flags: Flags, work: (key: ServerKeyOf) => Promise<void>): Promise<void> {
  const key = await openServerKey(flags);
  try {
    await work(key);
  } finally {
    await key.close();
  }
}
