// The console as somebody in a browser sees it: signing in, filling in forms, looking at pages and judging them by axe-core.
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PICTURES = process.env.YINKE_SCREENSHOTS ?? path.join(tmpdir(), 'yinke-screenshots');
/** Where the pictures of the book are kept: from the repository's root, if it is said. */
const BOOK = process.env.YINKE_BOOK ? path.resolve(import.meta.dirname, '../..', process.env.YINKE_BOOK) : path.join(PICTURES, 'book');
/** A picture in the book is small. */
const BOOK_BYTES = 60 * 1024;

/** A phone and a desk. */
export const SCREENS = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 900 } };
export const PASSWORD = 'correct horse battery';

export class Console {
  /** Somebody signs in with a screen of this size, in this language. */
  static async signIn(browser, yinke, login, { screen = 'desk', lang = 'zh', dark = false, script = true } = {}) {
    const context = await browser.newContext({
      viewport: SCREENS[screen], locale: lang === 'zh' ? 'zh-CN' : 'en-GB', colorScheme: dark ? 'dark' : 'light',
      javaScriptEnabled: script, timezoneId: 'Asia/Shanghai', bypassCSP: script,
    });
    const page = await context.newPage();
    const console_ = new Console(page, yinke.core, lang, `${screen}-${lang}${dark ? '-dark' : ''}`);
    await page.goto(`${yinke.core}/sign-in`);
    await page.fill('#f-login', login);
    await page.fill('#f-password', PASSWORD);
    await page.click('form[action="/sign-in"] button.wide');
    assert.ok(!page.url().includes('/sign-in'), await page.textContent('main'));
    return console_;
  }

  constructor(page, origin, lang, name) {
    this.page = page;
    this.origin = origin;
    this.lang = lang;
    this.name = name;
  }

  /** Opens a page, which must be one. */
  async open(target) {
    const answer = await this.page.goto(this.origin + target);
    assert.equal(answer.status(), 200, `${target}: ${await this.page.textContent('body')}`);
  }

  /** Fills in fields by their names and presses the button of that form. */
  async send(action, fields = {}) {
    const form = this.page.locator(`form[method=post][action="${action}"]`).first();
    for (const [name, value] of Object.entries(fields)) {
      const field = form.locator(`[name="${name}"]`);
      if ((await field.evaluate((it) => it.tagName)) === 'SELECT') await field.selectOption(value);
      else await field.fill(value);
    }
    // What takes something away stands behind a first button, which opens a warning.
    const warning = form.locator('xpath=ancestor::details[@class="sure"][not(@open)]/summary');
    if (await warning.count()) await warning.click();
    await Promise.all([this.page.waitForNavigation(), form.locator('button').first().click()]);
  }

  text() {
    return this.page.textContent('main');
  }

  /** The page must say this. */
  async says(...parts) {
    const text = await this.text();
    for (const part of parts) assert.ok(text.includes(part), `${this.page.url()} does not say ${part}: ${text}`);
  }

  /** Whatever axe-core finds, and what hangs over the edge of the screen; nothing, if the page is as it should be. */
  async faults() {
    await this.page.evaluate(AXE);
    const found = await this.page.evaluate(() => window.axe.run(document));
    const faults = found.violations.flatMap((it) => it.nodes.map((node) => `${it.id}: ${node.html} (${node.failureSummary})`));
    const [wide, screen] = await this.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    if (wide > screen) faults.push(`the page is ${wide} pixels wide on a screen of ${screen}`);
    return faults.map((fault) => `${new URL(this.page.url()).pathname} (${this.name}): ${fault}`);
  }

  /** Keeps a picture of the whole page. */
  async keep(name) {
    await mkdir(PICTURES, { recursive: true });
    await this.page.screenshot({ path: path.join(PICTURES, `${name}-${this.name}.png`), fullPage: true });
  }

  /** Keeps what is in sight, small, as a picture of the book. */
  async picture(name) {
    const wire = await this.page.context().newCDPSession(this.page);
    const { data } = await wire.send('Page.captureScreenshot', { format: 'webp', quality: 70 });
    await wire.detach();
    const picture = Buffer.from(data, 'base64');
    assert.ok(picture.length < BOOK_BYTES, `${name} has ${picture.length} bytes`);
    await mkdir(BOOK, { recursive: true });
    await writeFile(path.join(BOOK, `${name}.${this.lang}.webp`), picture);
  }

  close() {
    return this.page.context().close();
  }
}
