/** Comments on a record, with their answers below them. */
import { el } from '../dom.js';
import { actionBar, emptyNote, factLine, type ViewActions } from './card.js';
import type { Action, Comment } from './records.js';
import { actorText, datedNode, dayNode } from './words.js';

/** The threads, newest first. An answer whose comment is not among them stands on its own. */
export function commentThreads(customerId: string, comments: readonly Comment[], on?: ViewActions): HTMLElement {
  const known = new Set(comments.map(({ comment_id }) => comment_id));
  const tops = comments.filter(({ parent_comment_id: parent }) => parent === null || !known.has(parent));
  const target = { target_type: 'customer', target_id: customerId };
  const add: Action = { label: 'Add a comment …', tool: 'crm_comment', args: { comment: target } };
  const list = tops.length === 0 ? emptyNote('No comments.') : threadsOf(tops, comments, target, on);
  return el('div', { class: 'cards' }, list, ...actionBar([add], on));
}

function threadsOf(
  tops: readonly Comment[],
  all: readonly Comment[],
  target: object,
  on: ViewActions | undefined,
): HTMLElement {
  const items = tops.map((comment) => {
    const answers = all.filter(({ parent_comment_id: parent }) => parent === comment.comment_id).reverse();
    const below = answers.length === 0 ? [] : [threadsOf(answers, all, target, on)];
    return el('li', {}, ...partsOf(comment, target, on), ...below);
  });
  return el('ul', { class: 'records', role: 'list' }, ...items);
}

function partsOf(comment: Comment, target: object, on: ViewActions | undefined): readonly Node[] {
  const { comment_id, revision, caption, body, author, created_at, updated_at, attachments } = comment;
  const files = attachments.map(({ filename }) => filename).join(', ');
  const answer = { comment: { ...target, parent_comment_id: comment_id } };
  const hide = { comment_id, status: 'hidden', expected_revision: revision };
  return [
    ...(caption === null ? [] : [el('strong', { class: 'free-text' }, caption)]),
    el('p', { class: 'free-text' }, body),
    ...(files === '' ? [] : [el('p', { class: 'hint free-text' }, `Attached: ${files}`)]),
    factLine(
      actorText(author),
      dayNode(created_at),
      ...(updated_at === created_at ? [] : [datedNode('changed', updated_at)]),
    ),
    ...actionBar(
      [
        { label: 'Answer …', tool: 'crm_comment', args: answer },
        { label: 'Hide …', tool: 'crm_comment_status', args: hide },
      ],
      on,
      true,
    ),
  ];
}
