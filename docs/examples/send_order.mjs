// Sends an order event to an intake source, signed by the Standard Webhooks convention. Node's library alone.
//
//   node send_order.mjs http://127.0.0.1:8081/v1/intake/in_... whsec_... EVENT.json

import { createHmac, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

const [url, secret, file] = process.argv.slice(2);
const body = readFileSync(file);
// A repeat has the same id, and so changes nothing more.
const id = `msg_${randomUUID()}`;

function headers() {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature}`,
  };
}

for (const pause of [1, 5, 30, null]) {
  const answer = await fetch(url, { method: "POST", headers: headers(), body }).catch(() => null);
  if (answer?.ok) {
    console.log(JSON.stringify(await answer.json()));
    break;
  }
  // 429 and 5xx pass; everything else says what is wrong with this message, and stays so.
  const passes = answer === null || answer.status === 429 || answer.status >= 500;
  if (!passes || pause === null) {
    console.error(answer ? `${answer.status}: ${await answer.text()}` : "no answer");
    process.exit(1);
  }
  const wait = Number(answer?.headers.get("retry-after") ?? pause);
  await new Promise((resolve) => setTimeout(resolve, wait * 1000));
}
