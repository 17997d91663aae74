/** Where each MCP client keeps its configuration: the user's file on each platform, or a project's. */
import { posix, win32 } from 'node:path';
import type { ClientName } from './client-entries.js';

/** The machine, as far as paths depend on it. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Below the home directory, on every platform. */
const BELOW_HOME: { readonly [client in ClientName]?: string } = {
  'claude-code': '.claude.json',
  cursor: '.cursor/mcp.json',
  windsurf: '.codeium/windsurf/mcp_config.json',
  gemini: '.gemini/settings.json',
  jetbrains: '.junie/mcp/mcp.json',
};
/** Below the directory of the platform for settings. */
const BELOW_SETTINGS: { readonly [client in ClientName]?: string } = {
  'claude-desktop': 'Claude/claude_desktop_config.json',
  vscode: 'Code/User/mcp.json',
};
const IN_PROJECT: { readonly [client in ClientName]?: string } = {
  'claude-code': '.mcp.json',
  cursor: '.cursor/mcp.json',
  vscode: '.vscode/mcp.json',
  codex: '.codex/config.toml',
  gemini: '.gemini/settings.json',
  zed: '.zed/settings.json',
  jetbrains: '.junie/mcp/mcp.json',
};

/** The user's configuration file. An absolute path in the style of the platform. */
export function userFile(client: ClientName, machine: Machine): string {
  const { join } = machine.platform === 'win32' ? win32 : posix;
  const belowHome = BELOW_HOME[client];
  if (belowHome !== undefined) return join(machine.home, belowHome);
  const belowSettings = BELOW_SETTINGS[client];
  if (belowSettings !== undefined) return join(settingsDirectory(machine), belowSettings);
  if (client === 'codex') return join(machine.env.CODEX_HOME ?? join(machine.home, '.codex'), 'config.toml');
  return join(zedDirectory(machine), 'settings.json');
}

/** The configuration file of a project; undefined if the client has none. */
export function projectFile(client: ClientName, platform: NodeJS.Platform, directory: string): string | undefined {
  const below = IN_PROJECT[client];
  return below === undefined ? undefined : (platform === 'win32' ? win32 : posix).join(directory, below);
}

/** The directory whose existence shows that the client is installed. */
export function traceOf(client: ClientName, machine: Machine): string {
  const { dirname } = machine.platform === 'win32' ? win32 : posix;
  const file = userFile(client, machine);
  if (client === 'claude-code') return file;
  return client === 'jetbrains' || client === 'vscode' ? dirname(dirname(file)) : dirname(file);
}

function settingsDirectory({ platform, home, env }: Machine): string {
  if (platform === 'win32') return env.APPDATA ?? win32.join(home, 'AppData', 'Roaming');
  if (platform === 'darwin') return posix.join(home, 'Library', 'Application Support');
  return env.XDG_CONFIG_HOME ?? posix.join(home, '.config');
}

/** Zed is in ~/.config on macOS too. */
function zedDirectory({ platform, home, env }: Machine): string {
  if (platform === 'win32') return win32.join(env.APPDATA ?? win32.join(home, 'AppData', 'Roaming'), 'Zed');
  if (platform === 'darwin') return posix.join(home, '.config', 'zed');
  return posix.join(env.XDG_CONFIG_HOME ?? posix.join(home, '.config'), 'zed');
}
