/** Seeds the exemption certificates of org DEMO, in every status; some of them expire soon. */
import type { Input } from '../contract/backend.js';
import type { CallAt } from './seed.js';

const DAY = 86_400_000;

/** `recorded` and `expires` are days from now; a certificate without `expires` never expires. */
interface CertificatePlan {
  readonly type: string;
  readonly region?: string;
  readonly country?: string;
  readonly recorded: number;
  readonly expires?: number;
  readonly transitions: readonly (readonly [status: string, reason: string])[];
}

const APPROVED = [['active', 'document checked']] as const;

const CERTIFICATES: readonly CertificatePlan[] = [
  { type: 'resale', region: 'NY', recorded: -50, expires: 9, transitions: APPROVED },
  { type: 'resale', region: 'NY', recorded: -48, expires: 25, transitions: APPROVED },
  { type: 'nonprofit', region: 'IL', recorded: -45, expires: 58, transitions: APPROVED },
  { type: 'government', region: 'WA', recorded: -41, transitions: APPROVED },
  { type: 'resale', region: 'TX', recorded: -37, expires: 700, transitions: APPROVED },
  { type: 'agricultural', region: 'TX', recorded: -33, expires: 400, transitions: APPROVED },
  { type: 'nonprofit', region: 'MA', recorded: -30, expires: 900, transitions: APPROVED },
  { type: 'diplomatic', recorded: -27, expires: 1_100, transitions: APPROVED },
  {
    type: 'manufacturing',
    region: 'IL',
    recorded: -24,
    expires: 365,
    transitions: [...APPROVED, ['suspended', 'issuer asked for a new form']],
  },
  { type: 'resale', region: 'NY', recorded: -60, expires: -12, transitions: APPROVED },
  {
    type: 'other',
    region: 'ON',
    country: 'CA',
    recorded: -20,
    expires: 500,
    transitions: [...APPROVED, ['revoked', 'issuer says it was forged']],
  },
  { type: 'resale', region: 'WA', recorded: -2, expires: 1_460, transitions: [] },
];

/** Index of the demo customer who owns the first certificate; the owners of the others follow. */
const FIRST_CUSTOMER = 20;

/** Records the certificates and changes their status. Returns their ids. */
export async function seedExemptions(callAt: CallAt, now: number, customers: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const [index, plan] of CERTIFICATES.entries()) {
    ids.push(await seedCertificate(callAt, now, index, plan, customers[FIRST_CUSTOMER + index * 3] ?? ''));
  }
  return ids;
}

async function seedCertificate(callAt: CallAt, now: number, index: number, plan: CertificatePlan, customer_id: string) {
  const recorded = now + plan.recorded * DAY;
  const certificate = certificateFields(now, index, plan, customer_id);
  const created = await callAt(
    'exemption_certificate_create',
    { certificate, reason: 'handed in at the till' },
    recorded,
  );
  const { certificate_id } = created as { certificate_id: string };
  for (const [step, [status, reason]] of plan.transitions.entries()) {
    const transition = { certificate_id, status, expected_revision: step + 1, reason, reason_code: 'TAX.REVIEW' };
    await callAt('exemption_certificate_status_set', transition, recorded + (step + 1) * DAY);
  }
  return certificate_id;
}

function certificateFields(now: number, index: number, plan: CertificatePlan, customer_id: string): Input {
  const { type, region, country = 'US', recorded, expires } = plan;
  const number = String(40_100 + index * 37);
  return {
    customer_id,
    certificate_number: `${region ?? country}-${type.slice(0, 3).toUpperCase()}-${number}`,
    jurisdiction: { country, ...(region === undefined ? {} : { region }) },
    exemption_type: type,
    issued_on: dayOf(now + (recorded - 30) * DAY),
    effective_on: dayOf(now + recorded * DAY),
    ...(expires === undefined ? {} : { expires_on: dayOf(now + expires * DAY) }),
    document_ref: `scan-${number}`,
  };
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
