// A shop on Taobao, shared in WeChat: the taps of apps with browsers of their own, in a real browser that says it is each
// of them. A tap is counted once; whichever way the buyer takes then, the shop hears of it with the tap's token.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, person } from '../support/chromium.js';
import { eventually } from '../support/eventually.js';
import { Site } from '../support/site.js';
import { Yinke } from '../support/yinke.js';

const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';
const AGENTS = {
  WeChat: `${IPHONE} Mobile/15E148 MicroMessenger/8.0.47(0x18002f2c) NetType/4G Language/zh_CN`,
  Alipay: `${IPHONE} Mobile/15E148 Nebula AliApp(AP/10.5.86.6000) AlipayClient/10.5.86.6000 Language/zh-Hans`,
  Taobao: `${IPHONE} Mobile/15E148 AliApp(TB/10.31.10) WindVane/8.7.2 UT4Aplus/0.0.6 1170x2532 WK`,
  Douyin: `${IPHONE} Mobile/15E148 aweme_29.3.0 JsSdk/2.0 NetType/WIFI Channel/App Store ByteLocale/zh Region/CN`,
  Safari: `${IPHONE} Version/17.4 Mobile/15E148 Safari/604.1`,
  Chrome: 'Mozilla/5.0 (Linux; Android 14; PJD110) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36',
};

let yinke, browser, shop, link;

before(async () => {
  const started = await Promise.allSettled([
    Yinke.start().then((it) => { yinke = it; }),
    launch().then((it) => { browser = it; }),
    Site.start('shop.example').then((it) => { shop = it; }),
  ]);
  for (const { status, reason } of started) if (status === 'rejected') throw reason;
  ({ mei: link } = await yinke.catalogue(shop.put('/cup', '<h1>保温杯</h1>')));
  const { status } = await yinke.api('PUT', '/v1/merchants/m', {
    platform: '1688', name: '百货',
    app_page: {
      ios: 'taobao://{address}', android: 'tbopen://m.taobao.com/?h5Url={url}', not_in: ['wechat', 'alipay', 'douyin'],
    },
  });
  assert.equal(status, 200);
  // The page itself is no tap.
  await eventually('the edge knows of the app', async () => {
    const answer = await fetch(`${link}~`, { redirect: 'manual', headers: { 'user-agent': AGENTS.Safari } });
    return answer.status === 200;
  });
});

after(async () => {
  await browser?.close();
  await shop?.stop();
  await yinke?.stop();
});

/** Taps the link as that browser, and gives the page on which it arrives. */
async function tap(agent, locale = 'zh-CN') {
  const context = await person(browser, { userAgent: agent, locale, viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  const taps = await yinke.outcomes('attributed');
  await page.goto(link);
  assert.equal(await yinke.outcomes('attributed'), taps + 1, 'a tap is counted once');
  return page;
}

const token = (url) => new URL(url).searchParams.get('yk_click');

/** Nothing is wider than the phone, and nothing was refused by the page's own policy. */
async function fits(page) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  assert.ok(!wide, 'the page is wider than the phone');
}

for (const app of ['WeChat', 'Alipay', 'Douyin']) {
  test(`${app} asks people to open the page in their browser`, async () => {
    const page = await tap(AGENTS[app]);
    assert.equal(await page.textContent('h1'), '请在浏览器中打开');
    assert.equal(await page.textContent('.copy'), link);
    await fits(page);
    // Its menu opens the address that is shown in the phone's browser: there the app is offered.
    const clicked = token(page.url());
    const elsewhere = await (await person(browser, { userAgent: AGENTS.Safari, locale: 'zh-CN' })).newPage();
    const taps = await yinke.outcomes('attributed');
    await elsewhere.goto(page.url());
    assert.ok((await elsewhere.getAttribute('a.go', 'href')).startsWith(`taobao://${shop.origin.slice(7)}/cup?yk_click=${clicked}`));
    await elsewhere.click('a:not(.go)');
    await elsewhere.waitForURL(`${shop.origin}/**`);
    assert.equal(token(elsewhere.url()), clicked);
    assert.equal(await yinke.outcomes('attributed'), taps, 'opening the page elsewhere is no tap');
    await elsewhere.context().close();
    await page.context().close();
  });
}

test('Taobao itself opens the shop at once', async () => {
  const page = await tap(AGENTS.Taobao);
  assert.ok(page.url().startsWith(`${shop.origin}/cup?yk_click=v1.`), page.url());
  await page.context().close();
});

test('a phone is offered the app, and the web for those who do not have it', async () => {
  for (const [agent, scheme] of [[AGENTS.Safari, 'taobao://'], [AGENTS.Chrome, 'tbopen://']]) {
    const page = await tap(agent, 'en');
    assert.equal(await page.textContent('a.go'), 'Open in the app');
    assert.ok((await page.getAttribute('a.go', 'href')).startsWith(scheme));
    await fits(page);
    const clicked = token(page.url());
    await page.click('text=Continue in the browser');
    await page.waitForURL(`${shop.origin}/**`);
    assert.equal(token(page.url()), clicked);
    await page.context().close();
  }
});

test('what the buyer then orders is the promoter’s', async () => {
  const page = await tap(AGENTS.WeChat);
  await yinke.order('o-wechat', 'u-wechat', { clickTokens: [token(page.url())] });
  const [line] = (await yinke.attribution('o-wechat')).lines;
  assert.deepEqual([line.promoter, line.promoter_fen], ['mei', 1_000]);
  await page.context().close();
});
