/** The `admin` command, with one file for each noun: for operators, also while servers are running. */
import type { Command } from 'commander';
import { addAdminAudit } from './admin-audit-command.js';
import { addAdminBackup } from './admin-backup-command.js';
import { addAdminCopy } from './admin-copy-command.js';
import { addAdminExport } from './admin-export-command.js';
import { addAdminGroups } from './admin-groups-command.js';
import { addAdminImport } from './admin-import-command.js';
import { addAdminKey } from './admin-key-command.js';
import { addAdminMigrate } from './admin-migrate-command.js';
import { addAdminOAuth } from './admin-oauth-command.js';
import { addAdminOrg } from './admin-org-command.js';
import { addAdminPostgres } from './admin-postgres-command.js';
import { addAdminPrune } from './admin-prune-command.js';
import { addAdminServerKey } from './admin-server-key-command.js';
import { addAdminSession } from './admin-session-command.js';
import { addAdminUpstream } from './admin-upstream-command.js';
import { addAdminUser } from './admin-user-command.js';

/** Adds the `admin` command and its subcommands. `directory` is the directory of the running program. */
export function addAdmin(program: Command, directory: string): void {
  const admin = program
    .command('admin')
    .description('manage orgs, API keys, users and sessions; safe while a server is running');
  addAdminOrg(admin);
  addAdminKey(admin);
  addAdminSession(admin);
  addAdminUser(admin);
  addAdminOAuth(admin);
  addAdminAudit(admin);
  addAdminPrune(admin);
  addAdminMigrate(admin);
  addAdminUpstream(admin);
  addAdminCopy(admin);
  addAdminBackup(admin);
  addAdminServerKey(admin);
  addAdminGroups(admin);
  addAdminExport(admin);
  addAdminImport(admin, directory);
  addAdminPostgres(admin);
}
