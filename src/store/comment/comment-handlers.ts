/** Handlers for comments: notes on any record, in threads. The rules are in domain/comment.ts. */
import {
  COMMENT_TRANSITIONS,
  commentSize,
  hashtagsIn,
  requireActiveComment,
  requireAuthor,
  requireAuthorOrModerator,
} from '../../domain/comment.js';
import { requireTransition } from '../../domain/lifecycle.js';
import type { Handlers } from '../engine/handler.js';
import { insert, requireRevision, revise } from '../engine/table.js';
import { requireTarget } from './comment-targets.js';
import { addToTotals } from './comment-totals.js';
import {
  COMMENT,
  type CommentRow,
  listComments,
  reportComments,
  requireComment,
  requireParent,
  saveText,
  textsOf,
} from './comments.js';

export const comment: Handlers<'comment'> = {
  *comment(cx, input) {
    const { target_type, target_id, parent_comment_id = null, caption = null, body, attachments = [] } = input.comment;
    yield* requireTarget(cx, target_type, target_id);
    if (parent_comment_id !== null) yield* requireParent(cx, parent_comment_id, { target_type, target_id });
    const row: CommentRow = {
      orgcode: cx.orgcode,
      comment_id: cx.newId(),
      target_type,
      target_id,
      parent_comment_id,
      status: 'active',
      revision: 1,
      ...contentOf(caption, body, attachments),
      author: cx.caller.actor,
      created_at: cx.stamp.now,
      updated_at: cx.stamp.now,
    };
    yield* insert(COMMENT, row);
    yield* saveText(cx, row);
    yield* addToTotals(cx.orgcode, target_type, target_id, { comments: 1, bytes: row.size_bytes });
    return { data: row, target_id: row.comment_id, fields: Object.keys(input.comment) };
  },

  *comment_get(cx, input) {
    const row = yield* requireComment(cx, input.comment_id);
    return { ...row, revisions: yield* textsOf(row) };
  },

  *comment_list(cx, input) {
    const { rows, next_token } = yield* listComments(cx, input);
    return { items: [...rows], next_token };
  },

  *comment_revise(cx, input) {
    const current = yield* requireComment(cx, input.comment_id);
    requireAuthor(current, cx.caller.actor);
    requireRevision(input.expected_revision, current, (row) => row);
    requireActiveComment(current);
    const { caption = current.caption, body = current.body } = input;
    const next = yield* revise(COMMENT, cx, current, contentOf(caption, body, current.attachments));
    yield* saveText(cx, next, current);
    const bytes = next.size_bytes - current.size_bytes;
    yield* addToTotals(cx.orgcode, next.target_type, next.target_id, { comments: 0, bytes });
    return {
      data: next,
      target_id: next.comment_id,
      revision_before: current.revision,
      fields: ['caption', 'body'].filter((field) => field in input),
    };
  },

  *comment_status(cx, input) {
    const current = yield* requireComment(cx, input.comment_id);
    requireAuthorOrModerator(current, cx.caller.actor, cx.permits('moderate'));
    requireRevision(input.expected_revision, current, (row) => row);
    requireTransition('crm.comment_transition', COMMENT_TRANSITIONS, current.status, input.status);
    const next = yield* revise(COMMENT, cx, current, { status: input.status });
    if (next.status === 'doomed') {
      yield* addToTotals(cx.orgcode, next.target_type, next.target_id, { comments: -1, bytes: -next.size_bytes });
    }
    return { data: next, target_id: next.comment_id, revision_before: current.revision, fields: ['status'] };
  },

  *comment_report(cx, input) {
    return yield* reportComments(cx, input);
  },
};

/** The content of a comment, with the hashtags and the size computed from it. */
function contentOf(caption: string | null, body: string, attachments: CommentRow['attachments']) {
  return {
    caption,
    body,
    attachments,
    hashtags: hashtagsIn(body),
    size_bytes: commentSize({ caption, body, attachments }),
  };
}
