/** A value made when it is first asked for, once. */

/** A function that answers what `make` made at its first call. */
export function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
