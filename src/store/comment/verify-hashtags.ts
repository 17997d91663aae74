/** Compares the index of hashtags with the comments. */
import type { ReportDisagreement } from '../engine/disagreement.js';
import { all, one, type Steps } from '../engine/step.js';

const BATCH = 500;
const COMMENTS = `SELECT comment_id, hashtags FROM comment
  WHERE orgcode = ? AND comment_id > ? ORDER BY comment_id LIMIT ${BATCH}`;
const FIND = 'SELECT 1 AS found FROM comment_hashtag WHERE orgcode = ? AND hashtag = ? AND comment_id = ?';
const COUNT = 'SELECT COUNT(*) AS entries FROM comment_hashtag WHERE orgcode = ?';

/** Checks that every comment is found by its hashtags, and that the index holds no more rows. */
export function* verifyHashtags(orgcode: string, report: ReportDisagreement): Steps<void> {
  let expected = 0;
  let after = '';
  for (;;) {
    const rows = yield* all<{ comment_id: string; hashtags: string }>(COMMENTS, orgcode, after);
    for (const { comment_id, hashtags } of rows) {
      for (const hashtag of new Set(JSON.parse(hashtags) as string[])) {
        expected += 1;
        const found = yield* one(FIND, orgcode, hashtag, comment_id);
        report('comment_hashtag', comment_id, found === undefined ? 'missing' : 'there', 'there');
      }
    }
    const last = rows.at(-1);
    if (last === undefined) break;
    after = last.comment_id;
  }
  report('comment_hashtag count', orgcode, (yield* one<{ entries: number }>(COUNT, orgcode))?.entries, expected);
}
