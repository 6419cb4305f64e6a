// The merchant's story on a phone in Chinese and at a desk in English, and every page of the console looked at by axe-core.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, person } from '../support/chromium.js';
import { Console, PASSWORD } from '../support/console.js';
import { eventually } from '../support/eventually.js';
import { Site } from '../support/site.js';
import { Yinke } from '../support/yinke.js';

/** What the pages say, in both languages. */
const WORDS = {
  zh: {
    rules: '点击对整个店铺有效', by_hand: '由商家手动结算', cancelled: '已取消推广', dead: '失效', gone: '当前页面已过期',
    applicant: '待审核', approved: '已通过', held: '归 阿梅 所有', settled: '已结算', topped_up: '这笔充值已在账上', to_settle: '您手动结算',
    everywhere: '所有节点（1 个）都已更新',
  },
  en: {
    rules: 'A click counts for everything of the shop', by_hand: 'The merchant settles by hand', cancelled: 'The promotion is cancelled',
    dead: 'Dead', gone: 'This page has expired', applicant: 'Pending', approved: 'Approved', held: 'Held by 阿梅', settled: 'settled',
    topped_up: 'The top-up is on the books', to_settle: 'You', everywhere: 'Up to date everywhere (1)',
  },
};
const PEOPLE = [['shop', 'merchant', 'm'], ['mei', 'promoter', 'mei'], ['stars', 'agency', 'stars'], ['boss', 'operator', undefined]];

let yinke, browser, shop, link;

before(async () => {
  const started = await Promise.allSettled([
    Yinke.start().then((it) => { yinke = it; }),
    launch().then((it) => { browser = it; }),
    Site.start('shop.example').then((it) => { shop = it; }),
  ]);
  for (const { status, reason } of started) if (status === 'rejected') throw reason;
  const destination = shop.put('/cup', '<h1>保温杯</h1>');
  await yinke.catalogue(destination);
  const made = async (method, target, body) => {
    const answer = await yinke.api(method, target, body);
    assert.ok(answer.status < 300, `${target}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  await made('PUT', '/v1/promoters/mei', { name: '阿梅', agency: 'stars' });
  // Settled by hand, and final a second after the order.
  await made('PUT', '/v1/programmes/hand', {
    merchant: 'm', name: '手动', preset: 'youzan_permanent',
    policy: {
      settlement: { mode: 'manual' },
      attribution: { late_click_grace: '1s', edge_hold: '1s', require_badge: false },
      commission: { rates: [{ bp: 1000, effective: { from: 0 } }], plan_precedence: ['general', 'approved_targeted'] },
    },
  });
  await made('PUT', '/v1/products/pot', { merchant: 'm', title: '茶壶', url: shop.put('/pot', '<h1>茶壶</h1>'), price_fen: 20_000 });
  const placement = await made('POST', '/v1/promoters/mei/placements', { programme: 'hand' });
  link = (await made('POST', '/v1/links', { placement: placement.id, product: 'pot' })).code;
  await made('POST', '/v1/plans', { id: 'gold', programme: 'hand', name: '金牌', approval: 'manual', rates: [{ shop: 'm', bp: 2000 }] });
  await made('PUT', '/v1/products/pot/skus', { sku: 'red', price_fen: 20_000, stock: 300 });
  await made('PUT', '/v1/categories/tea', { name: '茶叶' });
  for (const [login, role, subject] of PEOPLE) {
    await made('POST', '/v1/accounts', { login, password: PASSWORD, role, subject });
  }
  await eventually('the edge knows the link', async () => (await fetch(`${yinke.edge}/${link}+`)).status === 200);
});

after(async () => {
  await Promise.all([browser?.close(), shop?.stop()]);
  await yinke?.stop();
});

/** A buyer taps the link, orders and gets the goods. */
async function buys(buyer, order) {
  const context = await person(browser);
  const page = await context.newPage();
  await page.goto(`${yinke.edge}/${link}`);
  const token = new URL(page.url()).searchParams.get('yk_click');
  assert.ok(token, `no click token in ${page.url()}`);
  await context.close();
  const of = { platform: '1688', order };
  const at = () => new Date().toISOString();
  const lines = [{ line: '1', product: 'pot', amount_fen: 20_000 }];
  const answer = await yinke.api('POST', '/v1/orders/events', {
    events: [
      { type: 'created', ...of, at: at(), merchant: 'm', buyer, click_tokens: [token], lines },
      { type: 'paid', ...of, at: at() },
      { type: 'shipped', ...of, at: at() },
      { type: 'completed', ...of, at: at() },
    ],
  });
  assert.equal(answer.body.accepted, 4, JSON.stringify(answer.body));
}

for (const [screen, lang] of [['phone', 'zh'], ['desk', 'en']]) {
  test(`the merchant's story, ${screen}, ${lang}`, async () => {
    const words = WORDS[lang];
    const merchant = await Console.signIn(browser, yinke, 'shop', { screen, lang, script: screen === 'desk' });
    await merchant.open('/merchant/programmes/hand');
    await merchant.says(words.rules, words.by_hand);
    await merchant.picture('merchant-programme');

    // A product is withdrawn: the edge says so to whoever taps its link; then it goes on.
    await merchant.open('/merchant/products/pot');
    await merchant.send('/merchant/products/pot/cancel-promotion');
    await merchant.says(words.cancelled, words.dead);
    await eventually('the merchant reads that it has stopped everywhere', async () => {
      await merchant.open('/merchant/products/pot');
      return (await merchant.text()).includes(words.everywhere);
    });
    const buyer = await (await browser.newContext({ locale: lang === 'zh' ? 'zh-CN' : 'en-GB' })).newPage();
    await eventually('the link is dead at the edge', async () => (await buyer.goto(`${yinke.edge}/${link}`)).status() === 410);
    assert.ok((await buyer.textContent('body')).includes(words.gone), await buyer.textContent('body'));
    await buyer.context().close();
    await merchant.send('/merchant/products/pot/promote');
    await eventually('the link leads on again', async () => {
      const answer = await fetch(`${yinke.edge}/${link}`, { redirect: 'manual' });
      return answer.status === 302;
    });

    // A promoter applies and is approved.
    const promoter = await Console.signIn(browser, yinke, 'mei', { screen, lang });
    await promoter.open('/promoter/plans');
    await promoter.send('/promoter/plans/gold/apply');
    await promoter.says(words.applicant);
    await merchant.open('/merchant/plans/gold?state=pending');
    await merchant.says('阿梅');
    await merchant.send('/merchant/plans/gold/approve');
    await merchant.says(words.approved);
    await promoter.open('/promoter/notices');
    await promoter.says(words.approved.toLowerCase());
    await promoter.close();
    await merchant.send('/merchant/plans/gold/reject');

    // Whose customer is the buyer?
    const [who, order] = [`buyer-${screen}`, `order-${screen}`];
    await buys(who, order);
    await eventually('the relation is known', async () => {
      await merchant.open(`/merchant/relations?buyer=${who}`);
      return (await merchant.text()).includes(words.held);
    });

    // Money comes in, and the order is paid by hand.
    const operator = await Console.signIn(browser, yinke, 'boss', { screen, lang });
    await operator.open('/operator/merchants/m');
    await operator.send('/operator/merchants/m', { amount_fen: '500', reference: `bank ${screen}` });
    await operator.says(words.topped_up, `bank ${screen}`);
    await operator.close();
    await merchant.open('/merchant/balance');
    await merchant.says(`bank ${screen}`, '¥500.00');
    await eventually('the order waits to be settled', async () => {
      await merchant.open('/merchant/settlements');
      return (await merchant.text()).includes(order);
    });
    // As long as the edge may still hold a click of the buyer the page says so, and has no button.
    await eventually('the order waits for the merchant alone', async () => {
      await merchant.open('/merchant/settlements');
      return (await merchant.page.locator('main .tag').allTextContents()).includes(words.to_settle);
    });
    await merchant.picture('merchant-settlements');
    await merchant.send('/merchant/settle');
    await merchant.open(`/merchant/orders/1688/${order}`);
    await merchant.says(words.settled, '¥20.00');
    await merchant.close();
  });
}

const PAGES = {
  shop: [
    'overview', 'products', 'products/new', 'products/pot', 'skus/pot', 'import', 'orders', 'orders/1688/order-desk', 'reviews',
    'relations?buyer=buyer-desk', 'programmes', 'programmes/new', 'programmes/hand', 'programmes/hand/rules', 'programmes/hand/rates',
    'programmes/hand/coupons', 'video-tasks', 
    'plans', 'plans/gold', 'balance', 'settlements', 'enrolments', 'webhooks', 'tokens', 'shop', 'disputes',
  ].map((name) => `/merchant/${name}`),
  mei: [
    'overview', 'products', 'selection', 'promoted', 'links', 'links/many', 'links/new', 'placements', 'plans', 'orders', 'reports', 'statements', 'money', 'notices',
  ].map((name) => `/promoter/${name}`),
  stars: ['talents', 'orders', 'statements', 'money'].map((name) => `/agency/${name}`),
  boss: [
    'edges', 'audit', 'reviews', 'orders', 'merchants', 'merchants/m', 'merchants/m/disputes', 'bans', 'categories', 'platforms', 'programmes', 'programmes/new', 'programmes/hand',
    'programmes/hand/rules', 'programmes/hand/coupons', 'merchants/m/video-tasks', 'promoters', 'promoters/mei', 'payouts', 'payout-accounts', 'accounts',
    'accounts/mei', 'reconciliations', 'calendar', 'dead-letters',
  ].map((name) => `/operator/${name}`),
};

for (const [screen, lang, dark] of [['phone', 'zh', false], ['desk', 'en', true], ['phone', 'en', true], ['desk', 'zh', false]]) {
  test(`every page is as it should be: ${screen}, ${lang}, ${dark ? 'dark' : 'light'}`, async () => {
    const faults = [];
    for (const [login, pages] of Object.entries(PAGES)) {
      const somebody = await Console.signIn(browser, yinke, login, { screen, lang, dark });
      for (const target of [...pages, login === 'mei' ? `/promoter/links/${link}` : '/account']) {
        await somebody.open(target);
        faults.push(...(await somebody.faults()));
        await somebody.keep(target.replace(/\?.*/, '').replace(/\W+/g, '-').slice(1));
      }
      await somebody.close();
    }
    assert.deepEqual(faults, []);
  });
}
