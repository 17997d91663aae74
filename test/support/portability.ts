/** Checks that every MCP client and model host can use a tool, whether it is our own or imported. */
import type { JsonSchema } from '../../src/contract/operation.js';
import type { Tool } from '../../src/tools/catalogue.js';
import { hostProblems } from './host-rules.js';

const NOT_PORTABLE = new Set(['$ref', '$defs', '$schema', 'nullable', 'example', 'discriminator']);

/** Returns everything in a tool that some client cannot read, each with its path. */
export function portabilityProblems(tool: Tool): readonly string[] {
  const problems: string[] = [];
  const report = (problem: string | false) => void (problem !== false && problems.push(problem));
  report(!/^crm_[a-z][a-z0-9_]*$/.test(tool.name) && `name ${tool.name}`);
  report(tool.name.length > 40 && `name of ${tool.name.length}`);
  report((tool.title === '' || tool.title.length > 60) && `title of ${tool.title.length}`);
  report((tool.description === '' || tool.description.length > 600) && `description of ${tool.description.length}`);
  for (const [which, schema] of Object.entries({ input: tool.inputSchema, output: tool.outputSchema })) {
    report((schema as JsonSchema).type !== 'object' && `${which} is not an object`);
    for (const keyword of ['oneOf', 'anyOf', 'allOf', 'not'])
      report(keyword in schema && `${keyword} at root of ${which}`);
    walkSchema(schema, (node, path) => {
      for (const keyword of Object.keys(node)) {
        report((keyword.startsWith('x-') || NOT_PORTABLE.has(keyword)) && `${keyword} at ${which} ${path}`);
      }
      report(Array.isArray(node.type) && `type array at ${which} ${path}`);
      report(Object.keys(node).length === 0 && `empty schema at ${which} ${path}`);
    });
  }
  report((tool.inputSchema as JsonSchema).additionalProperties !== false && 'input is open');
  for (const name of Object.keys((tool.inputSchema.properties as object | undefined) ?? {})) {
    report(!/^[A-Za-z0-9_.-]{1,64}$/.test(name) && `field ${name}`);
  }
  return [...problems, ...hostProblems(tool)];
}

/** Visits every schema in a schema. */
export function walkSchema(schema: JsonSchema, visit: (node: JsonSchema, path: string) => void, path = '#'): void {
  visit(schema, path);
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'properties') {
      for (const [name, child] of Object.entries(value as object)) {
        walkSchema(child as JsonSchema, visit, `${path}/${name}`);
      }
    } else if (['oneOf', 'anyOf', 'allOf'].includes(key)) {
      (value as JsonSchema[]).forEach((child, index) => void walkSchema(child, visit, `${path}/${key}/${index}`));
    } else if (['items', 'additionalProperties', 'not'].includes(key) && typeof value === 'object') {
      walkSchema(value as JsonSchema, visit, `${path}/${key}`);
    }
  }
}
