/**
 * Checks that the data of responses match the contract's schemas. A drift is reported by its position in the schema and
 * the keyword it violates, never by a value, field or key of the response.
 */
import { acceptLongDigits } from '../contract/exact-integers.js';
import type { JsonSchema, Operation } from '../contract/operation.js';
import { createAjv } from '../contract/validate.js';
import { UpstreamError } from './upstream-error.js';

/** `warn` reports drift to the operator; `strict` also fails reads, but never writes: those have already happened. */
export type ResponseValidation = 'warn' | 'strict' | 'off';

/** Returns the schema of an operation's `data`; undefined when there is none. */
export type DataSchemaOf = (operation: Operation) => JsonSchema | undefined | Promise<JsonSchema | undefined>;

/** A response that does not match its schema, or a schema that cannot be used. */
export type Drift =
  | {
      readonly kind: 'schema_drift';
      readonly operation: string;
      /** Number of drifted responses of this operation so far. */
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

/** @throws UpstreamError `schema` for a read, under `strict`. */
export type CheckResponse = (operation: Operation, data: object) => Promise<void>;

/** Drifts reported per operation; further ones are only counted. */
const MAX_REPORTED = 3;
/** Annotations of OpenAPI that a JSON Schema validator does not know. */
const ANNOTATIONS = ['example', 'xml', 'externalDocs', 'discriminator'];

export function createResponseCheck({ validation, dataSchemaOf, report }: ResponseCheckOptions): CheckResponse {
  if (validation === 'off') return async () => {};
  const compile = createCompile();
  const validators = new Map<string, Promise<Validator | undefined>>();
  const counts = new Map<string, number>();

  /** Reports an unusable schema once; its responses are then not checked. */
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
    if (count <= MAX_REPORTED) report({ kind: 'schema_drift', operation: id, count, at: schemaPath, keyword });
    if (validation === 'strict' && operation.effect === 'read') throw driftError(schemaPath);
  };
}

type Validator = ReturnType<ReturnType<typeof createAjv>['compile']>;

/** Compiles schemas with one Ajv instance, created for the first schema, that ignores annotations. */
function createCompile(): (schema: JsonSchema) => Validator {
  let ajv: ReturnType<typeof createAjv> | undefined;
  const knownKeywords = new Set<string>();
  return (schema) => {
    ajv ??= createAjv(undefined, false);
    const names = new Set([...ANNOTATIONS, ...extensionsIn(schema)].filter((name) => !knownKeywords.has(name)));
    ajv.addVocabulary([...names]);
    for (const name of names) knownKeywords.add(name);
    return ajv.compile(acceptLongDigits(schema));
  };
}

/** Every `x-…` key, at any depth. */
function extensionsIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(key.startsWith('x-') ? [key] : []),
    ...extensionsIn(inner),
  ]);
}

function driftError(at: string): UpstreamError {
  const drift = { reason: 'schema', outcome: 'unknown', path: at } as const;
  return new UpstreamError({ kind: 'unreadable', transient: false, ...drift });
}
