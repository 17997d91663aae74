/** A configuration file that cannot be changed. The message says why, and follows the name of the file. */
export class ConnectError extends Error {}
