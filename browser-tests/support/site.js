// Web sites of others, on names of their own: the browsers of these tests lead every name under .localhost and .example
// to this machine, and to them each is another site than 127.0.0.1.
import { once } from 'node:events';
import { createServer } from 'node:http';

export class Site {
  /** Serves `pages`: from path to HTML. Further pages can be added while it runs. */
  static async start(name, pages = {}) {
    const site = new Site(name, new Map(Object.entries(pages)));
    site.server.listen(0, '127.0.0.1');
    await once(site.server, 'listening');
    site.origin = `http://${name}:${site.server.address().port}`;
    return site;
  }

  constructor(name, pages) {
    this.name = name;
    this.pages = pages;
    /** The addresses that were asked for. */
    this.asked = [];
    this.server = createServer((request, answer) => {
      this.asked.push(request.url);
      const html = this.pages.get(new URL(request.url, 'http://localhost').pathname);
      answer.writeHead(html === undefined ? 404 : 200, { 'content-type': 'text/html; charset=utf-8' });
      answer.end(html ?? 'nothing here');
    });
  }

  /** Puts a page there; gives its address. */
  put(path, html) {
    this.pages.set(path, `<!doctype html><title>${this.name}</title>${html}`);
    return this.origin + path;
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
