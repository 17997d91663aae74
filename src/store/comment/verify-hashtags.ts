/** Compares the index of hashtags with the comments. */
import type { ReportDisagreement } from '../engine/disagreement.js';
import { missingRows } from '../engine/many-rows.js';
import { eachPage } from '../engine/ordered-rows.js';
import { one, type Steps } from '../engine/step.js';

const COMMENTS = 'SELECT comment_id, hashtags FROM comment c';
const COUNT = 'SELECT COUNT(*) AS entries FROM comment_hashtag WHERE orgcode = ?';

interface TaggedComment {
  readonly comment_id: string;
  readonly hashtags: string;
}

/** Checks that every comment is found by its hashtags, and that the index holds no more rows. */
export function* verifyHashtags(orgcode: string, report: ReportDisagreement): Steps<void> {
  let expected = 0;
  const query = { orgcode, select: COMMENTS, alias: 'c', key: ['comment_id'] };
  yield* eachPage<TaggedComment>(query, function* (rows) {
    const entries = rows.flatMap(({ comment_id, hashtags }) =>
      [...new Set(JSON.parse(hashtags) as string[])].map((hashtag) => [hashtag, comment_id]),
    );
    expected += entries.length;
    for (const no of yield* missingRows('comment_hashtag', ['hashtag', 'comment_id'], orgcode, entries))
      report('comment_hashtag', entries[no]?.[1] ?? '', 'missing', 'there');
  });
  report('comment_hashtag count', orgcode, (yield* one<{ entries: number }>(COUNT, orgcode))?.entries, expected);
}
