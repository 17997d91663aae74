/**
 * Joins neighbouring reads of a batch into one statement, whose columns are the JSON of their rows, and neighbouring
 * calls of functions into one SELECT. Each statement costs the server and this process a fixed time, which for reads of
 * few rows is most of it. Nothing moves across a lock or a change. Changes are not joined: PostgreSQL takes as long for
 * one WITH of five INSERTs as for five.
 */
import type { Scalar } from '../engine/step.js';
import type { BatchResults } from './batch.js';
import { exactRow, type ResultRow } from './result-values.js';
import { numbered, type Part, type PartText, type PreparedText, type Statement } from './statement-text.js';

/** The statements for a list of parts. */
export interface JoinedStatements {
  readonly statements: readonly Statement[];
  /** The results of the parts, from those of the statements. @throws RangeError for an integer beyond 2^53. */
  readonly resultsOf: (results: BatchResults) => BatchResults;
}

/** A longer list becomes several statements. */
const MAX_JOINED = 12;
/** More sequences are not joined: a session could not keep so many statements prepared. */
const MAX_SEQUENCES = 2000;

/** Joins what can be joined. */
export function joinParts(parts: readonly Part[]): JoinedStatements {
  const groups = groupsOf(parts);
  return {
    statements: groups.map(statementFor),
    resultsOf: (results) => groups.flatMap((group, index) => resultsFor(group, results[index])),
  };
}

/** Sends each part as a statement of its own. */
export function sendApart(parts: readonly Part[]): JoinedStatements {
  const groups = parts.map((part) => ({ sequence: sequenceOf(part.text), parts: [part] }));
  return { statements: groups.map(statementFor), resultsOf: (results) => results };
}

/** Texts of parts that become one statement, and the sequences that are longer by one. */
interface Sequence {
  readonly texts: readonly PartText[];
  readonly longer: Map<PartText, Sequence>;
  readonly prepared: PreparedText;
}

/** Parts that become one statement. */
interface Group {
  sequence: Sequence;
  readonly parts: Part[];
}

const first = new Map<PartText, Sequence>();
let sequences = 0;

function groupsOf(parts: readonly Part[]): readonly Group[] {
  const groups: Group[] = [];
  let last: Group | undefined;
  for (const part of parts) {
    const longer = last === undefined ? undefined : sequenceWith(last.sequence, part.text);
    if (last === undefined || longer === undefined) {
      last = { sequence: sequenceOf(part.text), parts: [part] };
      groups.push(last);
    } else {
      last.sequence = longer;
      last.parts.push(part);
    }
  }
  return groups;
}

function sequenceOf(text: PartText): Sequence {
  const known = first.get(text);
  if (known !== undefined) return known;
  if (text.isKept === false) return { texts: [text], longer: new Map(), prepared: { name: '', text: text.sql } };
  const sequence = { texts: [text], longer: new Map(), prepared: numbered(joinedText([text])) };
  first.set(text, sequence);
  return sequence;
}

/** Undefined when the text cannot join the sequence. */
function sequenceWith(sequence: Sequence, text: PartText): Sequence | undefined {
  const known = sequence.longer.get(text);
  if (known !== undefined) return known;
  if (!mayJoin(sequence.texts, text) || sequences >= MAX_SEQUENCES) return undefined;
  sequences += 1;
  const texts = [...sequence.texts, text];
  const longer = { texts, longer: new Map(), prepared: numbered(joinedText(texts)) };
  sequence.longer.set(text, longer);
  return longer;
}

function mayJoin(texts: readonly PartText[], { kind }: PartText): boolean {
  return kind !== 'alone' && kind === texts[0]?.kind && texts.length < MAX_JOINED;
}

function joinedText(texts: readonly PartText[]): string {
  const [{ kind, sql } = { kind: 'alone', sql: '' }] = texts;
  if (kind === 'call') return `SELECT ${texts.map((text) => text.sql).join(', ')}`;
  return texts.length === 1 ? sql : joinedReads(texts);
}

/** Each read is a column: JSON of its rows, or of its first. */
function joinedReads(texts: readonly PartText[]): string {
  const columns = texts.map(({ sql, shape }, index) =>
    shape === 'one'
      ? `(SELECT row_to_json(part) FROM (${sql}) AS part LIMIT 1) AS part${index}`
      : `(SELECT json_agg(part) FROM (${sql}) AS part) AS part${index}`,
  );
  return `SELECT ${columns.join(', ')}`;
}

function statementFor({ sequence: { texts, prepared }, parts }: Group): Statement {
  const [part] = parts;
  if (part !== undefined && parts.length === 1) return { prepared, args: part.args, shape: part.text.shape };
  const args = parts.flatMap((each) => each.args as Scalar[]);
  return { prepared, args, shape: texts[0]?.kind === 'read' ? 'one' : 'none' };
}

function resultsFor({ parts }: Group, result: unknown): BatchResults {
  if (parts.length === 1) return [result];
  const row = result as Readonly<Record<string, string | null>> | undefined;
  return parts.map(({ text: { shape } }, index) => {
    const json = row?.[`part${index}`] ?? null;
    if (shape === 'all') return json === null ? [] : (JSON.parse(json) as ResultRow[]).map(exactRow);
    return shape === 'one' && json !== null ? exactRow(JSON.parse(json)) : undefined;
  });
}
