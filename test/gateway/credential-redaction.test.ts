/** The upstream credential never comes back to a caller, in whatever encoding and place the upstream repeats it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRedaction, REDACTED } from '../../src/gateway/credential-redaction.js';
import { HEADERS, operationOf, SECRET } from '../support/gateway.js';
import { head, STAT, successOf } from '../support/upstream.js';
import { closingUpstreams } from '../support/upstreams.js';

const SEED = 20_261_129;
const { open } = closingUpstreams();

const code = (character: string) => character.charCodeAt(0);
const hex = (character: string, digits: number) => code(character).toString(16).padStart(digits, '0');
/** Escapes every `part`th character, and each that would read as the beginning of an escape. */
const escapeIn = (text: string, write: (character: string) => string, part: number) =>
  [...text].map((it, at) => (at % part === 0 || '\\%&'.includes(it) ? write(it) : it)).join('');

/** Escapes of single characters; each may be applied to all characters or to some. */
const ESCAPES: Readonly<Record<string, (character: string) => string>> = {
  percent: (it) => `%${hex(it, 2)}`,
  'upper-case percent': (it) => `%${hex(it, 2).toUpperCase()}`,
  'JSON \\u': (it) => `\\u${hex(it, 4)}`,
  'upper-case JSON \\u': (it) => `\\u${hex(it, 4).toUpperCase()}`,
  'source \\x': (it) => `\\x${hex(it, 2)}`,
  'JSON string': (it) => JSON.stringify(it).slice(1, -1),
  'JSON slash': (it) => (it === '/' ? '\\/' : it),
  'HTML decimal': (it) => `&#${code(it)};`,
  'HTML hex': (it) => `&#x${hex(it, 2)};`,
  'HTML hex with zeros': (it) => `&#X00${hex(it, 2).toUpperCase()};`,
};

/** Encodings of a whole text. `around` is other text that is encoded with it. */
const ENCODINGS: Readonly<Record<string, (text: string, around: string) => string>> = {
  plain: (text) => text,
  encodeURIComponent,
  base64: (text, around) => Buffer.from(around + text + around).toString('base64'),
  base64url: (text, around) => Buffer.from(around + text + around).toString('base64url'),
  'base64 at the end': (text, around) => Buffer.from(around + text).toString('base64'),
  'base64 in lines': (text, around) =>
    Buffer.from(around + text)
      .toString('base64')
      .replace(/.{76}/g, '$&\r\n'),
  hex: (text) => Buffer.from(text).toString('hex'),
  'upper-case hex': (text) => Buffer.from(text).toString('hex').toUpperCase(),
  'upper case': (text) => text.toUpperCase(),
  'lower case': (text) => text.toLowerCase(),
};

const credentials = fc
  .oneof(
    fc.stringMatching(/^[\x21-\x7e]{8,100}$/),
    fc.stringMatching(/^g3nk_[A-Za-z0-9_-]{20,60}$/),
    fc.stringMatching(/^eyJ[A-Za-z0-9+/=.]{40,200}$/),
    fc.uuid(),
  )
  .filter((text) => text.length >= 8);
const repeated = fc.record({
  credential: credentials,
  encoding: fc.constantFrom(...Object.keys(ENCODINGS)),
  escapes: fc.array(
    fc.record({ name: fc.constantFrom(...Object.keys(ESCAPES)), part: fc.integer({ min: 1, max: 3 }) }),
    {
      maxLength: 2,
    },
  ),
  around: fc.stringMatching(/^[a-z:]{0,5}$/),
  before: fc.constantFrom('', 'bad key ', 'Авторизация: Basic ', 'a\n"b" ', '50% of H&M & '),
  after: fc.constantFrom('', ' is unknown', '</b>', '" in header', ' ✓'),
  place: fc.constantFrom('message', 'details', 'name', 'list'),
  wire: fc.constantFrom('plain', 'pretty', 'escaped', 'slashes'),
});

/** Puts a text somewhere into an envelope, and the envelope on the wire in one of the ways in which JSON is written. */
function onTheWire(text: string, { place, wire }: { place: string; wire: string }): string {
  const error = {
    major: { tag: 'conflict', message: { en_US: place === 'message' ? text : 'No.' } },
    details: {
      list: place === 'list' ? ['one', [text]] : [],
      ...(place === 'details' ? { deep: { er: text } } : {}),
      ...(place === 'name' ? { [text]: 1 } : {}),
    },
  };
  const json = JSON.stringify({ success: false, error }, null, wire === 'pretty' ? 2 : 0);
  if (wire === 'slashes') return json.replaceAll('/', '\\/');
  if (wire !== 'escaped') return json;
  return json.replace(/"((?:[^"\\]|\\.)*)"/g, (_all, inner: string) => {
    const parsed = JSON.parse(`"${inner}"`) as string;
    return `"${[...parsed].map((it) => (code(it) < 256 && it.length === 1 ? `\\u${hex(it, 4)}` : it)).join('')}"`;
  });
}

const texts = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...texts(inner)]);
};

describe('a credential', () => {
  test('is found and replaced wherever and however it is repeated, and the text around it stays', () => {
    fc.assert(
      fc.property(repeated, (it) => {
        const encode = ENCODINGS[it.encoding] as (text: string, around: string) => string;
        const encoded = it.escapes.reduce(
          (text, { name, part }) => escapeIn(text, ESCAPES[name] as (character: string) => string, part),
          encode(it.credential, it.around),
        );
        const raw = onTheWire(it.before + encoded + it.after, it);
        const redaction = createRedaction(it.credential);
        expect(redaction.findsIn(raw)).toBe(true);
        const clean = redaction.redact(JSON.parse(raw));
        const [changed = '', ...others] = texts(clean).filter((text) => text.includes(REDACTED));
        expect(others).toEqual([]);
        expect(changed.startsWith(it.before) && changed.endsWith(it.after)).toBe(true);
        expect(changed).not.toContain(encoded);
        expect(texts(clean)).toHaveLength(texts(JSON.parse(raw)).length);
        expect(redaction.findsIn(JSON.stringify(clean))).toBe(false);
      }),
      { seed: SEED, numRuns: 600 },
    );
  });

  test('that is not repeated changes nothing', () => {
    fc.assert(
      fc.property(credentials, fc.json({ maxDepth: 4 }), fc.string(), (credential, json, text) => {
        fc.pre(![json, text].some((it) => it.toLowerCase().includes(credential.toLowerCase())));
        const redaction = createRedaction(credential);
        expect(redaction.redact(JSON.parse(json))).toEqual(JSON.parse(json));
        expect(redaction.redactText(text)).toBe(text);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  test('leaves none of its bits behind in base64', () => {
    for (let offset = 0; offset < 6; offset += 1) {
      const around = '\0'.repeat(offset);
      const clean = createRedaction(SECRET).redactText(Buffer.from(around + SECRET + around).toString('base64'));
      for (const part of clean.split(REDACTED)) expect(part).toMatch(/^A*=*$/);
    }
  });

  test('of digits is replaced in numbers too, and the answer stays JSON', () => {
    const redaction = createRedaction('1234567890');
    const answer = { id: 1234567890, other: 123, list: [-1234567890.5], text: '1234567890' };
    expect(redaction.redact(answer)).toEqual({ id: REDACTED, other: 123, list: [REDACTED], text: REDACTED });
  });

  test('that occurs many times is replaced each time, in texts of any length', () => {
    const redaction = createRedaction(SECRET);
    const encoded = encodeURIComponent(SECRET).replaceAll('-', '%2D');
    for (const form of [SECRET, encoded]) {
      expect(redaction.redactText(`${form} ${form},${form}${form}`).split(REDACTED)).toEqual(['', ' ', ',', '', '']);
      const long = 'x'.repeat(1024 * 1024);
      expect(redaction.redactText(long + form + long)).not.toContain(form);
    }
  });

  test.each([
    [
      'of four to seven characters is replaced only as a word',
      'abc12',
      'key abc12, abc123 xabc12',
      'key [redacted], abc123 xabc12',
    ],
    ['of less than four characters is not replaced', 'abc', 'key abc', 'key abc'],
    ['that looks like an escape is replaced', 'k%41-%2541-k', 'key k%41-%2541-k!', 'key [redacted]!'],
    [
      'that looks like an escape is replaced when it is encoded',
      'k%41-%25k',
      `key ${encodeURIComponent('k%41-%25k')}!`,
      'key [redacted]!',
    ],
    [
      'beyond ASCII is replaced',
      'schlüssel-ñ',
      `key schlüssel-ñ ${encodeURIComponent('schlüssel-ñ')}`,
      'key [redacted] [redacted]',
    ],
  ])('%s', (_what, credential, text, clean) => expect(createRedaction(credential).redactText(text)).toBe(clean));
});

describe('through the gateway', () => {
  const error = (text: string) => ({
    success: false,
    error: { error_code: 'crm.bad', http_status: 400, major: { tag: 'validation-error', message: { en_US: text } } },
    stats: { request_id: `id-${SECRET}` },
  });

  test('an error, the data and the log have the credential nowhere', async () => {
    const data = { note: SECRET, [SECRET]: [encodeURIComponent(SECRET), Buffer.from(SECRET).toString('base64')] };
    const { gateway } = await open(({ answer, request }) =>
      request.path.endsWith('list') ? answer(400, error(`bad ${SECRET}`)) : answer(200, successOf(data)),
    );
    const failed = await gateway.envelopeOf(operationOf('customer_list'), {});
    const succeeded = await gateway.envelopeOf(operationOf('customer_get'), { customer_id: 'c' });
    expect(failed).toMatchObject({ error: { major: { message: { en_US: 'bad [redacted]' } } } });
    expect(succeeded).toMatchObject({ data: { note: REDACTED, [REDACTED]: [REDACTED, REDACTED] } });
    expect(JSON.stringify([failed, succeeded, gateway.logged])).not.toContain(SECRET);
  });

  test('an answer in chunks of one byte, and a large one, are searched whole', async () => {
    const body = Buffer.from(JSON.stringify(successOf({ note: SECRET, filler: 'x'.repeat(100_000) })));
    const { gateway } = await open(({ sendBytes }) => {
      sendBytes(head(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }));
      for (const byte of body.subarray(0, 200)) sendBytes(Buffer.from([...Buffer.from('1\r\n'), byte, 13, 10]));
      sendBytes(`${(body.length - 200).toString(16)}\r\n`);
      sendBytes(Buffer.concat([body.subarray(200), Buffer.from('\r\n0\r\n\r\n')]));
    });
    expect(await gateway.ok('customer_get', { customer_id: 'c' })).toMatchObject({ note: REDACTED });
  });

  test('the path to a field that is given twice does not name the credential', async () => {
    const name = 'secret_that_is_an_identifier';
    const { gateway } = await open(({ answer }) => answer(200, `{"success":true,"data":{"${name}":1,"${name}":2}}`));
    const failed = await gateway.envelopeOf(
      operationOf('customer_get'),
      { customer_id: 'c' },
      {
        headers: { ...HEADERS, 'x-api-key': name },
      },
    );
    expect(failed).toMatchObject({
      error: { error_code: 'crm.gateway_bad_reply', details: { reason: 'duplicate_key' } },
    });
    expect(JSON.stringify(failed)).not.toContain(name);
  });

  test('a caller is not named after the credential', async () => {
    const caller = { ...STAT.caller, actor: `user_guid:${SECRET}` };
    const { gateway } = await open(
      undefined,
      {},
      { stat: ({ answer }) => answer(200, successOf({ ...STAT, caller })) },
    );
    const denied = await gateway.envelopeOf(operationOf('customer_get'), {});
    expect(denied).toMatchObject({ success: false, stats: { actor: 'user_guid:[redacted]' } });
  });

  test('a refused identification does not repeat the credential', async () => {
    const { gateway } = await open(undefined, {}, { stat: ({ answer }) => answer(401, error(`no ${SECRET}`)) });
    const denied = await gateway.envelopeOf(operationOf('customer_get'), {});
    expect(denied).toMatchObject({ error: { error_code: 'crm.bad' } });
    expect(JSON.stringify(denied)).not.toContain(SECRET);
  });

  test('a stored response from before is redacted when it is replayed', async () => {
    const stored = { envelope: successOf({ note: `was ${SECRET}` }) as never };
    const { gateway } = await open(undefined, { sendOnce: async () => stored });
    expect(await gateway.ok('customer_create')).toEqual({ note: 'was [redacted]' });
  });
});
