/** Errors of an imported OpenAPI document: in the whole document, or in one of its operations. */

/** The document cannot be imported at all. The message states the problem and its position, on one line. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
}

/**
 * One operation cannot be imported; the others can. `reason` continues `part`, the part that makes it impossible: `body`
 * `is multipart/mixed`. Without a part it is a sentence.
 */
export class OmittedOperationError extends Error {
  override readonly name = 'OmittedOperationError';
  readonly reason: string;
  readonly part: string | undefined;

  constructor(reason: string, part?: string) {
    super(part === undefined ? reason : `${part} ${reason}`);
    this.reason = reason;
    this.part = part;
  }
}
