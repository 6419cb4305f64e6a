// Cookie stuffing: another site makes a visitor's browser ask for promoters' links, in every way a page can without the
// visitor tapping anything. No such request may give a cookie, change one, or earn anybody anything.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, person } from '../support/chromium.js';
import { eventually } from '../support/eventually.js';
import { Site } from '../support/site.js';
import { Yinke } from '../support/yinke.js';

const script = (body) => `<script>${body}</script>`;
const speculation = (kind) => (url) =>
  `<script type="speculationrules">${JSON.stringify({ [kind]: [{ urls: [url], eagerness: 'immediate' }] })}</script>`;

const SPECULATED = 'a speculated prefetch';

/** Each way: what the edge must call the request, and the page that makes it. */
const WAYS = {
  'an image': ['not_navigation', (url) => `<img src="${url}">`],
  'an image without size': ['not_navigation', (url) => `<img width=0 height=0 srcset="${url} 2x, ${url} 1x">`],
  'a background': ['not_navigation', (url) => `<div style="background:url(${url})">.</div>`],
  'a frame': ['not_navigation', (url) => `<iframe src="${url}"></iframe>`],
  'a hidden frame': ['not_navigation', (url) => `<iframe src="${url}" width=1 height=1 style="opacity:0"></iframe>`],
  'a sandboxed frame': ['not_navigation', (url) => `<iframe sandbox="allow-scripts allow-top-navigation" src="${url}"></iframe>`],
  'an object': ['not_navigation', (url) => `<object data="${url}" type="text/html"></object>`],
  'an embed': ['not_navigation', (url) => `<embed src="${url}" type="text/html">`],
  'a script': ['not_navigation', (url) => `<script src="${url}"></script>`],
  'a module': ['not_navigation', (url) => `<script type="module" src="${url}"></script>`],
  'a style': ['not_navigation', (url) => `<link rel="stylesheet" href="${url}">`],
  'an imported style': ['not_navigation', (url) => `<style>@import url(${url});</style>`],
  'a font': ['not_navigation', (url) => `<style>@font-face{font-family:f;src:url(${url})}p{font-family:f}</style><p>text</p>`],
  'a video': ['not_navigation', (url) => `<video src="${url}" preload="auto" autoplay muted></video>`],
  'an icon': ['not_navigation', (url) => `<link rel="preload" as="image" href="${url}">`],
  'a fetch without CORS': ['not_navigation', (url) => script(`fetch('${url}', {mode: 'no-cors', credentials: 'include'})`)],
  'a fetch with credentials': ['not_navigation', (url) => script(`fetch('${url}', {credentials: 'include'}).catch(() => 0)`)],
  'an XMLHttpRequest': [
    'not_navigation',
    (url) => script(`const x = new XMLHttpRequest(); x.withCredentials = true; x.open('GET', '${url}'); x.send()`),
  ],
  'a worker': [
    'not_navigation',
    (url) => script(`new Worker(URL.createObjectURL(new Blob(["fetch('${url}', {mode: 'no-cors'})"])))`),
  ],
  'a prefetch': ['prefetch', (url) => `<link rel="prefetch" href="${url}">`],
  'a prefetch for a document': ['prefetch', (url) => `<link rel="prefetch" as="document" href="${url}">`],
  [SPECULATED]: ['prefetch', speculation('prefetch')],
  'a beacon': ['refused', (url) => script(`navigator.sendBeacon('${url}', 'x')`)],
  'a form that sends itself': [
    'refused',
    (url) => `<iframe name="f"></iframe><form method="post" target="f" action="${url}"></form>${script('document.forms[0].submit()')}`,
  ],
};
const OUTCOMES = ['not_navigation', 'prefetch', 'refused', 'attributed', 'bot', 'head', 'preview', 'untracked', 'not_found'];

let yinke, browser, links, attacker, chat, shop;
let stuffed = 0;

before(async () => {
  // Each is known as soon as it runs, so that `after` ends it even if another does not start.
  const started = await Promise.allSettled([
    Yinke.start().then((it) => { yinke = it; }),
    launch().then((it) => { browser = it; }),
    Site.start('attacker.localhost').then((it) => { attacker = it; }),
    Site.start('chat.localhost').then((it) => { chat = it; }),
    Site.start('shop.example').then((it) => { shop = it; }),
  ]);
  for (const { status, reason } of started) if (status === 'rejected') throw reason;
  links = await yinke.catalogue(shop.put('/cup', '<h1>保温杯</h1>'));
});

after(async () => {
  await browser?.close();
  await Promise.all([attacker, chat, shop].map((site) => site?.stop()));
  await yinke?.stop();
});

const counts = async () =>
  Object.fromEntries(await Promise.all(OUTCOMES.map(async (outcome) => [outcome, await yinke.outcomes(outcome)])));

/**
 * Opens a page of the attacker that asks for `link` in the way of that name, and waits until the edge was asked by it:
 * the browser has made a request with this page's marker, and the edge has counted one more of the kind.
 */
async function stuff(context, name, link) {
  const [outcome, html] = WAYS[name];
  const asked = await yinke.outcomes(outcome);
  const marked = `${link}?way=${(stuffed += 1)}`;
  const requests = [];
  const note = (request) => requests.push(request.url());
  context.on('request', note);
  const page = await context.newPage();
  await page.goto(attacker.put(`/${encodeURIComponent(name)}`, html(marked)));
  await eventually(`the edge is asked by ${name}`, async () => (await yinke.outcomes(outcome)) > asked);
  await eventually(`a request is made by ${name}`, () => requests.includes(marked));
  await page.close();
  context.off('request', note);
}

/** A person taps a link in a chat, and arrives at the shop; gives what the shop sees of them. */
async function tap(context, link) {
  const page = await context.newPage();
  await page.goto(chat.put('/chat', `<a href="${link}">看看这个杯子</a>`));
  await page.click('a');
  await page.waitForURL(`${shop.origin}/**`);
  const clickToken = new URL(page.url()).searchParams.get('yk_click');
  await page.close();
  return clickToken;
}

const cookies = async (context) =>
  Object.fromEntries((await context.cookies(yinke.edge)).map(({ name, value }) => [name, value]));

test('no way of stuffing gives a cookie or counts as a click', async (t) => {
  const before = await counts();
  const context = await person(browser);
  for (const name of Object.keys(WAYS)) {
    await t.test(name, async () => {
      await stuff(context, name, links.bo);
      assert.deepEqual(await cookies(context), {});
    });
  }
  await t.test('a popup that nobody asked for', async () => {
    const page = await context.newPage();
    await page.goto(attacker.put('/popup', script(`window.opened = window.open('${links.bo}')`)));
    assert.equal(await page.evaluate(() => window.opened), null, 'the browser did not open it');
    await page.close();
  });
  const now = await counts();
  const expected = Object.values(WAYS).map(([outcome]) => outcome);
  for (const outcome of OUTCOMES) {
    const change = now[outcome] - before[outcome];
    assert.equal(change > 0, expected.includes(outcome), `${outcome}: ${change} more`);
  }
  assert.ok(!shop.asked.some((url) => url.includes('yk_click')), `a token came to the shop: ${shop.asked}`);
  // The visitor buys the cup all the same; nobody is paid for it.
  assert.deepEqual(await cookies(context), {});
  await yinke.order('o-stuffed', 'u-stuffed', {});
  const [line] = (await yinke.attribution('o-stuffed')).lines;
  assert.deepEqual([line.promoter, line.commission_fen], [null, 0]);
  await context.close();
});

test('a tap counts, and stuffing afterwards takes nothing away from it', async () => {
  const context = await person(browser);
  assert.match(await tap(context, links.mei), /^v1\./, 'the shop got a token');
  const carried = await cookies(context);
  assert.deepEqual(Object.keys(carried).sort(), ['yk_c_p', 'yk_v']);
  // A browser does not speculate across sites where it would have to send cookies.
  const ways = Object.keys(WAYS).filter((name) => name !== SPECULATED);
  for (const name of ways) await stuff(context, name, links.bo);
  assert.deepEqual(await cookies(context), carried);
  await yinke.order('o-tapped', 'u-tapped', { visitorToken: carried.yk_v });
  const [line] = (await yinke.attribution('o-tapped')).lines;
  assert.deepEqual([line.promoter, line.promoter_fen], ['mei', 1_000]);
  const candidates = line.decision.attribution.candidates.map(({ promoter, verdict }) => [promoter, verdict.code]);
  assert.deepEqual(candidates, [['mei', 'won']], 'what was stuffed was not even considered');
  await context.close();
});
