/** What the explorer uses of Swagger UI and of the React inside it. The package has no types of its own. */

/** An immutable map of Swagger UI's state. */
export interface ImmutableMap {
  readonly size: number;
  get(name: string): unknown;
  getIn(path: readonly string[]): unknown;
  toJS(): unknown;
}

/** An immutable list or map that can be searched. */
export interface ImmutableList {
  toArray(): readonly ImmutableMap[];
  find(matches: (item: ImmutableMap) => boolean): ImmutableMap | undefined;
}

/** A React component. */
export type Component = unknown;

export interface React {
  createElement(type: Component, properties?: object | null, ...children: readonly unknown[]): object;
  useEffect(effect: () => (() => void) | undefined, dependencies: readonly unknown[]): void;
  useMemo<Value>(make: () => Value, dependencies: readonly unknown[]): Value;
  useState<Value>(initial: Value): readonly [Value, (next: Value) => void];
  useRef<Value>(initial: Value): { current: Value };
  useSyncExternalStore<Value>(subscribe: (onChange: () => void) => () => void, read: () => Value): Value;
}

/** Two names of one operation in Swagger UI's state: its path and its method. */
export type PathMethod = readonly [path: string, method: string];

export interface SpecSelectors {
  operations(): ImmutableList;
  parameterWithMetaByIdentity(pathMethod: PathMethod, parameter: ImmutableMap): ImmutableMap;
  validationErrors(pathMethod: PathMethod): readonly string[];
}

export interface Oas3Selectors {
  requestBodyValue(...pathMethod: PathMethod): unknown;
}

export type GetComponent = (name: string, connected?: boolean) => Component;

/** What Swagger UI hands to the component of an operation; everything else in it is passed on. */
export interface OperationProperties {
  readonly operation: ImmutableMap;
  readonly response: ImmutableMap | null | undefined;
  readonly specPath: { push(name: string): object };
  readonly onExecute: () => void;
  readonly specSelectors: SpecSelectors;
  readonly oas3Selectors: Oas3Selectors;
  readonly getComponent: GetComponent;
}

export interface SwaggerSystem {
  readonly React: React;
}

/** A request as Swagger UI is about to send it. */
export interface SwaggerRequest {
  url: string;
  method: string;
  headers: { [name: string]: string };
}

declare global {
  /** Starts Swagger UI, whose bundle is loaded before the explorer's own script. */
  var SwaggerUIBundle: (options: { readonly [name: string]: unknown }) => unknown;
}
