// Receives webhooks and verifies them. Node's library alone; behind TLS in earnest.
//
//   node receive.mjs PORT SECRET_FILE     (port 0 takes a free one and prints it)

import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const [port, secretFile] = process.argv.slice(2);
const TOLERANCE = 300;
const seen = new Set(); // In earnest: a table, written in the transaction of what the event changes.

function verified(headers, body) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = headers;
  if (!id || !signatures || !(Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE)) return false;
  const secret = readFileSync(secretFile, "utf8").trim().replace(/^whsec_/, "");
  const ours = createHmac("sha256", Buffer.from(secret, "base64")).update(`${id}.${timestamp}.`).update(body).digest();
  // Several signatures stand there while the secret is being rotated.
  return signatures.split(" ").some((signature) => {
    const theirs = Buffer.from(signature.replace(/^v1,/, ""), "base64");
    return theirs.length === ours.length && timingSafeEqual(theirs, ours);
  });
}

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  if (!verified(request.headers, body)) {
    response.writeHead(401).end();
    return;
  }
  const event = JSON.parse(body);
  // The same event may come twice: its id tells.
  if (!seen.has(request.headers["webhook-id"])) {
    seen.add(request.headers["webhook-id"]);
    console.log(event.type, JSON.stringify(event.data));
  }
  response.writeHead(204).end();
});
server.listen(Number(port), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
