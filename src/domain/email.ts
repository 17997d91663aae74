/** E-mail addresses in the form in which they are stored and compared. */
import { domainToASCII } from 'node:url';

/** The version of the rules of `normalizeEmail`. Raise it when they change: stored addresses are then rewritten. */
export const EMAIL_RULES = 1;

/** The most characters of an address, and of a domain (RFC 5321, RFC 1035). */
const MAX_EMAIL = 254;
const MAX_DOMAIN = 253;
/** At least two labels of at most 63 characters. */
const DOMAIN_NAME = /^[^.]{1,63}(\.[^.]{1,63})+$/;
/** `domainToASCII` reads these as parts of a URL, or decodes them. None is in a domain name. */
const URL_SYNTAX = /[\s\p{Cc}%/\\?#:@[\]<>^|]/u;
/** `domainToASCII` reads a name that ends in a number as an IPv4 address, and rewrites it. */
const ENDS_IN_NUMBER = /(^|\.)(\d+|0x[\da-f]*)$/i;
/** Names that UTS 46 changes: other than ASCII, or encoded in ASCII. */
const INTERNATIONAL = /[^\p{ASCII}]|(^|\.)xn--/iu;

/**
 * The address in lower case, its domain in the ASCII form of UTS 46 and without a trailing dot. A domain that is not a
 * valid name keeps its notation, in lower case: what was accepted stays findable.
 */
export function normalizeEmail(email: string): string {
  const at = email.lastIndexOf('@');
  if (at === -1) return email.toLowerCase();
  const [local, domain] = [email.slice(0, at).toLowerCase(), email.slice(at + 1)];
  const ascii = INTERNATIONAL.test(domain) ? asciiDomain(domain) : domain.toLowerCase().replace(/\.+$/, '');
  if (ascii === undefined || local.length + 1 + ascii.length > MAX_EMAIL) return `${local}@${domain.toLowerCase()}`;
  return `${local}@${ascii}`;
}

/** Undefined when the domain is not valid. */
function asciiDomain(domain: string): string | undefined {
  if (URL_SYNTAX.test(domain)) return undefined;
  const ascii = domainToASCII(domain).replace(/\.+$/, '');
  return ascii.length <= MAX_DOMAIN && DOMAIN_NAME.test(ascii) && !ENDS_IN_NUMBER.test(ascii) ? ascii : undefined;
}
