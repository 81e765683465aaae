// What must hold of every page: no error in the browser's console, no violation of the content security policy, no finding of axe,
// nothing that scrolls sideways on a phone, no button whose words fall apart, in light and in dark.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import axeCore from 'axe-core';

/** Answers that a story provokes. Chromium reports each 4xx document in its console, and these, and only these, are no errors. */
export class Wanted {
  #answers = [];

  /** `where` is an address, or a pattern of addresses. */
  want(where, status) {
    this.#answers.push({ where, status, seen: false });
  }

  /** Whether this answer was wanted; it is ticked off. */
  takes(address, status) {
    const found = this.#answers.filter(({ where, status: own }) =>
      own === status && (where instanceof RegExp ? where.test(address) : where === address));
    for (const answer of found) answer.seen = true;
    return found.length > 0;
  }

  left() {
    return this.#answers.filter((answer) => !answer.seen).map(({ where, status }) => `${where} did not answer ${status}`);
  }
}

/** Writes down whatever a page complains of. */
export function watch(page, wanted, finding) {
  page.on('console', (message) => {
    const at = message.location().url;
    const status = Number(message.text().match(/status of (\d{3})/)?.[1]);
    if (status && wanted.takes(at, status)) return;
    // Warnings count too: a page has nothing to warn about.
    if (['error', 'warning'].includes(message.type())) finding(`console on ${page.url()}: ${message.text()} (${at})`);
  });
  page.on('pageerror', (error) => finding(`script on ${page.url()}: ${error.message}`));
  page.on('response', (response) => {
    if (response.status() >= 400 && !wanted.takes(response.url(), response.status())) finding(`${response.status()} on ${response.url()}`);
  });
}

async function axe(page, name, finding) {
  // In the page alone, not in its frames: the one frame there is, the mail of a message, allows no script (axe would wait
  // for it for ever), and what is in it is its sender's. The frame itself, its title and its place, is looked at.
  await page.evaluate(axeCore.source);
  const violations = await page.evaluate(async () => {
    const result = await window.axe.run(document, { iframes: false, resultTypes: ['violations'] });
    return result.violations.map(({ id, help, nodes }) => ({
      id, help, nodes: nodes.slice(0, 3).map(({ target, failureSummary }) => ({ target, failureSummary })),
    }));
  });
  for (const { id, help, nodes } of violations) {
    const where = nodes.map((node) => `${node.target.join(' ')}: ${node.failureSummary?.split('\n')[1]?.trim() ?? ''}`);
    finding(`axe on ${name}: ${id}: ${help}: ${where.join(' | ')}`);
  }
}

/** Buttons that are squeezed until their words fall apart: more lines than words. */
async function squeezed(page) {
  return page.locator('main :is(.button, summary)').evaluateAll((all) => all.filter((own) => own.checkVisibility() && !own.matches('.icon-only')).map((own) => {
    const range = document.createRange();
    range.selectNodeContents(own.querySelector('span:not(.said-only)') ?? own);
    const lines = new Set([...range.getClientRects()].filter((box) => box.width > 1).map((box) => Math.round(box.top)));
    const text = range.toString().trim();
    return { text, fallsApart: lines.size > Math.max(1, text.split(/\s+/).length) };
  }).filter((own) => own.fallsApart).map((own) => own.text));
}

/** Looks at a page in both colours and both widths. With `pictures`, its picture is one of the guide's. */
export async function look(page, { name, label, shots, pictures, finding }) {
  const before = page.viewportSize();
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
      // A picture of the whole page from its top: what sticks there would stand in the middle of it.
      await page.evaluate(() => scrollTo(0, 0));
      const picture = join(shots, `${name}-${scheme}-${width}.png`);
      await page.screenshot({ path: picture, fullPage: true });
      if (pictures && scheme === 'light' && width === 1280) copyFileSync(picture, join(pictures, `${label}.png`));
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (sideways > 1) finding(`${label} scrolls ${sideways} pixels sideways at ${width}`);
      for (const text of await squeezed(page)) finding(`${label} squeezes the button “${text}” at ${width}`);
      if ((scheme === 'light') === (width === 1280)) await axe(page, `${label} (${scheme}, ${width})`, finding);
    }
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.setViewportSize(before);
}

export const checkOnce = axe;
