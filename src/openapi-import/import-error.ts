/** Errors of an imported OpenAPI document: in the whole document, or in one of its operations. */

/** The document cannot be imported at all. The message states the problem and its position, on one line. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
}

/** One operation cannot be imported; the others can. The message is the reason: `its body is multipart/form-data`. */
export class OmittedOperationError extends Error {
  override readonly name = 'OmittedOperationError';
}
