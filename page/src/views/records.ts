/** The records that views show, as the contract declares them. */
import type { components } from '../../../src/contract/generated/openapi.js';

type Schemas = components['schemas'];

export type Customer = Schemas['Customer'];
export type LedgerPage = Schemas['LoyaltyLedgerPage'];
export type LedgerEntry = Schemas['LoyaltyTxn'];
export type OpenLot = LedgerPage['open_lots'][number];
export type Hold = Schemas['CustomerHold'];
export type Flag = Schemas['CustomerFlag'];
export type Assessment = Schemas['CustomerFraudAssessment'];
export type Consents = Schemas['CustomerConsent'];
export type Comment = Schemas['Comment'];
export type Duplicate = Schemas['DuplicateCandidate'];
export type Certificate = Schemas['ExemptionCertificate'];
export type ReportSummary = Schemas['ReportSummary'];
export type InboxItem = Schemas['InboxItem'];

/** A change that a view offers: a tool, and the arguments that the view knows. */
export interface Action {
  readonly label: string;
  readonly tool: string;
  readonly args: { readonly [name: string]: unknown };
}
