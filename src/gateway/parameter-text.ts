/** Values as text for the parts of a request, percent-encoded where that is needed (RFC 6570, OpenAPI's styles). */

/** A comma-separated list; an object as `key,value,key,value`. */
export function joined(value: unknown, write: (text: string) => string = (text) => text): string {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const items: readonly unknown[] = isObject ? Object.entries(value).flat() : [value].flat();
  return items.map((item) => write(scalarText(item))).join(',');
}

export function scalarText(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

/** Leaves the reserved characters that may stand in the value of a query, and encodes `%` like any other character. */
export function encodeQuery(text: string): string {
  return encode(text).replace(/%(?:2F|3A|3F|40|24|2C|3B|3D)/g, decodeURIComponent);
}

/** A lone surrogate cannot be encoded and becomes the replacement character. */
export function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}
