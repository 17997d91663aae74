/**
 * Whether answers keep the shape the contract promises. A drift is told by where in the schema it is and which keyword
 * it breaks: never a value, a field or a key of the answer. Not: envelopes.
 */
import type { JsonSchema, Operation } from '../contract/operation.js';
import { createAjv } from '../contract/validate.js';
import { UpstreamError } from './upstream-error.js';

/** `warn` tells the operator; `strict` fails reads besides, and writes never: they have happened. */
export type ResponseValidation = 'warn' | 'strict' | 'off';

/** The schema of an operation's `data`; undefined when nobody knows it. */
export type DataSchemaOf = (operation: Operation) => JsonSchema | undefined | Promise<JsonSchema | undefined>;

/** An answer that is not as promised, or a promise that cannot be checked. */
export type Drift =
  | {
      readonly kind: 'schema_drift';
      readonly operation: string;
      /** Answers of this operation that drifted so far. */
      readonly count: number;
      /** JSON pointer into the schema of `data`. */
      readonly at: string;
      readonly keyword: string;
    }
  | { readonly kind: 'schema_unusable'; readonly operation: string };

export interface ResponseCheckOptions {
  readonly validation: ResponseValidation;
  readonly dataSchemaOf: DataSchemaOf;
  readonly report: (drift: Drift) => void;
}

/** @throws Fault `schema` for a read, under `strict`. */
export type CheckResponse = (operation: Operation, data: object) => Promise<void>;

/** So many drifts of an operation are told; the rest are counted. */
const MAX_TOLD = 3;
/** Annotations of OpenAPI that a JSON Schema validator does not know. */
const ANNOTATIONS = ['example', 'xml', 'externalDocs', 'discriminator'];

export function createResponseCheck({ validation, dataSchemaOf, report }: ResponseCheckOptions): CheckResponse {
  if (validation === 'off') return async () => {};
  const compile = createCompile();
  const validators = new Map<string, Promise<Validator | undefined>>();
  const counts = new Map<string, number>();

  /** A schema that cannot be used is told once and then left alone. */
  const prepare = async (operation: Operation) => {
    try {
      const schema = await dataSchemaOf(operation);
      return schema === undefined ? undefined : compile(schema);
    } catch {
      report({ kind: 'schema_unusable', operation: operation.id });
      return undefined;
    }
  };

  return async (operation, data) => {
    const { id } = operation;
    const ready = validators.get(id) ?? prepare(operation);
    validators.set(id, ready);
    const validate = await ready;
    if (validate === undefined || validate(data)) return;
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    const { schemaPath = '', keyword = '' } = validate.errors?.[0] ?? {};
    if (count <= MAX_TOLD) report({ kind: 'schema_drift', operation: id, count, at: schemaPath, keyword });
    if (validation === 'strict' && operation.effect === 'read') throw drifted(schemaPath);
  };
}

type Validator = ReturnType<ReturnType<typeof createAjv>['compile']>;

/** Compiles schemas with one validator, made with the first; their annotations mean nothing to it. */
function createCompile(): (schema: JsonSchema) => Validator {
  let ajv: ReturnType<typeof createAjv> | undefined;
  const taught = new Set<string>();
  return (schema) => {
    ajv ??= createAjv(undefined, false);
    const names = new Set([...ANNOTATIONS, ...extensionsIn(schema)].filter((name) => !taught.has(name)));
    ajv.addVocabulary([...names]);
    for (const name of names) taught.add(name);
    return ajv.compile(schema);
  };
}

/** Every `x-…` there is, wherever it stands. */
function extensionsIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(key.startsWith('x-') ? [key] : []),
    ...extensionsIn(inner),
  ]);
}

function drifted(at: string): UpstreamError {
  const about = { reason: 'schema', outcome: 'unknown', path: at } as const;
  return new UpstreamError({ kind: 'unreadable', transient: false, ...about });
}
