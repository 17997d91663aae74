/** The two ways in which an access token fails: it is not good, or nobody can tell. */

/** The token is rejected. The reason is for the operator's log: a client learns none. */
export class TokenRejected extends Error {}

/** The identity provider did not answer as it must. The message names what failed, never a token. */
export class IssuerUnavailable extends Error {}
