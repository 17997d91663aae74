/** What can be wrong with somebody else's document: with all of it, or with one of its operations. */

/** The document cannot be used at all. The message says what is wrong and where, in one line. */
export class ContractError extends Error {
  override readonly name = 'ContractError';
}

/** One operation cannot be offered, the rest can. The message says why: `its body is multipart/form-data`. */
export class Omission extends Error {
  override readonly name = 'Omission';
}
