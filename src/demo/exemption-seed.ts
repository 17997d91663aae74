/** Who buys without tax in org DEMO: certificates of every status, some of which run out soon. */
import type { Input } from '../contract/backend.js';
import type { DemoCalls } from './seed.js';

const DAY = 86_400_000;

/** Days are counted from now; a certificate without `expires` is good for ever. */
interface Plot {
  readonly type: string;
  readonly region?: string;
  readonly country?: string;
  readonly recorded: number;
  readonly expires?: number;
  readonly moves: readonly (readonly [status: string, reason: string])[];
}

const APPROVED = [['active', 'document checked']] as const;

const PLOTS: readonly Plot[] = [
  { type: 'resale', region: 'NY', recorded: -50, expires: 9, moves: APPROVED },
  { type: 'resale', region: 'NY', recorded: -48, expires: 25, moves: APPROVED },
  { type: 'nonprofit', region: 'IL', recorded: -45, expires: 58, moves: APPROVED },
  { type: 'government', region: 'WA', recorded: -41, moves: APPROVED },
  { type: 'resale', region: 'TX', recorded: -37, expires: 700, moves: APPROVED },
  { type: 'agricultural', region: 'TX', recorded: -33, expires: 400, moves: APPROVED },
  { type: 'nonprofit', region: 'MA', recorded: -30, expires: 900, moves: APPROVED },
  { type: 'diplomatic', recorded: -27, expires: 1_100, moves: APPROVED },
  {
    type: 'manufacturing',
    region: 'IL',
    recorded: -24,
    expires: 365,
    moves: [...APPROVED, ['suspended', 'issuer asked for a new form']],
  },
  { type: 'resale', region: 'NY', recorded: -60, expires: -12, moves: APPROVED },
  {
    type: 'other',
    region: 'ON',
    country: 'CA',
    recorded: -20,
    expires: 500,
    moves: [...APPROVED, ['revoked', 'issuer says it was forged']],
  },
  { type: 'resale', region: 'WA', recorded: -2, expires: 1_460, moves: [] },
];

/** The first certificate's owner is this demo customer, the others' follow. */
const FIRST_CUSTOMER = 20;

/** Records the certificates and moves them on; answers their ids. */
export async function seedExemptions(play: DemoCalls, now: number, customers: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const [index, plot] of PLOTS.entries()) {
    ids.push(await certificateLife(play, now, index, plot, customers[FIRST_CUSTOMER + index * 3] ?? ''));
  }
  return ids;
}

async function certificateLife(play: DemoCalls, now: number, index: number, plot: Plot, customer_id: string) {
  const recorded = now + plot.recorded * DAY;
  const certificate = describe(now, index, plot, customer_id);
  const made = await play('exemption_certificate_create', { certificate, reason: 'handed in at the till' }, recorded);
  const { certificate_id } = made as { certificate_id: string };
  for (const [step, [status, reason]] of plot.moves.entries()) {
    const move = { certificate_id, status, expected_revision: step + 1, reason, reason_code: 'TAX.REVIEW' };
    await play('exemption_certificate_status_set', move, recorded + (step + 1) * DAY);
  }
  return certificate_id;
}

function describe(now: number, index: number, plot: Plot, customer_id: string): Input {
  const { type, region, country = 'US', recorded, expires } = plot;
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
