/** Seeds the comments of org DEMO: notes and threads that its staff wrote about customers in the last weeks. */
import type { CallAt } from './seed.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const CARLA = 'user_guid:demo-carla';
const JONAS = 'user_guid:demo-jonas';

/** A note and its replies. */
interface Note {
  readonly by?: string;
  readonly caption?: string;
  readonly body: string;
  readonly attachments?: readonly object[];
  readonly replies?: readonly Note[];
}

const LETTER = { filename: 'letter.pdf', content_type: 'application/pdf', size_bytes: 184_320, record_id: 'mrs-1204' };
const PHOTO = { filename: 'grinder.jpg', content_type: 'image/jpeg', size_bytes: 2_411_724, record_id: 'mrs-1205' };

/** The first note is revised below, the second one hidden. */
const NOTES: readonly Note[] = [
  { by: CARLA, caption: 'Delivery', body: 'Leave parcels at number 14. #delivery' },
  { by: JONAS, body: 'Rude on the phone again, would rather not serve them.' },
  { body: 'Wants to hear of new single origins first. #coffee #callback' },
  {
    by: CARLA,
    caption: 'Grinder',
    body: 'The grinder squeals after two weeks, photo attached. #warranty #equipment',
    attachments: [PHOTO],
    replies: [
      {
        by: JONAS,
        body: 'Same batch as last month. Sending a new burr. #warranty',
        replies: [{ by: CARLA, body: 'Arrived and fitted, all quiet. #solved' }],
      },
      { body: 'Please add 200 goodwill points once it is solved. #goodwill' },
    ],
  },
  {
    by: JONAS,
    caption: 'Letter',
    body: 'Complains by post about the queue on Saturdays, scan attached. #complaint #queue',
    attachments: [LETTER],
    replies: [
      {
        body: 'Who answers? #callback',
        replies: [{ by: CARLA, body: 'I do, on Monday.', replies: [{ by: CARLA, body: 'Done, they were glad.' }] }],
      },
    ],
  },
  { by: CARLA, body: 'Prefers Spanish. Prefiere que le llamemos por la tarde. #español #callback' },
  { by: CARLA, body: 'Gift baskets for the whole office every December. #b2b #gifts' },
  { by: JONAS, body: 'Allergic to nuts: check the sweets before recommending. #allergy' },
  { body: 'Asked twice for a store in the north of town. #feedback' },
  { by: JONAS, body: 'Tea only, no coffee offers please. #tea #preferences' },
  { by: CARLA, body: 'Orders for a café around the corner: ask about an account. #café #b2b' },
  { by: JONAS, body: 'お抹茶の入荷を知らせてほしいとのこと。 #抹茶 #callback' },
  { body: 'Collects in store, never at home before six. #pickup' },
  { by: CARLA, body: 'Lost the loyalty card, looked up by phone number. #loyalty' },
  { by: JONAS, body: 'Came back after a year: say hello. #winback' },
  { by: CARLA, caption: 'Tasting', body: 'Signed up for the tasting with two guests. #event #tasting' },
  { by: JONAS, body: 'Returned a mug, unopened, with receipt. #returns' },
  { body: 'Birthday falls on a Sunday, the card must go out on Friday. #birthday' },
];

/** Writes every note, each about another customer, then revises the first note and hides the second. */
export async function seedComments(
  callAt: CallAt,
  now: number,
  customers: readonly string[],
  owner: string,
): Promise<void> {
  const comments: string[] = [];
  for (const [index, note] of NOTES.entries()) {
    const target = { target_type: 'customer', target_id: customers[index * 7] };
    comments.push(await writeThread(callAt, note, target, now - (NOTES.length - index) * DAY, owner));
  }
  const [parcels, rude] = comments;
  const revised = { comment_id: parcels, body: 'Leave parcels at number 41, not 14. #delivery', expected_revision: 1 };
  await callAt('comment_revise', revised, now - HOUR, CARLA);
  const hidden = { comment_id: rude, status: 'hidden', expected_revision: 1, reason: 'not how we write of customers' };
  await callAt('comment_status', hidden, now - HOUR, owner);
}

async function writeThread(callAt: CallAt, note: Note, target: object, at: number, owner: string): Promise<string> {
  const { by = owner, replies = [], ...content } = note;
  const { comment_id } = (await callAt('comment', { comment: { ...target, ...content } }, at, by)) as {
    comment_id: string;
  };
  for (const [index, reply] of replies.entries()) {
    await writeThread(callAt, reply, { ...target, parent_comment_id: comment_id }, at + (index + 1) * HOUR, owner);
  }
  return comment_id;
}
