/** Readers of the values of settings. Each throws an Error that says what the value must be, and never quotes it. */

export function nonEmpty(value: string): string {
  if (value === '') throw new Error('must not be empty');
  return value;
}

/** Takes any text, and an empty one. */
export function anyText(value: string): string {
  return value;
}

export function yesOrNo(value: string): boolean {
  const known: { readonly [text: string]: boolean } = { true: true, '1': true, false: false, '0': false, '': false };
  const meant = known[value.toLowerCase()];
  if (meant === undefined) throw new Error('must be true or false');
  return meant;
}

export function oneOf<const Choice extends string>(...choices: readonly Choice[]): (value: string) => Choice {
  return (value) => {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw new Error(`must be ${listed(choices)}`);
    return found;
  };
}

/** Any of these, comma-separated, or `none`. */
export function someOf<const Choice extends string>(...choices: readonly Choice[]): (value: string) => Choice[] {
  const read = oneOf(...choices);
  return (value) =>
    value
      .split(',')
      .filter((part) => part !== '' && part !== 'none')
      .map(read);
}

/** `most` is at most Number.MAX_SAFE_INTEGER, of 16 digits. */
export function wholeNumber(least: number, most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (/^\d{1,16}$/.test(value) && number >= least && number <= most) return number;
    throw new Error(`must be a whole number from ${least} to ${most}`);
  };
}

export function country(value: string): string {
  if (!/^[A-Z]{2}$/.test(value)) throw new Error('must be a two-letter country code');
  return value;
}

function listed(choices: readonly string[]): string {
  return `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
}
