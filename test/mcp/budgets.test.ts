/** Token budgets of the tool lists and the instructions, and the accuracy of the token estimate for tool results. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApplication } from '../../src/application.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { type Demo, ensureDemo } from '../../src/demo/demo.js';
import { customerAppOf } from '../../src/mcp/apps.js';
import { type ConfirmMode, withConfirmation } from '../../src/mcp/confirmation.js';
import { instructionsFor } from '../../src/mcp/instructions.js';
import { LEAN_TOOLS } from '../../src/mcp/lean-tools.js';
import type { Application } from '../../src/mcp/server.js';
import { type Selection, selectOperations } from '../../src/mcp/visibility.js';
import { openStore, type Store } from '../../src/store/store.js';
import { createCatalogue, toolName } from '../../src/tools/catalogue.js';
import { estimateTokens } from '../../src/tools/token-estimate.js';
import { TOKENIZERS } from '../support/tokenizers.js';
import { used } from '../support/tool-use.js';

const catalogueOf = (selection: Selection, mode: ConfirmMode = 'off') => {
  const catalogue = createCatalogue(selectOperations(CONTRACT, selection));
  const pipeline = { backend: {} } as never;
  const { operations } = CONTRACT;
  return withConfirmation({ catalogue, pipeline }, { mode, operations }).catalogue;
};
const listOf = (selection: Selection, mode?: ConfirmMode) =>
  catalogueOf(selection, mode).entries.map(({ tool }) => tool);
/** The list for a client that shows apps. */
const linkedListOf = (selection: Selection, mode?: ConfirmMode) =>
  customerAppOf(catalogueOf(selection, mode), false)?.link(listOf(selection, mode));

describe.each(Object.entries(TOKENIZERS))('token budgets counted with %s', (_name, count) => {
  test.each([
    ['every tool', { tools: listOf({}) }, 20_000],
    ['every tool, --confirm all', { tools: listOf({}, 'all') }, 20_000],
    ['every tool, --confirm all, links to the app', { tools: linkedListOf({}, 'all') }, 20_000],
    ['--toolsets loyalty,giftcard', { tools: listOf({ toolsets: ['loyalty', 'giftcard'] }) }, 6_000],
    ['the same, --confirm all', { tools: listOf({ toolsets: ['loyalty', 'giftcard'] }, 'all') }, 6_000],
    ['the same, links to the app', { tools: linkedListOf({ toolsets: ['loyalty', 'giftcard'] }, 'all') }, 6_000],
    ['--lean', { tools: LEAN_TOOLS }, 1_200],
  ])('%s stays within its budget', (_what, list, budget) => {
    expect(count(JSON.stringify(list))).toBeLessThanOrEqual(budget);
  });

  test('the instructions stay within 400 tokens', () => {
    for (const lean of [false, true])
      expect(count(instructionsFor({ ours: true, stat: true, lean }))).toBeLessThanOrEqual(400);
  });
});

test('a link to the app costs at most 40 tokens', () => {
  const [linked, plain] = [linkedListOf({}), listOf({})].map((list) => JSON.stringify(list));
  for (const count of Object.values(TOKENIZERS))
    expect(count(linked ?? '') - count(plain ?? '')).toBeLessThanOrEqual(2 * 40);
});

test('the tool list of a toolset is a subset of the full list, tool for tool', () => {
  const all = new Set(listOf({}).map((tool) => JSON.stringify(tool)));
  for (const { family } of CONTRACT.operations) {
    for (const tool of listOf({ toolsets: [family] })) expect(all).toContain(JSON.stringify(tool));
  }
});

describe('tool snapshots', () => {
  const tools = [...listOf({}), ...LEAN_TOOLS];
  test.each(tools.map((tool) => [tool.name, tool] as const))('%s equals its snapshot file', (name, tool) => {
    expect(JSON.parse(readFileSync(`test/snapshots/tools/${name}.json`, 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(tool)),
    );
  });
});

describe('the token estimate of a tool result', () => {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-crm-'));
  let store: Store;
  let demo: Demo;
  let application: Application;
  beforeAll(async () => {
    store = openStore({
      path: join(directory, 'crm.db'),
      roles: CONTRACT.roles,
      settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] },
      onBackgroundError: () => {},
    });
    demo = await ensureDemo(store, new Date());
    application = createApplication(store, pino({ level: 'silent' }), { answerTokens: 1_000_000 });
  });
  afterAll(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const reads = CONTRACT.operations.filter(({ effect }) => effect === 'read');

  test.each(reads.map((operation) => [toolName(operation), operation] as const))(
    'for %s on the demo data is never too low and at most a quarter too high',
    async (name, operation) => {
      const list = await used(application, 'crm_customer_list', { limit: 1 }, demo.headers);
      const ids = { CUSTOMER_ID: list.structured.data.items[0].customer_id };
      const args = JSON.parse(JSON.stringify(operation.examples[0]?.value ?? {}), (_, value) => {
        return (ids as Record<string, string>)[value] ?? value;
      });
      const limit = 'limit' in ((operation.inputSchema.properties ?? {}) as object) ? { limit: 256 } : {};
      const { text } = await used(application, name, { ...args, ...limit }, demo.headers);
      for (const count of Object.values(TOKENIZERS)) {
        expect(estimateTokens(text)).toBeGreaterThanOrEqual(count(text));
        expect(estimateTokens(text)).toBeLessThanOrEqual(Math.max(20, count(text) * 1.25));
      }
    },
  );

  const LANGUAGES: Record<string, string> = {
    English: 'The customer wants a refund for the late delivery of the gift card and a call after lunch.',
    German: 'Die Kundin wünscht eine Rückerstattung wegen der verspäteten Lieferung des Geschenkgutscheins.',
    French: 'La cliente a demandé un remboursement à cause du retard de livraison; elle préfère être appelée.',
    Turkish: 'Müşteri, hediye kartının geç teslim edilmesi nedeniyle para iadesi istiyor ve aranmayı bekliyor.',
    Polish: 'Klientka prosi o zwrot pieniędzy z powodu spóźnionej dostawy karty podarunkowej i o telefon.',
    Vietnamese: 'Khách hàng muốn được hoàn tiền vì thẻ quà tặng được giao muộn và mong được gọi lại sau giờ ăn trưa.',
    Russian: 'Клиентка просит вернуть деньги за просроченную доставку подарочной карты и перезвонить.',
    Greek: 'Ο πελάτης ζήτησε επιστροφή χρημάτων για την καθυστερημένη παράδοση της δωροκάρτας.',
    Arabic: 'طلبت العميلة استرداد المبلغ بسبب تأخر تسليم بطاقة الهدايا والاتصال بها بعد الظهر',
    Hebrew: 'הלקוחה ביקשה החזר כספי בגלל עיכוב באספקת כרטיס המתנה',
    Hindi: 'ग्राहक ने उपहार कार्ड की देर से डिलीवरी के कारण धनवापसी मांगी',
    Thai: 'ลูกค้าขอคืนเงินเนื่องจากการจัดส่งบัตรของขวัญล่าช้า',
    Chinese: '客户因礼品卡延迟交付要求退款，并希望午饭后回电，谢谢您的理解与支持。',
    Japanese: 'お客様はギフトカードの配達が遅れたため返金を求めており、昼食後に電話を希望しています。',
    Korean: '고객이 기프트 카드 배송 지연으로 환불을 요청했으며 점심 식사 후 전화를 원합니다.',
    emoji: '😀🎉👩‍👩‍👧‍👦❤️🇩🇪👍🏽 🚀',
    ids: '0192f0c1-0000-7000-8000-000000000001 01a2b3c4-d5e6-7f80-9a1b-2c3d4e5f6071',
  };

  const expectEstimateOfAtLeast = (text: string, share: number) => {
    const body = JSON.stringify({ body: Array.from({ length: 20 }, () => text).join(' ') });
    for (const count of Object.values(TOKENIZERS)) {
      expect(estimateTokens(body)).toBeGreaterThanOrEqual(count(body) * share);
    }
  };

  test.each(Object.entries(LANGUAGES))('is at most a fifth too low for %s', (_language, text) => {
    expectEstimateOfAtLeast(text, 0.8);
  });

  test('is at most a third too low for text in no natural language', () => {
    expectEstimateOfAtLeast(
      'ZjJhOTk0ZDc2YzA4YzE3YjFkZTBhM2Y1YmM4ODQ3MmU5YTY1eyJiZWZvcmUiOiIwMTkyZjBjMS0wMDAwLTcwMDAifQ',
      0.67,
    );
  });
});
