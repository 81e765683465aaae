// Waiting for a condition, never for a time.

/** Asks until the answer is truthy, and gives it; fails after `within` milliseconds with what was asked last. */
export async function until(what, ask, { within = 30_000, every = 50 } = {}) {
  const end = Date.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${within / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
