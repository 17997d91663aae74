/** Errors of comments and inbox items. */
import { type ErrorCase, reason, type Scene } from './case.js';

async function target(scene: Scene) {
  return { target_type: 'customer', target_id: await scene.customer() };
}

async function comment(scene: Scene, fields: object) {
  return (await scene.act('crm_comment', { comment: { body: 'Seen', ...fields } })).comment_id as string;
}

const setComment = (comment_id: string, status: string, expected_revision: number) => ({
  tool: 'crm_comment_status',
  args: { comment_id, status, expected_revision, reason },
});

/** A comment with this status. */
async function ended(scene: Scene, status: string, fields?: object) {
  const comment_id = await comment(scene, fields ?? (await target(scene)));
  const { tool, args } = setComment(comment_id, status, 1);
  await scene.act(tool, args);
  return comment_id;
}

async function inbox(scene: Scene) {
  return (await scene.act('crm_inbox_create', { inbox: { caption: 'Stocktake', team_guid: 'team' } }))
    .inbox_id as string;
}

const setInbox = (inbox_id: string, status: string, expected_revision: number) => ({
  tool: 'crm_inbox_status',
  args: { inbox_id, status, expected_revision, reason },
});

const setState = (inbox_id: string, state: string, expected_revision: number) => ({
  tool: 'crm_inbox_state',
  args: { inbox_id, state, expected_revision },
});

async function doomedItem(scene: Scene) {
  const inbox_id = await inbox(scene);
  const { tool, args } = setInbox(inbox_id, 'doomed', 1);
  await scene.act(tool, args);
  return inbox_id;
}

async function inState(scene: Scene, state: string) {
  const inbox_id = await inbox(scene);
  const { tool, args } = setState(inbox_id, state, 1);
  await scene.act(tool, args);
  return inbox_id;
}

export const NOTES: readonly ErrorCase[] = [
  {
    code: 'crm.comment_not_active',
    which: 'but hidden',
    call: async (scene) => {
      const args = { comment_id: await ended(scene, 'hidden'), body: 'Seen twice', expected_revision: 2 };
      return { tool: 'crm_comment_revise', args };
    },
    follow: async (told) => {
      const { comment_id, expected_revision } = told.call.args;
      await told.tool('crm_comment_status', { comment_id, status: 'active', expected_revision, reason });
      const stale = await told.againFails('crm.conflict_revision');
      return stale.again({ expected_revision: stale.snapshot().revision });
    },
  },
  {
    code: 'crm.comment_not_active',
    which: 'but doomed',
    call: async (scene) => {
      const args = { comment_id: await ended(scene, 'doomed'), body: 'Seen twice', expected_revision: 2 };
      return { tool: 'crm_comment_revise', args };
    },
    follow: async (told) => {
      const { comment_id, body } = told.call.args;
      const { target_type, target_id } = await told.read('crm_comment_get', { comment_id });
      return told.tool('crm_comment', { comment: { target_type, target_id, body } });
    },
  },
  {
    code: 'crm.comment_doomed',
    call: async (scene) => {
      const on = await target(scene);
      const parent_comment_id = await ended(scene, 'doomed', on);
      return { tool: 'crm_comment', args: { comment: { ...on, parent_comment_id, body: 'Me too' } } };
    },
    follow: (told) => {
      const { parent_comment_id: _, ...comment } = told.call.args.comment;
      return told.again({ comment });
    },
  },
  {
    code: 'crm.comment_thread_depth',
    call: async (scene) => {
      const on = await target(scene);
      let parent_comment_id = await comment(scene, on);
      for (let depth = 0; depth < 8; depth += 1) {
        const answer = { ...on, parent_comment_id, body: 'Me too' };
        const last = await comment(scene, answer).catch(() => undefined);
        if (last === undefined) break;
        parent_comment_id = last;
      }
      return { tool: 'crm_comment', args: { comment: { ...on, parent_comment_id, body: 'Me too' } } };
    },
    follow: async (told) => {
      const { parent_comment_id: comment_id, ...comment } = told.call.args.comment;
      const { parent_comment_id } = await told.tool('crm_comment_get', { comment_id });
      return told.again({ comment: { ...comment, parent_comment_id } });
    },
  },
  {
    code: 'crm.comment_transition',
    call: async (scene) => setComment(await comment(scene, await target(scene)), 'active', 1),
    follow: (told) => told.again({ status: told.detail('allowed')[0] }),
  },
  {
    code: 'crm.comment_transition',
    which: 'from a final state',
    call: async (scene) => setComment(await ended(scene, 'doomed'), 'active', 2),
  },
  {
    code: 'crm.inbox_transition',
    call: async (scene) => setInbox(await inbox(scene), 'open', 1),
    follow: (told) => told.again({ status: told.detail('allowed')[0] }),
  },
  {
    code: 'crm.inbox_transition',
    which: 'from a final state',
    call: async (scene) => setInbox(await doomedItem(scene), 'open', 2),
  },
  {
    code: 'crm.inbox_state_transition',
    call: async (scene) => setState(await inState(scene, 'read'), 'unread', 2),
    follow: (told) => told.again({ state: told.detail('allowed')[0] }),
  },
  {
    code: 'crm.inbox_state_transition',
    which: 'from a final state',
    call: async (scene) => setState(await inState(scene, 'acknowledged'), 'read', 2),
  },
  {
    code: 'crm.inbox_doomed',
    call: async (scene) => setState(await doomedItem(scene), 'read', 2),
    follow: (told) => told.tool('crm_inbox_create', { inbox: { caption: 'Stocktake', team_guid: 'team' } }),
  },
];
