/** The forms in which a credential can stand in a text: as it is, in another case, in base64 or in hex. */

/** A text to search for. */
export interface CredentialForm {
  readonly text: string;
  /** Characters before and after it that hold bits of the credential too; base64 does not end where a byte ends. */
  readonly before: 0 | 1;
  readonly after: 0 | 1;
}

/** A shorter credential is replaced only where it is a word of its own: its letters can occur in any text. */
export const SHORT_CREDENTIAL = 8;
/** A credential shorter than this is not searched for. */
export const SHORTEST_CREDENTIAL = 4;

/**
 * The forms of a credential. `decode` undoes escapes: a credential that contains text like `%41` is also searched for
 * as what that text becomes when the text around it is decoded.
 */
export function credentialForms(credential: string, decode: (text: string) => string): readonly CredentialForm[] {
  return distinct([credential, ...secretPart(credential)].flatMap((text) => formsOf(text, decode)));
}

/** What is secret of `user:password` and of `Bot secret`, which an upstream may repeat alone. */
function secretPart(credential: string): readonly string[] {
  const part = /^[^: ]+[: ](.+)$/s.exec(credential)?.[1] ?? '';
  return part.length < SHORT_CREDENTIAL ? [] : [part];
}

function formsOf(credential: string, decode: (text: string) => string): readonly CredentialForm[] {
  if (credential.length < SHORTEST_CREDENTIAL) return [];
  const bytes = [...new Set([Buffer.from(credential, 'utf8'), Buffer.from(credential, 'latin1')].map(latin1))];
  const plain = [credential, ...bytes, credential.replaceAll(' ', '+')];
  if (credential.length < SHORT_CREDENTIAL) return distinct(withDecoded(plain, decode).map(exactly));
  const cased = [credential.toLowerCase(), credential.toUpperCase()];
  const hex = bytes.map((text) => Buffer.from(text, 'latin1').toString('hex'));
  return distinct([
    ...withDecoded([...plain, ...cased], decode).map(exactly),
    ...[...hex, ...hex.map((text) => text.toUpperCase())].map(exactly),
    ...bytes.flatMap((text) => [0, 1, 2].flatMap((offset) => base64Forms(text, offset))),
  ]);
}

/**
 * The base64 characters that only the credential decides when `offset` bytes (modulo three) stand before it, in both
 * alphabets. The character at either end may also hold bits of its neighbours.
 */
function base64Forms(bytes: string, offset: number): readonly CredentialForm[] {
  const standard = Buffer.from('\0'.repeat(offset) + bytes, 'latin1').toString('base64');
  const bits = 8 * (offset + bytes.length);
  const text = standard.slice(Math.ceil((8 * offset) / 6), Math.floor(bits / 6));
  const sides = { before: offset === 0 ? 0 : 1, after: bits % 6 === 0 ? 0 : 1 } as const;
  return [text, text.replaceAll('+', '-').replaceAll('/', '_')].map((form) => ({ text: form, ...sides }));
}

function withDecoded(texts: readonly string[], decode: (text: string) => string): readonly string[] {
  return [...texts, ...texts.map(decode)].filter((text) => text.length >= SHORTEST_CREDENTIAL);
}

function exactly(text: string): CredentialForm {
  return { text, before: 0, after: 0 };
}

function distinct(forms: readonly CredentialForm[]): readonly CredentialForm[] {
  return [...new Map(forms.map((form) => [form.text, form])).values()];
}

function latin1(bytes: Buffer): string {
  return bytes.toString('latin1');
}
