/** Published third-party OpenAPI documents in node_modules. */
export const PUBLISHED_DOCUMENTS: readonly string[] = [
  '@figma/rest-api-spec/openapi/openapi.yaml',
  '@readme/oas-examples/3.0/json/star-trek.json',
  '@readme/oas-examples/3.1/yaml/train-travel.yaml',
  '@scalar/galaxy/dist/3.1.json',
  '@blockfrost/openapi/openapi.yaml',
  '@digdir/dialogporten-schema/swagger.verified.json',
  'rclone-openapi/openapi.json',
  'shipengine-openapi/openapi.yaml',
];
