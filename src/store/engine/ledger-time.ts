/** The time of a ledger: expiry is judged by it, and its entries carry it. */
import type { Context } from './handler.js';

/**
 * The call's own time, but never earlier than the newest entry of the ledger. The clocks of two servers, or of one
 * server before and after a correction, may differ; with this rule the entries of a ledger never run backwards, and
 * what has expired once stays expired.
 */
export function ledgerTime(cx: Pick<Context, 'stamp'>, owner: { readonly last_entry_at: string | null }): string {
  const { now } = cx.stamp;
  return owner.last_entry_at !== null && owner.last_entry_at > now ? owner.last_entry_at : now;
}
