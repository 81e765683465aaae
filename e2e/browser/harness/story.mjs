// Runs stories: each in its own installation and its own browser contexts, a few at once, each with its findings and its times.

import { join } from 'node:path';
import { Person } from './person.mjs';
import { Wanted, checkOnce, look, watch } from './look.mjs';
import { World } from './world.mjs';

/** How long a story may take; a slow machine tells three at once. */
const LONGEST = 600_000;

export class Story {
  #browser;
  #contexts = [];
  #wanted = new Wanted();
  #looks = 0;
  #ends = [];

  constructor(own, { browser, binary, shots, pictures }) {
    Object.assign(this, { name: own.name, title: own.title, binary, shots, pictures });
    this.#browser = browser;
    this.own = own;
    this.findings = [];
    this.measures = [];
    this.taken = [];
    this.isWhole = false;
  }

  /** What is ended with the story, after its pages are closed. */
  ends(end) {
    this.#ends.push(end);
  }

  finding(text) {
    this.findings.push(text);
  }

  /** Writes a finding down where something does not hold, and goes on. */
  check(holds, text) {
    if (!holds) this.finding(text);
    return holds;
  }

  /** Each of these must stand in a text. */
  contains(text, parts, where) {
    const missing = parts.filter((part) => !(typeof part === 'string' ? text.includes(part) : part.test(text)));
    this.check(missing.length === 0, `${where} does not say ${missing.join(' | ')}; it says: ${text.replace(/\s+/g, ' ').slice(0, 700)}`);
  }

  /** An answer that is provoked, at an address or a pattern of addresses. */
  want(where, status) {
    this.#wanted.want(where instanceof RegExp ? where : new URL(where, this.world?.base).href, status);
  }

  /** A time that is promised. */
  measure(what, milliseconds, most) {
    this.measures.push({ what, milliseconds, most });
    this.check(milliseconds <= most, `${what} took ${milliseconds} ms; promised are ${most}`);
  }

  /** Somebody with a browser of their own: no cookies of anybody else's. */
  async person({ base = this.world.base, width = 1280, phone = false } = {}) {
    const context = await this.#browser.newContext({
      viewport: { width, height: width === 390 ? 844 : 900 },
      permissions: ['clipboard-read', 'clipboard-write'],
      reducedMotion: 'reduce',
      ...(phone ? { isMobile: true, hasTouch: true } : {}),
      ...(this.world?.clouds ? { proxy: { server: this.world.clouds.address, bypass: '127.0.0.1' }, ignoreHTTPSErrors: true } : {}),
    });
    context.setDefaultTimeout(40_000);
    this.#contexts.push(context);
    context.on('page', (page) => watch(page, this.#wanted, (text) => this.finding(text)));
    return new Person(this, context, await context.newPage(), base);
  }

  /** Looks at the page that somebody is on. `picture`: it is one of the guide's. */
  async look(person, label, { picture = false } = {}) {
    this.#looks += 1;
    const name = `${this.name}-${String(this.#looks).padStart(2, '0')}-${label}`;
    if (picture) this.taken.push(label);
    await look(person.page, {
      name, label, shots: this.shots, pictures: picture ? this.pictures : undefined, finding: (text) => this.finding(text),
    });
  }

  /** A picture and axe as the page is now, at this width alone. */
  async glance(person, label) {
    this.#looks += 1;
    await person.page.screenshot({ path: join(this.shots, `${this.name}-${String(this.#looks).padStart(2, '0')}-${label}.png`) });
    await checkOnce(person.page, label, (text) => this.finding(text));
  }

  get looks() {
    return this.#looks;
  }

  /** Begins it, tells it, ends it. */
  async run() {
    const began = Date.now();
    let timer;
    try {
      if (this.own.world !== false) this.world = await World.start(this.binary, this.own.world);
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not at its end after ${LONGEST / 1000} s`)), LONGEST);
      });
      await Promise.race([this.own.run(this), late]);
      this.isWhole = true;
      for (const text of this.#wanted.left()) this.finding(text);
    } catch (error) {
      this.finding(`ended early: ${error.stack ?? error}`);
      await this.#takeDown();
    } finally {
      clearTimeout(timer);
      for (const context of this.#contexts) await context.close().catch(() => {});
      await this.world?.stop();
      for (const end of this.#ends) await end();
      this.seconds = (Date.now() - began) / 1000;
    }
  }

  async #takeDown() {
    let index = 0;
    for (const context of this.#contexts) {
      for (const page of context.pages()) {
        await page.screenshot({ path: join(this.shots, `failed-${this.name}-${index}.png`), fullPage: true, timeout: 5000 }).catch(() => {});
        this.finding(`page ${index} was at ${page.url()}: ${(await page.locator('main').innerText({ timeout: 2000 }).catch(() => '')).replace(/\s+/g, ' ').slice(0, 400)}`);
        index += 1;
      }
    }
    const log = this.world?.log() ?? '';
    if (log) this.finding(`the log ends with: ${log.slice(-700)}`);
  }
}

/** Runs all, `many` at once; those that measure times run alone, at the end. */
export async function tell(stories, surroundings, many) {
  const waiting = stories.filter((own) => !own.alone);
  const told = [];
  const one = async (own) => {
    const story = new Story(own, surroundings);
    await story.run();
    told.push(story);
    const result = story.findings.length ? `${story.findings.length} findings` : 'ok';
    console.log(`${result}: ${story.name}: ${story.title} (${story.seconds.toFixed(1)} s)`);
  };
  await Promise.all(Array.from({ length: many }, async () => {
    for (let own = waiting.shift(); own; own = waiting.shift()) await one(own);
  }));
  for (const own of stories.filter((own) => own.alone)) await one(own);
  return told;
}
