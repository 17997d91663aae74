/**
 * Step 8 of the contract: validates requests against their schemas and reports all issues at once. Validators come from
 * the build, or are compiled on first use.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import type { Ajv2020, CodeOptions, ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import type formatsPlugin from 'ajv-formats';
import { DATE_TIME_FORM, isDateTime } from './date-time.js';
import { type Issue, invalidRequest } from './errors.js';
import { lazy } from './lazy.js';
import type { JsonSchema, Operation } from './operation.js';

/** More issues would not help the caller, and a hostile body could have a million. */
const MAX_ISSUES = 50;

export type Validate = (operation: Operation, input: unknown) => void;

/**
 * A validator for every operation, created on first use and kept: loaded from `built`, the directory that
 * scripts/validators.ts writes, or else compiled (30 ms for ajv itself, then about 3 ms each).
 */
export function createValidate(built?: string): Validate {
  const ready = new Map<string, ValidateFunction>();
  const ajv = lazy(() => createRequestAjv());
  const importedAjv = lazy(() => createAjv());
  return (operation, input) => {
    let validate = ready.get(operation.id);
    if (validate === undefined) {
      const compiler = operation.imported === undefined ? ajv : importedAjv;
      validate = loadBuilt(built, operation.id) ?? compiler().compile(operation.requestSchema);
      ready.set(operation.id, validate);
    }
    if (!validate(input)) throw invalidRequest(toIssues(validate.errors ?? [], operation.requestSchema));
  };
}

/** Validates a value against any schema, for tests and generators. Returns the issues, none when valid. */
export function issuesOf(schema: JsonSchema, value: unknown): readonly Issue[] {
  const validate = createAjv().compile(schema);
  return validate(value) ? [] : toIssues(validate.errors ?? [], schema);
}

function loadBuilt(directory: string | undefined, id: string): ValidateFunction | undefined {
  const file = directory === undefined ? undefined : resolve(directory, `${id}.cjs`);
  if (file === undefined || !existsSync(file)) return undefined;
  return createRequire(import.meta.url)(file) as ValidateFunction;
}

/**
 * Creates ajv with the options used everywhere; `code` sets ajv's code generation. Finds all errors, or only the first.
 */
export function createAjv(code?: CodeOptions, allErrors = true): Ajv2020 {
  const require = createRequire(import.meta.url);
  const { Ajv2020 } = require('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js');
  const formats = require('ajv-formats') as typeof formatsPlugin.default;
  const lenient = { strictTypes: false, strictRequired: false };
  const ajv = new Ajv2020({ allErrors, strict: true, ...lenient, ...(code === undefined ? {} : { code }) });
  formats(ajv);
  return ajv;
}

/**
 * The same for requests of our own contract, whose date-times must be ones that the handlers can compute with. Imported
 * documents have their own idea of a date-time, and an upstream that decides.
 */
export function createRequestAjv(code?: CodeOptions): Ajv2020 {
  return createAjv(code).addFormat('date-time', isDateTime);
}

function toIssues(errors: readonly ErrorObject[], schema: JsonSchema): readonly Issue[] {
  const unions = errors.filter((error) => error.keyword === 'oneOf' || error.keyword === 'anyOf');
  const insideUnion = (error: ErrorObject) =>
    unions.some((union) => error.schemaPath.startsWith(`${union.schemaPath}/`));
  const ofName = (error: ErrorObject) => error.propertyName !== undefined; // reported by its propertyNames error
  const issues = errors.filter((error) => !insideUnion(error) && !ofName(error)).map((error) => toIssue(error, schema));
  const unique = new Map(issues.map((issue) => [`${issue.path} ${issue.message}`, issue]));
  return [...unique.values()].slice(0, MAX_ISSUES);
}

function toIssue(error: ErrorObject, schema: JsonSchema): Issue {
  const path = dotted(error.instancePath);
  const parameters = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'required':
      return { path: join(path, parameters.missingProperty), message: 'is required' };
    case 'dependentRequired':
      return { path: join(path, parameters.missingProperty), message: `is required with ${parameters.property}` };
    case 'additionalProperties': {
      const field = String(parameters.additionalProperty).slice(0, 64);
      return { path: join(path, field), message: 'is not a field of this request', expected: fieldsAt(schema, error) };
    }
    case 'propertyNames': {
      const names = (at(schema, error.schemaPath) as JsonSchema | undefined)?.enum;
      const name = String(parameters.propertyName).slice(0, 64);
      return { path: join(path, name), message: 'is not an allowed name', expected: list(names) };
    }
    case 'pattern':
      return { path, message: 'is not well formed', expected: String(parameters.pattern) };
    case 'enum':
      return { path, message: 'is not one of the allowed values', expected: list(parameters.allowedValues) };
    case 'type':
      return { path, message: `must be ${parameters.type}`, expected: String(parameters.type) };
    case 'format':
      return parameters.format === 'date-time'
        ? { path, message: 'is not a date-time that can be used', expected: DATE_TIME_FORM }
        : { path, message: error.message ?? 'is not well formed' };
    case 'oneOf':
    case 'anyOf':
      return { path, message: unionMessage(error, schema) };
    default:
      return { path, message: error.message ?? 'is not valid' };
  }
}

function unionMessage(error: ErrorObject, schema: JsonSchema): string {
  const branches = at(schema, error.schemaPath);
  const fields = Array.isArray(branches)
    ? branches.flatMap((branch: JsonSchema) => {
        const required = branch.required;
        return Array.isArray(required) ? [required.join(' and ')] : [];
      })
    : [];
  if (fields.length === 0) return 'does not match any allowed form';
  return error.keyword === 'oneOf'
    ? `give exactly one of: ${fields.join('; ')}`
    : `give at least one of: ${fields.join('; ')}`;
}

function fieldsAt(schema: JsonSchema, error: ErrorObject): string {
  const parent = at(schema, error.schemaPath.replace(/\/additionalProperties$/, '')) as JsonSchema | undefined;
  return list(Object.keys((parent?.properties as object | undefined) ?? {}));
}

function at(schema: JsonSchema, schemaPath: string): unknown {
  return schemaPath
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '')
    .reduce<unknown>(
      (value, part) => (value as Record<string, unknown> | undefined)?.[decodeURIComponent(part)],
      schema,
    );
}

function dotted(pointer: string): string {
  return pointer.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~').slice(0, 200);
}

function join(path: string, field: unknown): string {
  return path === '' ? String(field) : `${path}.${field}`;
}

function list(values: unknown): string {
  return Array.isArray(values) ? values.join(', ') : '';
}
