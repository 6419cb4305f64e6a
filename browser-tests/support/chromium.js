// A real Chromium, without a window.
import { chromium } from 'playwright-core';

const PROGRAM = process.env.YINKE_CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--no-proxy-server', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  // A shop needs a public name; in these tests all of them are on this machine.
  '--host-resolver-rules=MAP *.example 127.0.0.1',
];

/** Starts it. */
export function launch() {
  // The driver would let every popup through; a person's browser does not.
  return chromium.launch({ executablePath: PROGRAM, args: FLAGS, ignoreDefaultArgs: ['--disable-popup-blocking'] });
}

/**
 * A person's browser with no past; `more` says what else is special about it. Without a window Chromium calls itself
 * headless, which counts as a program.
 */
export function person(browser, more = {}) {
  const major = browser.version().split('.')[0];
  const userAgent =
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${major}.0.0.0 Safari/537.36`;
  return browser.newContext({ userAgent, ...more });
}
