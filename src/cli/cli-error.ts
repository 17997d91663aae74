/** An error of the client `g3n`, whose message is all that the user needs. */

export class CliError extends Error {
  override readonly name = 'CliError';

  /** @param exitCode 2 for a wrong command, flag, variable, profile or credential */
  constructor(
    message: string,
    readonly exitCode = 2,
  ) {
    super(message);
  }
}
