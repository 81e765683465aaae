// Every flow of the console in a real browser, against the simulator. Each story is one flow from beginning to end, with assertions on
// what a person reads. Fails on anything that does not hold, on any console error, violation of the content security policy or finding
// of axe, and on whatever scrolls sideways on a phone.
//
// Usage: CHROMIUM=/usr/bin/chromium node walk.mjs POSTROOM_BINARY SCREENSHOT_FOLDER [PICTURE_FOLDER] [--only NAME,NAME] [--at-once N]
//
// With a PICTURE_FOLDER (docs/images), the pictures of the guides are taken anew. The stories are in `stories/`; what they are told
// with is in `harness/`: `world` (the programs), `cloud` (Microsoft at its real addresses), `person` (a browser with somebody at it), `look` (what must hold of every page),
// `pictures` (what must hold of the guide's), `story` (runs them).

import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { wrongPictures } from './harness/pictures.mjs';
import { tell } from './harness/story.mjs';
import { stories } from './stories/index.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, 'at-once': { type: 'string', default: '3' } },
});
const [binary, shots, pictures] = positionals.map((path) => resolve(path));
if (!binary || !shots) {
  console.error('usage: node walk.mjs POSTROOM_BINARY SCREENSHOT_FOLDER [PICTURE_FOLDER] [--only NAME,NAME] [--at-once N]');
  process.exit(2);
}
for (const folder of [shots, pictures]) if (folder) mkdirSync(folder, { recursive: true });
// What an earlier walk saw is not mistaken for what this one sees.
for (const file of readdirSync(shots)) if (file.endsWith('.png')) rmSync(join(shots, file));
const names = values.only?.split(',');
const chosen = names ? stories.filter((own) => names.includes(own.name)) : stories;
if (chosen.length === 0) {
  console.error(`there is no such story; there are ${stories.map((own) => own.name).join(', ')}`);
  process.exit(2);
}

const began = Date.now();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const told = await tell(chosen, { browser, binary, shots, pictures }, Number(values['at-once']));
await browser.close();

const width = Math.max(...told.map((story) => story.name.length));
console.log(`\n${'story'.padEnd(width)}  seconds  pages  findings`);
for (const own of chosen) {
  const story = told.find((one) => one.name === own.name);
  console.log(`${story.name.padEnd(width)}  ${story.seconds.toFixed(1).padStart(7)}  ${String(story.looks).padStart(5)}  ${String(story.findings.length).padStart(8)}`);
}
for (const { what, milliseconds, most } of told.flatMap((story) => story.measures)) {
  console.log(`measured: ${what}: ${(milliseconds / 1000).toFixed(2)} s (promised: ${(most / 1000).toFixed(0)} s)`);
}
const findings = told.flatMap((story) => story.findings.map((finding) => `${story.name}: ${finding}`));
// Only the whole walk knows all pictures, and only a story that came to its end has taken all of its own.
if (!names && told.every((story) => story.isWhole)) {
  findings.push(...wrongPictures(told.flatMap((story) => story.taken), resolve(import.meta.dirname, '../..')).map((wrong) => `pictures: ${wrong}`));
}
if (findings.length) console.log('');
for (const finding of findings) console.log(`FINDING ${finding}`);
const looks = told.reduce((sum, story) => sum + story.looks, 0);
console.log(`\nwalk: ${told.length} stories, ${looks} pages looked at, ${findings.length} findings in ${((Date.now() - began) / 1000).toFixed(0)} s, screenshots in ${shots}`);
process.exit(findings.length === 0 ? 0 : 1);
