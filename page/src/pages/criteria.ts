/** What a search text asks crm_customer_search for. */

const EMAIL = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/;
const PHONE = /^\+?[\d\s().-]+$/;
const LEAST_DIGITS = 7;

/** The criteria of a search text, to be tried in this order until one finds somebody. */
export function criteriaOf(text: string): readonly object[] {
  if (EMAIL.test(text)) return [{ email: text }];
  const isPhone = PHONE.test(text) && text.replace(/\D/g, '').length >= LEAST_DIGITS;
  return isPhone ? [{ phone: text }, { q: text }] : [{ q: text }];
}
