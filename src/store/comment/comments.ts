/** The rows of comments: the table, hashtags, earlier texts, and the pages and the report that read them. */
import { invalidRequest, notFound } from '../../contract/errors.js';
import type { components } from '../../contract/generated/openapi.js';
import { foldHashtag, requireReplyable } from '../../domain/comment.js';
import { type Condition, equal } from '../engine/condition.js';
import type { Context, InputOf } from '../engine/handler.js';
import { type Page, pageOf } from '../engine/page.js';
import { all, run, type Steps } from '../engine/step.js';
import { defineTable, find } from '../engine/table.js';
import { requireTarget, type TargetType } from './comment-targets.js';
import { totalsOf } from './comment-totals.js';

export type Comment = components['schemas']['Comment'];
export type CommentRow = Omit<Comment, 'revisions'>;
type Revision = components['schemas']['CommentRevision'];
type Report = components['schemas']['CommentReport'];
type ListInput = InputOf<'comment_list'>;
type Scope = { readonly target_type?: TargetType; readonly target_id?: string };

export const COMMENT = defineTable<CommentRow>({
  name: 'comment',
  id: 'comment_id',
  columns: [
    'orgcode',
    'comment_id',
    'target_type',
    'target_id',
    'parent_comment_id',
    'status',
    'revision',
    'caption',
    'body',
    'hashtags',
    'attachments',
    'author',
    'size_bytes',
    'created_at',
    'updated_at',
  ],
  json: ['hashtags', 'attachments'],
});

const ADD_HASHTAG = 'INSERT INTO comment_hashtag (orgcode, hashtag, comment_id) VALUES (?, ?, ?)';
const REMOVE_HASHTAG = 'DELETE FROM comment_hashtag WHERE orgcode = ? AND hashtag = ? AND comment_id = ?';
const ADD_TEXT = `INSERT INTO comment_revision (orgcode, comment_id, revision, caption, body, actor, revised_at)
  VALUES (?, ?, ?, ?, ?, ?, ?)`;
const TEXTS = `SELECT revision, caption, body, actor, revised_at FROM comment_revision
  WHERE orgcode = ? AND comment_id = ? ORDER BY revision DESC LIMIT 100`;
const REPORTED = 'comment_id, target_type, target_id, caption, author, size_bytes, status, created_at';

/** @throws CrmError 404 when the org has no such comment. */
export function* requireComment(cx: Context, id: string): Steps<CommentRow> {
  const row = yield* find(COMMENT, cx.orgcode, id);
  if (row === undefined) throw notFound();
  return row;
}

/** @throws CrmError 404, or an error of `requireReplyable` about the parent. */
export function* requireParent(cx: Context, id: string, reply: Required<Scope>): Steps<void> {
  const parent = yield* requireComment(cx, id);
  let depth = 1;
  for (let row = parent; row.parent_comment_id !== null; depth += 1) {
    row = yield* requireComment(cx, row.parent_comment_id);
  }
  requireReplyable(parent, reply, depth);
}

/** Stores the present text, and the hashtags it is found by. `before` is the row that it replaces. */
export function* saveText(cx: Context, row: CommentRow, before?: CommentRow): Steps<void> {
  const { orgcode, comment_id, revision, caption, body, updated_at } = row;
  yield* run(ADD_TEXT, orgcode, comment_id, revision, caption, body, cx.caller.actor, updated_at);
  const had = new Set(before?.hashtags);
  const has = new Set(row.hashtags);
  for (const hashtag of had) if (!has.has(hashtag)) yield* run(REMOVE_HASHTAG, orgcode, hashtag, comment_id);
  for (const hashtag of has) if (!had.has(hashtag)) yield* run(ADD_HASHTAG, orgcode, hashtag, comment_id);
}

/** All texts of a comment, the current one first. */
export function* textsOf(row: CommentRow): Steps<Revision[]> {
  return [...(yield* all<Revision>(TEXTS, row.orgcode, row.comment_id))];
}

/** A page of comments by filter. @throws CrmError 404 when the requested target does not exist. */
export function* listComments(cx: Context, input: ListInput): Steps<Page<CommentRow>> {
  yield* requireScope(cx, input);
  const { target_type, target_id, author, status = 'active' } = input;
  const passes = equal({ target_type, target_id, author, status: status === 'all' ? undefined : status });
  return yield* pageOf(cx, COMMENT, input, { endpoint: 'comment/list', ...leadOf(input), passes });
}

/** The largest comments of a scope, and its totals. @throws CrmError 404 when the requested target does not exist. */
export function* reportComments(cx: Context, input: InputOf<'comment_report'>): Steps<Report> {
  yield* requireScope(cx, input);
  const { target_type, target_id, top_n = 10 } = input;
  const scope = Object.entries({ orgcode: cx.orgcode, target_type, target_id }).flatMap(([column, value]) =>
    value === undefined ? [] : [{ column, value }],
  );
  const sql = `SELECT ${REPORTED} FROM comment
    WHERE ${scope.map(({ column }) => `${column} = ?`).join(' AND ')} AND size_bytes > 0 AND status <> 'doomed'
    ORDER BY size_bytes DESC, comment_id DESC LIMIT ?`;
  const items = yield* all<Report['items'][number]>(sql, ...scope.map(({ value }) => value), top_n);
  const { comments, bytes } = yield* totalsOf(cx.orgcode, target_type, target_id);
  return { items: [...items], total_comments: comments, total_bytes: bytes };
}

/** The index to read first: that of the narrowest of the given filters. */
function leadOf({ hashtag, target_type, target_id, author, status }: ListInput) {
  if (hashtag !== undefined) {
    return { side: { table: 'comment_hashtag', column: 'hashtag', value: foldHashtag(hashtag) } };
  }
  if (target_id !== undefined) return { drive: equal({ target_type, target_id }) };
  if (author !== undefined) return { drive: equal({ author }) };
  if (status === 'hidden' || status === 'doomed') return { drive: inactive(status) };
  return target_type === undefined ? {} : { drive: equal({ target_type }) };
}

/** The index over inactive comments is small; the first condition lets the planner use it. */
function inactive(status: string): Condition {
  return { sql: ["t.status <> 'active'", 't.status = ?'], args: [status] };
}

function* requireScope(cx: Context, { target_type, target_id }: Scope): Steps<void> {
  if (target_id === undefined) return;
  if (target_type === undefined) throw invalidRequest([{ path: 'target_type', message: 'is required with target_id' }]);
  yield* requireTarget(cx, target_type, target_id);
}
