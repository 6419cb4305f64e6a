// Waits for conditions, never for time.
const WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 20;

/** Looks until `look` gives something, and gives it. */
export async function eventually(what, look) {
  const until = Date.now() + WITHIN_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > until) throw new Error(`did not come true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
