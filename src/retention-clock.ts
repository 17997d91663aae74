/** The clock by which idempotency records and counted failures are forgotten. */

/** A step forward beyond this is no drift. */
const TOLERANCE_MS = 1000;
/** A step forward counts when it has lasted so long; until then it may be a mistake that is corrected again. */
const CONFIRMED_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * Follows `clock` (milliseconds since the epoch), but not at once when it jumps forward: a wrong clock must not make
 * us forget the record of a payment that is about to be repeated. A jump counts once it has lasted for a day.
 * @param monotonic milliseconds, never stepped
 */
export function createRetentionClock(clock: () => number, monotonic: () => number): () => number {
  let anchor = { wall: clock(), steady: monotonic() };
  let aheadSince: number | undefined;
  return () => {
    const [wall, steady] = [clock(), monotonic()];
    const expected = anchor.wall + (steady - anchor.steady);
    if (wall > expected + TOLERANCE_MS) {
      aheadSince ??= steady;
      if (steady - aheadSince < CONFIRMED_AFTER_MS) return expected;
    }
    anchor = { wall, steady };
    aheadSince = undefined;
    return wall;
  };
}
