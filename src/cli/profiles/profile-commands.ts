/** The commands about profiles: login, logout, whoami and `profile`. */
import type { Command } from 'commander';
import type { Io } from '../io.js';
import { addLogin, addLogout, addWhoami } from './login-command.js';
import { addProfile } from './profile-command.js';
import type { CallTarget, SourcedCredential } from './target.js';

/** The data of GET /stat. */
export interface Standing {
  readonly version?: unknown;
  readonly backend?: unknown;
  readonly caller?: { readonly actor?: unknown; readonly owner?: unknown; readonly roles?: unknown };
  readonly org?: { readonly orgcode?: unknown; readonly status?: unknown };
}

export interface ProfileDependencies {
  /** Calls GET /stat; throws as every call does, also when there is no org code or no credential. */
  stat(target: CallTarget, credential: SourcedCredential | undefined): Promise<Standing>;
  /** Prints data as the other commands do: for a person on a terminal, as JSON otherwise. */
  print(data: object): Promise<void>;
  readonly io: Io;
}

export function addProfileCommands(program: Command, dependencies: ProfileDependencies): void {
  addLogin(program, dependencies);
  addLogout(program, dependencies);
  addWhoami(program, dependencies);
  addProfile(program, dependencies);
}
