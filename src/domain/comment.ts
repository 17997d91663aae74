/**
 * Comments: hashtags and size, who may change a comment, and where replies are allowed. Storage is in store/comment/.
 */
import { forbidden, invalidRequest, invalidState } from '../contract/errors.js';
import type { Transitions } from './lifecycle.js';

export type CommentStatus = 'active' | 'hidden' | 'doomed';

export const COMMENT_TRANSITIONS: Transitions<CommentStatus> = {
  active: ['hidden', 'doomed'],
  hidden: ['active', 'doomed'],
  doomed: [],
};

/** Maximum levels of a thread, including its first comment. */
export const MAX_THREAD_DEPTH = 8;

const MAX_HASHTAGS = 50;
const MAX_HASHTAG_LENGTH = 64;
/**
 * A word after #, unless the # follows a word, a URL or an HTML entity. Combining marks are included, because many
 * scripts write vowels with them.
 */
const HASHTAG = /(?<![\p{L}\p{M}\p{N}_&/#])#([\p{L}\p{M}\p{N}_]+)/gu;

interface CommentContent {
  readonly caption: string | null;
  readonly body: string;
  readonly attachments: readonly { readonly size_bytes: number }[];
}

interface ThreadPosition {
  readonly status: CommentStatus;
  readonly target_type: string;
  readonly target_id: string;
}

/** The distinct hashtags of a text, folded, in order of appearance; at most fifty. */
export function hashtagsIn(text: string): string[] {
  const words = Array.from(text.normalize('NFKC').matchAll(HASHTAG), (match) => foldHashtag(match[1] ?? ''));
  const short = words.filter((word) => [...word].length <= MAX_HASHTAG_LENGTH);
  return [...new Set(short)].slice(0, MAX_HASHTAGS);
}

/** The normalised form of a hashtag: no #, lower case, compatibility forms (full width, ligatures) resolved. */
export function foldHashtag(hashtag: string): string {
  return hashtag.normalize('NFKC').replace(/^#/, '').toLowerCase().normalize('NFKC');
}

/** The size of a comment in bytes: its caption and body in UTF-8, plus the declared sizes of its attachments. */
export function commentSize({ caption, body, attachments }: CommentContent): number {
  const text = Buffer.byteLength(caption ?? '') + Buffer.byteLength(body);
  return attachments.reduce((sum, { size_bytes }) => sum + size_bytes, text);
}

/** @throws CrmError 403 when `actor` did not write the comment. */
export function requireAuthor(comment: { readonly author: string }, actor: string): void {
  if (comment.author === actor) return;
  throw forbidden('Only its author may rewrite a comment.', undefined, [
    'Answer it with crm_comment instead: send this comment_id as parent_comment_id.',
  ]);
}

/** @throws CrmError 403 when `actor` is neither the author nor a moderator. */
export function requireAuthorOrModerator(
  comment: { readonly author: string },
  actor: string,
  moderates: boolean,
): void {
  if (moderates || comment.author === actor) return;
  throw forbidden('Only its author or a moderator may change the status of a comment.', undefined, [
    'Ask its author, or somebody who may moderate comments.',
  ]);
}

/** @throws CrmError 409 `crm.comment_not_active` when the comment is hidden or doomed. */
export function requireActiveComment({ status }: { readonly status: CommentStatus }): void {
  if (status === 'active') return;
  const nextSteps =
    status === 'hidden'
      ? ['Make it active with crm_comment_status, then repeat the call.']
      : ['Write a new comment with crm_comment instead.'];
  throw invalidState('crm.comment_not_active', `The comment is ${status}.`, { status }, nextSteps);
}

/** @throws CrmError 400 when the parent is on another record, 409 when the parent is doomed or the thread too deep. */
export function requireReplyable(
  parent: ThreadPosition,
  reply: Omit<ThreadPosition, 'status'>,
  parentDepth: number,
): void {
  if (parent.target_type !== reply.target_type || parent.target_id !== reply.target_id) {
    const expected = `target_type ${parent.target_type}, target_id ${parent.target_id}`;
    throw invalidRequest([{ path: 'comment.parent_comment_id', message: 'is on another record', expected }]);
  }
  if (parent.status === 'doomed') throw invalidState('crm.comment_doomed', 'A doomed comment cannot be answered.');
  if (parentDepth < MAX_THREAD_DEPTH) return;
  throw invalidState('crm.comment_thread_depth', 'The thread is too deep.', { max_depth: MAX_THREAD_DEPTH });
}
