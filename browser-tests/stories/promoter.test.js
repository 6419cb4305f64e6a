// The promoter's story: from signing in to a QR code in three interactions, a buyer who scans it, the commission of their
// order in the promoter's pages, and its way to the promoter's account. And how heavy and how slow the first page is.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { launch, person } from '../support/chromium.js';
import { Console, PASSWORD } from '../support/console.js';
import { eventually } from '../support/eventually.js';
import { Site } from '../support/site.js';
import { Yinke } from '../support/yinke.js';

const WORDS = {
  zh: {
    explained: '推广者 阿梅（mei）', rate: '10%', unverified: '还没有通过实名核验', verified: '已核验', asked: '已申请提现', clearing: '打款中',
  },
  en: {
    explained: 'promoter 阿梅 (mei) owns it', rate: '10%', unverified: 'not verified yet', verified: 'Verified', asked: 'The withdrawal is on its way',
    clearing: 'on its way',
  },
};
/** Over the wire, for the first page after signing in. */
const FIRST_PAGE_BYTES = 100 * 1024;
const FIRST_PAINT_MS = 1_000;
/** A phone's processor against this machine's. */
const SLOWER = 4;

let yinke, browser, shop, folder;

before(async () => {
  const started = await Promise.allSettled([
    Yinke.start().then((it) => { yinke = it; }),
    launch().then((it) => { browser = it; }),
    Site.start('shop.example').then((it) => { shop = it; }),
    mkdtemp(path.join(tmpdir(), 'yinke-qr-')).then((it) => { folder = it; }),
  ]);
  for (const { status, reason } of started) if (status === 'rejected') throw reason;
  await yinke.catalogue(shop.put('/cup', '<h1>保温杯</h1>'));
  const made = async (method, target, body) => {
    const answer = await yinke.api(method, target, body);
    assert.ok(answer.status < 300, `${target}: ${JSON.stringify(answer.body)}`);
  };
  // A shop whose commission is final a second after the order, and can be withdrawn once it has settled.
  await made('PUT', '/v1/merchants/tea', { platform: '1688', name: '山里茶行' });
  await made('PUT', '/v1/programmes/tea', {
    merchant: 'tea', name: '山里茶行', preset: 'distributor1688',
    policy: {
      attribution: { late_click_grace: '1s', edge_hold: '1s' },
      settlement: { payout: 'immediate', destination: 'bound_at_withdrawal', report_visible: 'realtime' },
      commission: { rates: [{ bp: 1000, effective: { from: 0 } }] },
    },
  });
  const pot = { merchant: 'tea', title: '紫砂茶壶', url: shop.put('/pot', '<h1>茶壶</h1>'), price_fen: 20_000 };
  await made('PUT', '/v1/products/pot', pot);
  await made('POST', '/v1/merchants/tea/top-ups', { reference: 'bank 1', amount_fen: 100_000 });
  await made('POST', '/v1/accounts', { login: 'mei', password: PASSWORD, role: 'promoter', subject: 'mei' });
  await made('POST', '/v1/accounts', { login: 'boss', password: PASSWORD, role: 'operator' });
});

after(async () => {
  await Promise.all([browser?.close(), shop?.stop(), folder && rm(folder, { recursive: true })]);
  await yinke?.stop();
});

/** What an independent reader sees in a picture of a QR code. */
async function read(picture) {
  const { stdout } = await promisify(execFile)('zbarimg', ['--quiet', '--raw', picture]);
  return stdout.trim();
}

/** What happened to an order, as the shop tells it. */
async function told(order, events) {
  const of = { platform: '1688', order, at: new Date().toISOString() };
  const answer = await yinke.api('POST', '/v1/orders/events', { events: events.map((event) => ({ ...of, ...event })) });
  assert.equal(answer.body.accepted, events.length, JSON.stringify(answer.body));
}

/** Somebody scans the code, and orders what they find. */
async function buys(link, order) {
  const context = await person(browser);
  const page = await context.newPage();
  await page.goto(link);
  assert.equal(new URL(page.url()).host, new URL(shop.origin).host);
  const token = new URL(page.url()).searchParams.get('yk_click');
  assert.ok(token, `no click token in ${page.url()}`);
  await context.close();
  const lines = [{ line: '1', product: 'pot', amount_fen: 20_000 }];
  await told(order, [
    { type: 'created', merchant: 'tea', buyer: `buyer of ${order}`, click_tokens: [token], lines }, { type: 'paid' },
  ]);
}

/** The promoter binds an account, which an operator looks at before money goes there. */
async function bindsVerified(promoter, screen, lang) {
  await promoter.open('/promoter/money');
  await promoter.send('/promoter/money/account', { account: 'mei@example.com', holder: '阿梅' });
  await promoter.send('/promoter/money/withdraw', { amount_fen: '12.50' });
  await promoter.says(WORDS[lang].unverified);
  const operator = await Console.signIn(browser, yinke, 'boss', { screen, lang });
  await operator.open('/operator/payout-accounts');
  await Promise.all([operator.page.waitForNavigation(), operator.page.locator('main a[href*="check?payee="]').click()]);
  await operator.says('mei@example.com', '阿梅');
  await operator.send('/operator/payout-accounts/verify');
  await operator.says(WORDS[lang].verified);
  await operator.close();
}

for (const [screen, lang] of [['phone', 'zh'], ['desk', 'en']]) {
  test(`the promoter's story, ${screen}, ${lang}`, async () => {
    const promoter = await Console.signIn(browser, yinke, 'mei', { screen, lang });
    const { page } = promoter;
    // One: to the library. Two: promote this one. Three: the code as a picture.
    await Promise.all([page.waitForNavigation(), page.locator('main a.button[href="/promoter/products"]').click()]);
    const promote = page.locator('form[action="/promoter/products/pot/promote"] button');
    await Promise.all([page.waitForNavigation(), promote.click()]);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('a[download][href*="/qr.png"]').click(),
    ]);
    const picture = path.join(folder, `${screen}.png`);
    await download.saveAs(picture);
    const link = await read(picture);
    assert.ok(link.startsWith(`${yinke.edge}/`), link);
    await promoter.picture('promoter-link');

    const order = `order-${screen}`;
    await eventually('the edge knows the link', async () => (await fetch(`${link}+`)).status === 200);
    await buys(link, order);
    await eventually('the order is among the promoter\'s', async () => {
      await promoter.open('/promoter/orders');
      return (await promoter.text()).includes(order);
    });
    await promoter.open(`/promoter/orders/1688/${order}`);
    await promoter.says('¥20.00', WORDS[lang].explained, WORDS[lang].rate);
    await promoter.picture('promoter-order');

    // The buyer has the goods: the commission settles, and is withdrawn.
    await told(order, [{ type: 'shipped' }, { type: 'completed' }]);
    const withdraw = '/promoter/money/withdraw';
    const purse = async () => (await yinke.api('GET', '/v1/promoters/mei/balance')).body.find((it) => it.programme === 'tea');
    await eventually('there is something to withdraw', async () => (await purse())?.available_fen >= 2_000);
    if (screen === 'phone') await bindsVerified(promoter, screen, lang);
    await promoter.open('/promoter/money');
    await promoter.send(withdraw, { amount_fen: '12.50' });
    await promoter.says(WORDS[lang].asked, WORDS[lang].clearing, '¥12.50');
    assert.equal((await purse()).clearing_fen, screen === 'phone' ? 1_250 : 2_500);
    await promoter.picture('promoter-money');
    await promoter.close();
  });
}

test('a link has a name of its own, without script', async () => {
  const promoter = await Console.signIn(browser, yinke, 'mei', { screen: 'phone', lang: 'en', script: false });
  const form = '/promoter/links/new';
  await promoter.open(form);
  await promoter.send(form, { placement: 'mei.tea', product: 'pot', alias: 'tea pot' });
  await promoter.says('Please correct the following');
  assert.equal(await promoter.page.inputValue('#f-alias'), 'tea pot', 'what was typed stays');
  assert.equal(await promoter.page.getAttribute('#f-alias', 'aria-invalid'), 'true');
  await promoter.send(form, { alias: 'tea-pot' });
  await promoter.says('The link was made.');
  const named = await promoter.page.inputValue('#alias');
  assert.equal(named, `${yinke.edge}/tea-pot`);
  await eventually('the edge knows the name', async () => (await fetch(`${named}+`)).status === 200);
  await buys(named, 'order-named');
  const known = (await yinke.api('GET', '/v1/promoters/mei/placements')).body.items;
  const { name } = known.find((it) => it.id === 'mei.tea');
  assert.ok(name, 'promoting names the placement that it makes');
  await eventually('the placement has the order in its report', async () => {
    await promoter.open('/promoter/reports');
    const placements = promoter.page.locator('section', { has: promoter.page.locator('h2', { hasText: 'By placement' }) });
    return (await placements.count()) > 0 && (await placements.textContent()).includes(name);
  });
  await promoter.close();
});

test('the first page is light, and is there at once on a slow phone', async () => {
  const promoter = await Console.signIn(browser, yinke, 'mei', { screen: 'phone' });
  const { page } = promoter;
  const wire = await page.context().newCDPSession(page);
  await wire.send('Network.enable');
  await wire.send('Network.setCacheDisabled', { cacheDisabled: true });
  await wire.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  let bytes = 0;
  wire.on('Network.loadingFinished', (it) => { bytes += it.encodedDataLength; });
  const paints = [];
  // The machine may be busy: the best of some loads is the page's own.
  for (let load = 0; load < 5; load += 1) {
    bytes = 0;
    await page.goto(`${yinke.core}/promoter/overview`, { waitUntil: 'load' });
    paints.push(await eventually('the page is painted', () => page.evaluate(
      () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
    )));
  }
  const [weight, paint] = [bytes, Math.min(...paints)];
  console.log(`first page: ${weight} bytes over the wire, first contentful paint after ${Math.round(paint)} ms (${SLOWER} times slower)`);
  assert.ok(weight > 0 && weight < FIRST_PAGE_BYTES, `${weight} bytes`);
  assert.ok(paint < FIRST_PAINT_MS, `${paints} ms`);
  await promoter.close();
});
