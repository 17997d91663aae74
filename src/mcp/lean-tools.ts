/** The three tools of lean mode (`--lean`), as `tools/list` returns them and as the pipeline runs them. */
import type { JsonSchema, Operation } from '../contract/operation.js';
import { PLAIN_OPERATION } from '../contract/plain-operation.js';
import type { CatalogueEntry, Tool } from '../tools/catalogue.js';
import { untrustedFields } from '../tools/untrusted-content.js';

const NAME: JsonSchema = { type: 'string', minLength: 1, maxLength: 80 };
const SHOWN_NAME: JsonSchema = { type: 'string' };

export const FIND = entryOf({
  name: 'crm_find_operations',
  title: 'Find operations',
  description:
    'Lists the operations you may call, best match first, each with what it does and its effect. Search by words, ' +
    'family (customer, loyalty, giftcard …) or effect. Describe an operation before you call it.',
  readOnly: true,
  required: [],
  shown: {
    query: { type: 'string', description: 'Words for what you want to do; default all' },
    family: SHOWN_NAME,
    effect: { type: 'string', enum: ['read', 'append', 'revise', 'destroy'] },
    offset: { type: 'integer', description: 'next_offset of the answer before' },
  },
  enforced: {
    query: { type: 'string', maxLength: 200 },
    family: NAME,
    effect: { enum: ['read', 'append', 'revise', 'destroy'] },
    offset: { type: 'integer', minimum: 0, maximum: 1_000_000 },
  },
});

export const DESCRIBE = entryOf({
  name: 'crm_describe_operation',
  title: 'Describe an operation',
  description:
    'Tells what an operation does, its arguments as a JSON schema, its effect on the data, the roles that may call it, ' +
    'and examples.',
  readOnly: true,
  required: ['operation'],
  shown: { operation: SHOWN_NAME },
  enforced: { operation: NAME },
});

export const CALL = entryOf({
  name: 'crm_call',
  title: 'Call an operation',
  description:
    'Runs an operation with the arguments its description asks for. The checks and the answer are those of a tool of ' +
    'its own. It may write, and may take away for good: its effect tells.',
  readOnly: false,
  required: ['operation'],
  shown: { operation: SHOWN_NAME, arguments: { type: 'object' } },
  enforced: { operation: NAME, arguments: { type: 'object' } },
});

/** The three tools, sorted by name. */
export const LEAN_TOOLS: readonly Tool[] = Object.freeze([CALL.tool, DESCRIBE.tool, FIND.tool]);

interface LeanToolDefinition {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly readOnly: boolean;
  readonly required: readonly string[];
  readonly shown: { readonly [name: string]: JsonSchema };
  readonly enforced: { readonly [name: string]: JsonSchema };
}

function entryOf({
  name,
  title,
  description,
  readOnly,
  required,
  shown,
  enforced,
}: LeanToolDefinition): CatalogueEntry {
  const object = (properties: object) =>
    ({ type: 'object', additionalProperties: false, required, properties }) as const;
  const outputSchema = { type: 'object', properties: { data: { type: 'object' } }, required: ['data'] } as const;
  const tool: Tool = Object.freeze({
    name,
    title,
    description,
    inputSchema: object(shown),
    outputSchema,
    annotations: {
      readOnlyHint: readOnly,
      destructiveHint: !readOnly,
      idempotentHint: readOnly,
      openWorldHint: false,
    },
  });
  const operation: Operation = {
    ...PLAIN_OPERATION,
    id: name,
    method: 'POST',
    path: `/${name}`,
    family: 'session',
    summary: title,
    description,
    effect: 'read',
    origin: 'extension',
    inputSchema: tool.inputSchema,
    requestSchema: object(enforced),
    outputSchema,
  };
  return Object.freeze({ operation, tool, pinned: () => tool, untrusted: untrustedFields(operation) });
}
