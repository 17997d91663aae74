/** The table of all metrics: what /metrics and `verify` expose, and what docs/telemetry.md lists. */

export interface MetricRow {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Where the metric has values; default: on every server. */
  readonly only?: 'SQLite' | 'PostgreSQL' | 'gateway' | 'verify';
}

/** Upper bounds of durations in seconds: from 0.3 ms, which a read takes, to 10 s, a gateway's deadline. */
export const DURATION_BUCKETS = [
  0.0003, 0.0006, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

/** At most this many operations have a label of their own; the others share `other`. */
export const MAX_OPERATION_LABELS = 250;

export const METRICS = {
  calls: {
    name: 'g3n_crm_calls_total',
    type: 'counter',
    help: 'Calls and rejected requests, by operation, outcome (ok or the error tag) and transport.',
    labels: ['operation', 'outcome', 'transport'],
  },
  duration: {
    name: 'g3n_crm_call_duration_seconds',
    type: 'histogram',
    help: 'Time from the start of a call to its envelope, by operation.',
    labels: ['operation'],
  },
  replays: {
    name: 'g3n_crm_idempotent_replays_total',
    type: 'counter',
    help: 'Calls answered with the stored response to their idempotency key, by operation.',
    labels: ['operation'],
  },
  confirmations: {
    name: 'g3n_crm_confirmations_total',
    type: 'counter',
    help: 'Confirmations of calls: asked for, given or declined.',
    labels: ['decision'],
  },
  ready: {
    name: 'g3n_crm_ready',
    type: 'gauge',
    help: 'Whether the server accepts calls, as /readyz says: 1 or 0.',
    labels: [],
  },
  build: {
    name: 'g3n_crm_build_info',
    type: 'gauge',
    help: 'Always 1; the labels name the version and the backend (store or gateway).',
    labels: ['version', 'backend'],
  },
  connections: {
    name: 'g3n_crm_http_connections',
    type: 'gauge',
    help: 'Open HTTP connections.',
    labels: [],
  },
  sessions: {
    name: 'g3n_crm_mcp_sessions',
    type: 'gauge',
    help: 'Open MCP sessions, by transport (http or sse).',
    labels: ['transport'],
  },
  streams: {
    name: 'g3n_crm_mcp_streams',
    type: 'gauge',
    help: 'Streams on which the server can send messages on its own, by transport (http or sse).',
    labels: ['transport'],
  },
  queue: {
    name: 'g3n_crm_write_queue_length',
    type: 'gauge',
    help: 'Writes that wait for the next transaction.',
    labels: [],
    only: 'SQLite',
  },
  groups: {
    name: 'g3n_crm_write_group_size',
    type: 'histogram',
    help: 'Writes that one transaction commits together.',
    labels: [],
    only: 'SQLite',
  },
  pool: {
    name: 'g3n_crm_database_connections',
    type: 'gauge',
    help: 'Connections of the pool, by database and state (in_use or idle).',
    labels: ['database', 'state'],
    only: 'PostgreSQL',
  },
  poolMost: {
    name: 'g3n_crm_database_connections_max',
    type: 'gauge',
    help: 'The most connections that the pool may have (pool_size), by database.',
    labels: ['database'],
    only: 'PostgreSQL',
  },
  poolWaiting: {
    name: 'g3n_crm_database_connections_waiting',
    type: 'gauge',
    help: 'Calls that wait for a connection of the pool, by database.',
    labels: ['database'],
    only: 'PostgreSQL',
  },
  transactions: {
    name: 'g3n_crm_database_transactions_total',
    type: 'counter',
    help: 'Transactions, by database.',
    labels: ['database'],
    only: 'PostgreSQL',
  },
  databaseRetries: {
    name: 'g3n_crm_database_retries_total',
    type: 'counter',
    help: 'Transactions that ran again, by database and cause (conflict or connection).',
    labels: ['database', 'cause'],
    only: 'PostgreSQL',
  },
  unknownOutcomes: {
    name: 'g3n_crm_database_unknown_outcomes_total',
    type: 'counter',
    help: 'Writes of which the database did not say whether they were committed, by database.',
    labels: ['database'],
    only: 'PostgreSQL',
  },
  attempts: {
    name: 'g3n_crm_upstream_attempts_total',
    type: 'counter',
    help: 'Requests to the upstream, by end: answered, or the reason of the failure.',
    labels: ['end'],
    only: 'gateway',
  },
  retries: {
    name: 'g3n_crm_upstream_retries_total',
    type: 'counter',
    help: 'Requests that were sent to the upstream again.',
    labels: [],
    only: 'gateway',
  },
  breaker: {
    name: 'g3n_crm_upstream_breaker_open',
    type: 'gauge',
    help: 'Whether the circuit breaker holds calls back from the upstream: 1 or 0.',
    labels: [],
    only: 'gateway',
  },
  discrepancies: {
    name: 'g3n_crm_verify_discrepancies',
    type: 'gauge',
    help: 'Discrepancies that the last verify found (at most 1000 are listed).',
    labels: [],
    only: 'verify',
  },
  verified: {
    name: 'g3n_crm_verify_rows',
    type: 'gauge',
    help: 'Rows that the last verify checked, by table (loyalty, giftcard or credit ledger, journal, unsealed journal).',
    labels: ['table'],
    only: 'verify',
  },
  verifiedOrgs: {
    name: 'g3n_crm_verify_orgs',
    type: 'gauge',
    help: 'Orgs that the last verify checked.',
    labels: [],
    only: 'verify',
  },
  verifyEnd: {
    name: 'g3n_crm_verify_end_timestamp_seconds',
    type: 'gauge',
    help: 'When the last verify ended, in seconds since 1970.',
    labels: [],
    only: 'verify',
  },
  verifyDuration: {
    name: 'g3n_crm_verify_duration_seconds',
    type: 'gauge',
    help: 'How long the last verify took.',
    labels: [],
    only: 'verify',
  },
} as const satisfies { readonly [key: string]: MetricRow };
