/**
 * What a gateway offers of our contract, and what may be promised of answers it passes on as they come. Not: other
 * people's documents, of whose answers little is promised anyway.
 */
import type { Contract, JsonSchema } from './operation.js';

type Node = { readonly [key: string]: unknown };

/** Our contract without what nobody but the embedded store serves. */
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
 * An output schema that no relayed success breaks: clients throw an answer away that does not match, and a drift of the
 * upstream is theirs to see. What the document promises of a field is told in words; what remains is ours to keep.
 */
export function gatewayOutputSchema(outline: JsonSchema): JsonSchema {
  const { data } = outline.properties as { readonly data: JsonSchema };
  const fields = Object.entries((data.properties as Node | undefined) ?? {});
  const told = Object.fromEntries(fields.map(([name, field]) => [name, inWords(field as JsonSchema)]));
  const description = data.description === undefined ? {} : { description: data.description };
  return {
    type: 'object',
    properties: { data: { type: 'object', ...description, ...(fields.length === 0 ? {} : { properties: told }) } },
    required: ['data'],
  };
}

/** `string`, `array of object`: the type as a word that nobody enforces. */
function inWords({ type, items }: JsonSchema): JsonSchema {
  const item = (items as JsonSchema | undefined)?.type;
  return { description: item === undefined ? String(type ?? 'any value') : `${type} of ${item}` };
}
