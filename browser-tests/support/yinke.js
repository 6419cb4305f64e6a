// A running `yinke up` with a small catalogue: one shop, one product, two promoters. Everything on free ports, in a
// folder of its own, ended by its own process id.
import { spawn, execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually.js';

const TOKEN = 'browser-tests-admin-token';
const LOOPBACK = '127.0.0.1:0';
/** After it was asked to end, it has ended within this time. */
const END_WITHIN_MS = 15_000;

/** The program under test; `cargo xtask test browser` builds it and says where it is. */
function program() {
  const given = process.env.YINKE_PROGRAM;
  if (!given) throw new Error('YINKE_PROGRAM does not say where the program is: run  cargo xtask test browser');
  return given;
}

export class Yinke {
  /** Starts it; `more` are further arguments of `up`. */
  static async start(more = []) {
    const folder = await mkdtemp(path.join(tmpdir(), 'yinke-browser-'));
    const data = path.join(folder, 'data');
    const log = await open(path.join(folder, 'log'), 'w');
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('YINKE_')));
    const child = spawn(
      program(),
      ['up', '--edge', LOOPBACK, '--core', LOOPBACK, '--admin', LOOPBACK, '--data', data, ...more],
      { env: { ...env, YINKE_ADMIN_TOKEN: TOKEN }, stdio: ['ignore', log.fd, log.fd] },
    );
    // At once: nobody would hear its error later.
    const yinke = new Yinke(child, folder);
    try {
      await log.close();
      const running = await eventually('it says where it is', async () => {
        if (child.pid === undefined) throw (await yinke.ended)[0];
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it ended: ${await yinke.log()}`);
        const text = await readFile(path.join(data, 'running.json'), 'utf8').catch(() => null);
        return text && JSON.parse(text);
      });
      yinke.edge = running.edge;
      yinke.core = running.core;
      yinke.admin = running.admin;
    } catch (error) {
      // Why it did not start says more than how it ended.
      await yinke.stop().catch(() => {});
      throw error;
    }
    return yinke;
  }

  constructor(child, folder) {
    this.child = child;
    this.folder = folder;
    // A program that cannot be started has no exit, but an error; `start` and `stop` tell of it.
    this.ended = once(child, 'exit').catch((error) => [error]);
  }

  log() {
    return readFile(path.join(this.folder, 'log'), 'utf8');
  }

  /** Asks it to end, and fails if it did not end well. */
  async stop() {
    this.child.kill('SIGTERM');
    const deadline = setTimeout(() => this.child.kill('SIGKILL'), END_WITHIN_MS);
    const [code, signal] = await this.ended;
    clearTimeout(deadline);
    const log = await this.log();
    await rm(this.folder, { recursive: true });
    if (code !== 0) throw new Error(`it ended with ${code ?? signal}: ${log}`);
  }

  /** Imports the text of a CSV file, as a merchant would; gives the results that the import writes beside it. */
  async import(kind, text) {
    const file = path.join(this.folder, `${kind}.csv`);
    await writeFile(file, text);
    await promisify(execFile)(program(), ['import', kind, file, '--core', this.core, '--token', TOKEN]);
    return readFile(`${file}.links.csv`, 'utf8').catch(() => '');
  }

  /** A call of the API as administrator; gives status and body. */
  async api(method, target, body) {
    const answer = await fetch(this.core + target, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json() };
  }

  /** How many requests of the edge had this outcome. */
  async outcomes(outcome) {
    const metrics = await (await fetch(`${this.admin}/metrics`)).text();
    const line = metrics.split('\n').find((line) => line.startsWith(`yinke_edge_requests_total{outcome="${outcome}"}`));
    return line ? Number(line.split(' ').at(-1)) : 0;
  }

  /**
   * The small catalogue: product `cup` of shop `m`, which leads to `destination`, and a link to it of each promoter
   * (`mei` and `bo`). Gives the links' addresses once the edge knows them.
   */
  async catalogue(destination) {
    const policy = '{""commission"":{""rates"":[{""bp"":1000,""effective"":{""from"":0}}]}}';
    await this.import('merchants', 'id,platform,name\nm,1688,百货\n');
    await this.import('programmes', `id,merchant,name,preset,policy\np,m,分销,distributor1688,"${policy}"\n`);
    await this.import('products', `id,merchant,title,url,price_fen\ncup,m,保温杯,${destination},10000\n`);
    await this.import('promoters', 'id,name\nmei,阿梅\nbo,阿波\n');
    await this.import('placements', 'id,promoter,programme\nmei-p,mei,p\nbo-p,bo,p\n');
    const results = await this.import('links', 'placement,product\nmei-p,cup\nbo-p,cup\n');
    const [mei, bo] = results.trim().split('\n').slice(1).map((line) => `${this.edge}/${line.split(',')[1]}`);
    for (const link of [mei, bo]) {
      await eventually('the edge knows the link', async () => (await fetch(`${link}+`)).status === 200);
    }
    return { mei, bo };
  }

  /** A buyer logs in at the shop and orders the cup, with the tokens that the shop has of its visitor. */
  async order(order, buyer, { visitorToken, clickTokens = [] }) {
    if (visitorToken) {
      const joined = await this.api('POST', '/v1/identities', {
        platform: '1688', buyer, visitor_token: visitorToken,
      });
      if (joined.status !== 200) throw new Error(JSON.stringify(joined.body));
    }
    const at = new Date().toISOString();
    const answer = await this.api('POST', '/v1/orders/events', {
      events: [
        {
          type: 'created', platform: '1688', order, at, merchant: 'm', buyer, click_tokens: clickTokens,
          lines: [{ line: '1', product: 'cup', amount_fen: 10_000 }],
        },
        { type: 'paid', platform: '1688', order, at },
      ],
    });
    if (answer.status > 202) throw new Error(JSON.stringify(answer.body));
  }

  /** The explanation of an order's only line, once all clicks so far have arrived and it has been judged with them. */
  async attribution(order) {
    await eventually('all clicks are in the core', async () => {
      const { body } = await this.api('GET', '/v1/audit/clicks');
      return body.pending === 0;
    });
    return eventually('the order is judged', async () => {
      const { status, body } = await this.api('GET', `/v1/orders/${order}/attribution`);
      return status === 200 && !JSON.stringify(body).includes('awaiting_click') && body;
    });
  }
}
