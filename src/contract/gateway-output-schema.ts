/**
 * The part of our contract that a gateway serves, and output schemas that hold for responses it relays unchanged.
 * Imported OpenAPI documents are handled in openapi-import/.
 */
import type { Contract, JsonSchema } from './operation.js';

type Node = { readonly [key: string]: unknown };

/** Our contract without the operations that only the embedded store serves. */
export function gatewayContract({ operations, ...rest }: Contract): Contract {
  const relayed = operations.filter(({ origin }) => origin !== 'extension');
  return {
    ...rest,
    operations: relayed.map((operation) => ({
      ...operation,
      outputSchema: gatewayOutputSchema(operation.outputSchema),
    })),
  };
}

/**
 * An output schema that every relayed success satisfies. Clients discard a result that does not match its schema, and
 * they should see a drift of the upstream instead. The documented type of a field becomes a description; the schema
 * enforces only what this server guarantees itself.
 */
export function gatewayOutputSchema(outline: JsonSchema): JsonSchema {
  const { data } = outline.properties as { readonly data: JsonSchema };
  const fields = Object.entries((data.properties as Node | undefined) ?? {});
  const described = Object.fromEntries(fields.map(([name, field]) => [name, typeAsDescription(field as JsonSchema)]));
  const description = data.description === undefined ? {} : { description: data.description };
  return {
    type: 'object',
    properties: { data: { type: 'object', ...description, ...(fields.length === 0 ? {} : { properties: described }) } },
    required: ['data'],
  };
}

/** The type as a description, which is not enforced: `string`, `array of object`. */
function typeAsDescription({ type, items }: JsonSchema): JsonSchema {
  const item = (items as JsonSchema | undefined)?.type;
  return { description: item === undefined ? String(type ?? 'any value') : `${type} of ${item}` };
}
