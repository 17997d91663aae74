/** Finds rows whose parent is gone: ledger rows without account or card, tags without customer, and so on. */
import type { Disagreement } from './engine/disagreement.js';
import { all, type Scalar, type Steps } from './engine/step.js';
import { RELATIONS, type Relation } from './relations.js';

const MOST = 100;

/** The missing parents of every relation, at most 100 of each: in one org, or in all that the engine shows. */
export function* verifyRelations(org?: string): Steps<readonly Disagreement[]> {
  const found: Disagreement[] = [];
  for (const relation of RELATIONS) {
    const { child, column, parent } = relation;
    const ofOrg = org === undefined || child === 'session' ? [] : [org];
    const sql = orphansSql(relation, ofOrg.length > 0);
    for (const { orgcode, id } of yield* all<{ orgcode: string | null; id: Scalar }>(sql, ...ofOrg)) {
      const computed = `there is no such ${parent}`;
      found.push({
        check: `${child}.${column}`,
        orgcode: orgcode ?? '',
        id: String(id),
        stored: 'refers to it',
        computed,
      });
    }
  }
  return found;
}

function orphansSql(
  { child, column, parent, parentColumn = column, among, acrossOrgs }: Relation,
  inOneOrg: boolean,
): string {
  const orgcode = child === 'session' ? 'NULL' : 'c.orgcode';
  const sameOrg = acrossOrgs ? '' : 'p.orgcode = c.orgcode AND ';
  return `SELECT DISTINCT ${orgcode} AS orgcode, c.${column} AS id FROM ${child} c
    WHERE ${inOneOrg ? 'c.orgcode = ? AND ' : ''}c.${column} IS NOT NULL AND ${among ?? '1 = 1'}
      AND NOT EXISTS (SELECT 1 FROM ${parent} p WHERE ${sameOrg}p.${parentColumn} = c.${column}) LIMIT ${MOST}`;
}
