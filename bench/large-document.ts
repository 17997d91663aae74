/** Generates a large OpenAPI document like those of big APIs: hundreds of operations, records with shared schemas. */

const OPERATIONS = 900;
const RECORDS = 760;
const FIELDS = 14;

type Json = Record<string, unknown>;

/** Returns about 5 MB of JSON. Every schema is referenced, some from everywhere and some in cycles. */
export function largeDocument(): Json {
  const names = Array.from({ length: RECORDS }, (_, index) => `Record${index}`);
  const ref = (index: number) => ({ $ref: `#/components/schemas/Record${index % RECORDS}` });
  const schemas = Object.fromEntries(names.map((name, index) => [name, record(index, ref)]));
  const kinds = OPERATIONS / 5;
  const paths = Object.fromEntries(Array.from({ length: kinds }, (_, index) => pathsOf(index, ref)).flat());
  return {
    openapi: '3.0.3',
    info: { title: 'Large', version: '1' },
    paths,
    components: { schemas, parameters: SHARED },
  };
}

const WORDS = 'the object that holds what was asked for and is changed by nobody but its owner, within the namespace';
const text = (index: number, length = 180) => `${index}: ${WORDS} `.repeat(4).slice(0, length);

/** Fields of every kind; some reference other records, and one creates a cycle. */
function record(index: number, ref: (index: number) => Json): Json {
  const fields = Array.from({ length: FIELDS }, (_, field): [string, Json] => {
    const description = text(index + field);
    switch (field % 7) {
      case 0:
        return [`field${field}`, { type: 'string', description, maxLength: 253 }];
      case 1:
        return [`count${field}`, { type: 'integer', format: 'int32', description, minimum: 0 }];
      case 2:
        return [`part${field}`, ref(index * 3 + field + 1)];
      case 3:
        return [`items${field}`, { type: 'array', description, items: ref(index + field * 17 + 1) }];
      case 4:
        return [`map${field}`, { type: 'object', description, additionalProperties: { type: 'string' } }];
      case 5:
        return [`state${field}`, { type: 'string', description, enum: ['Active', 'Pending', 'Failed', 'Unknown'] }];
      default:
        return [`flag${field}`, { type: 'boolean', description, default: false }];
    }
  });
  const properties = Object.fromEntries([...fields, ['metadata', ref(0)]]);
  return { type: 'object', description: text(index), required: ['field0'], properties };
}

const SHARED = Object.fromEntries(
  ['pretty', 'dryRun', 'fieldManager', 'limit', 'continue', 'watch', 'labelSelector', 'timeoutSeconds'].map(
    (name, index) => [name, { name, in: 'query', description: text(index, 300), schema: { type: 'string' } }],
  ),
);

/** The operations list, create, read, replace and delete of one kind of record. */
function pathsOf(index: number, ref: (index: number) => Json): [string, Json][] {
  const record = ref(index * 3);
  const list = { type: 'object', properties: { items: { type: 'array', items: record }, metadata: ref(0) } };
  const answer = (schema: Json) => ({ 200: { description: 'OK', content: { 'application/json': { schema } } } });
  const requestBody = { required: true, content: { 'application/json': { schema: record } } };
  const shared = Object.keys(SHARED).map((name) => ({ $ref: `#/components/parameters/${name}` }));
  const own = (operationId: string, responses: Json, more: Json = {}) => ({
    operationId,
    summary: `${operationId}, of kind ${index}`,
    description: text(index, 400),
    tags: [`group${index % 30}`],
    parameters: [...shared, ...inline(index)],
    responses,
    ...more,
  });
  const at = { name: 'name', in: 'path', required: true, schema: { type: 'string' } };
  return [
    [
      `/apis/group${index % 30}/v1/kind${index}`,
      {
        get: own(`listKind${index}`, answer(list)),
        post: own(`createKind${index}`, answer(record), { requestBody }),
      },
    ],
    [
      `/apis/group${index % 30}/v1/kind${index}/{name}`,
      {
        parameters: [at],
        get: own(`readKind${index}`, answer(record)),
        put: own(`replaceKind${index}`, answer(record), { requestBody }),
        delete: own(`deleteKind${index}`, answer(ref(1))),
      },
    ],
  ];
}

/** Inline parameters, as document generators write them. */
function inline(index: number): Json[] {
  return ['allowWatchBookmarks', 'resourceVersion', 'sendInitialEvents'].map((name) => ({
    name,
    in: 'query',
    description: text(index % 7, 350),
    schema: { type: name === 'resourceVersion' ? 'string' : 'boolean' },
  }));
}
