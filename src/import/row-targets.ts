/** What a column of a file to import can be: the fields of a customer, and what belongs to one. */
import { CONTRACT } from '../contract/generated/contract.js';
import type { JsonSchema } from '../contract/operation.js';

type Fields = Readonly<Record<string, JsonSchema>>;

/** The fields of a customer, as `customer/create` takes them. */
const CUSTOMER_FIELDS = fieldsOf(
  fieldsOf(CONTRACT.operations.find(({ id }) => id === 'customer_create')?.requestSchema).customer,
);
const ADDRESS_FIELDS = Object.keys(fieldsOf(CUSTOMER_FIELDS.addresses?.items as JsonSchema | undefined));

function fieldsOf(schema: JsonSchema | undefined): Fields {
  return (schema?.properties ?? {}) as Fields;
}

/** Fields of a customer that are one text. */
export const TEXT_FIELDS = Object.keys(CUSTOMER_FIELDS).filter((name) => CUSTOMER_FIELDS[name]?.type === 'string');

/** Fields that only JSON lines can have whole, in the form of the contract. */
const WHOLE_FIELDS = ['addresses', 'external_refs', 'attributes', 'consents'] as const;

const OTHERS = [
  'external_ref',
  'tags',
  'points',
  'points_expires_at',
  'consent_evidence_ref',
  'consent_policy_version',
] as const;

/** The column is left out on purpose. */
export const IGNORE = 'ignore';

/** `address.city`, `attribute.shoe_size`, `consent.marketing_email`, `ref.till`. */
const WITH_NAME = new RegExp(`^(address\\.(${ADDRESS_FIELDS.join('|')})|(attribute|consent|ref)\\..+)$`);

const PLAIN: ReadonlySet<string> = new Set([...TEXT_FIELDS, ...WHOLE_FIELDS, ...OTHERS, IGNORE]);

/** Every target, for messages. */
export const TARGET_LIST = [...PLAIN, 'address.FIELD', 'attribute.NAME', 'consent.PURPOSE', 'ref.SYSTEM'].join(', ');

export function isTarget(text: string): boolean {
  return PLAIN.has(text) || WITH_NAME.test(text);
}

/** Common names of columns, as `simplified` makes them. */
const COMMON: Readonly<Record<string, readonly string[]>> = {
  caption: ['name', 'fullname', 'displayname', 'customername'],
  email: ['mail', 'emailaddress'],
  phone: ['phonenumber', 'telephone', 'tel', 'mobile', 'mobilephone', 'cell', 'cellphone'],
  given_name: ['firstname', 'forename', 'vorname'],
  family_name: ['lastname', 'surname', 'nachname'],
  company: ['companyname', 'organisation', 'organization', 'firma'],
  birth_date: ['dateofbirth', 'dob', 'birthday'],
  locale: ['language', 'lang'],
  external_ref: ['externalid', 'customerid', 'customernumber', 'customerno', 'customerref', 'id'],
  tags: ['tag', 'labels'],
  points: ['pointsbalance', 'loyaltypoints', 'rewardpoints'],
  points_expires_at: ['pointsexpiry', 'pointsexpire'],
  'address.line1': ['address', 'address1', 'addressline1', 'street', 'line1'],
  'address.line2': ['address2', 'addressline2', 'line2'],
  'address.city': ['city', 'town', 'ort'],
  'address.region': ['region', 'state', 'province', 'county'],
  'address.postal_code': ['postalcode', 'postcode', 'zip', 'zipcode', 'plz'],
  'address.country': ['country', 'countrycode'],
};

const BY_COMMON_NAME: ReadonlyMap<string, string> = new Map(
  Object.entries(COMMON).flatMap(([target, names]) => [target, ...names].map((name) => [simplified(name), target])),
);

/** The target of a column by its name alone; undefined when the name says nothing. */
export function targetByName(column: string): string | undefined {
  return isTarget(column) && column !== IGNORE ? column : BY_COMMON_NAME.get(simplified(column));
}

function simplified(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '');
}
