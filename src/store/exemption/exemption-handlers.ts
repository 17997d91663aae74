/** Handlers for tax exemption certificates. The rules about dates and statuses are in domain/exemption.ts. */
import { notFound } from '../../contract/errors.js';
import type { components } from '../../contract/generated/openapi.js';
import {
  CERTIFICATE_TRANSITIONS,
  certificateStatus,
  checkDates,
  dateOf,
  type StoredStatus,
} from '../../domain/exemption.js';
import { requireTransition } from '../../domain/lifecycle.js';
import { requireTarget } from '../comment/comment-targets.js';
import { activeLoyaltyAccount } from '../customer/customer-checks.js';
import { both, type Condition, equal } from '../engine/condition.js';
import type { Context, Handlers, InputOf } from '../engine/handler.js';
import { pageOf } from '../engine/page.js';
import type { Steps } from '../engine/step.js';
import { defineTable, find, insert, requireRevision, revise } from '../engine/table.js';

type Certificate = components['schemas']['ExemptionCertificate'];
type ListInput = InputOf<'exemption_certificate_list'>;

interface CertificateRow extends Omit<Certificate, 'status' | 'jurisdiction'> {
  readonly status: StoredStatus;
  readonly country: string;
  readonly region: string | null;
}

const CERTIFICATE = defineTable<CertificateRow>({
  name: 'certificate',
  id: 'certificate_id',
  columns: [
    'orgcode',
    'certificate_id',
    'customer_id',
    'account_id',
    'status',
    'revision',
    'certificate_number',
    'country',
    'region',
    'exemption_type',
    'issued_on',
    'effective_on',
    'expires_on',
    'document_ref',
    'attributes',
    'created_at',
    'updated_at',
  ],
  json: ['attributes'],
});

export const exemption: Handlers<'exemption'> = {
  *exemption_certificate_create(cx, { certificate }) {
    checkDates(certificate);
    if (certificate.customer_id !== undefined) yield* activeLoyaltyAccount(cx.orgcode, certificate.customer_id);
    if (certificate.account_id !== undefined) yield* requireTarget(cx, 'account', certificate.account_id);
    const { jurisdiction, ...fields } = certificate;
    const row: CertificateRow = {
      ...EMPTY,
      ...fields,
      country: jurisdiction.country,
      region: jurisdiction.region ?? null,
      orgcode: cx.orgcode,
      certificate_id: cx.newId(),
      created_at: cx.stamp.now,
      updated_at: cx.stamp.now,
    };
    yield* insert(CERTIFICATE, row);
    return { data: show(cx, row), target_id: row.certificate_id, fields: Object.keys(certificate) };
  },

  *exemption_certificate_get(cx, input) {
    return show(cx, yield* requireCertificate(cx, input.certificate_id));
  },

  *exemption_certificate_list(cx, input) {
    const { customer_id, account_id } = input;
    if (customer_id !== undefined) yield* requireTarget(cx, 'customer', customer_id);
    if (account_id !== undefined) yield* requireTarget(cx, 'account', account_id);
    const { rows, next_token } = yield* pageOf(cx, CERTIFICATE, input, {
      endpoint: 'exemption/certificate/list',
      drive: equal({ customer_id, account_id }),
      passes: filterOf(cx, input),
    });
    return { items: rows.map((row) => show(cx, row)), next_token };
  },

  *exemption_certificate_status_set(cx, input) {
    const current = yield* requireCertificate(cx, input.certificate_id);
    requireRevision(input.expected_revision, current, (row) => show(cx, row));
    requireTransition('crm.certificate_transition', CERTIFICATE_TRANSITIONS, current.status, input.status);
    const next = yield* revise(CERTIFICATE, cx, current, { status: input.status });
    return {
      data: show(cx, next),
      target_id: next.certificate_id,
      revision_before: current.revision,
      fields: ['status'],
    };
  },
};

const EMPTY = {
  status: 'pending',
  revision: 1,
  customer_id: null,
  account_id: null,
  issued_on: null,
  effective_on: null,
  expires_on: null,
  document_ref: null,
  attributes: {},
} as const;

function* requireCertificate(cx: Context, id: string): Steps<CertificateRow> {
  const row = yield* find(CERTIFICATE, cx.orgcode, id);
  if (row === undefined) throw notFound();
  return row;
}

function show(cx: Context, { country, region, ...row }: CertificateRow): Certificate {
  return { ...row, status: certificateStatus(row, dateOf(cx.stamp.now)), jurisdiction: { country, region } };
}

function filterOf(cx: Context, { status, jurisdiction, expiring_before }: ListInput): Condition {
  const inJurisdiction = equal({ country: jurisdiction?.country, region: jurisdiction?.region });
  const expiring: Condition =
    expiring_before === undefined ? EVERY : { sql: ['t.expires_on < ?'], args: [expiring_before] };
  return both(both(inJurisdiction, expiring), statusFilter(status ?? 'all', dateOf(cx.stamp.now)));
}

const EVERY: Condition = { sql: [], args: [] };

/** `effectiveStatus` as an SQL condition. */
function statusFilter(status: NonNullable<ListInput['status']>, today: string): Condition {
  if (status === 'all') return EVERY;
  if (status === 'revoked') return equal({ status });
  if (status === 'expired') return { sql: [`t.status <> 'revoked'`, 't.expires_on < ?'], args: [today] };
  return both(equal({ status }), { sql: ['(t.expires_on IS NULL OR t.expires_on >= ?)'], args: [today] });
}
