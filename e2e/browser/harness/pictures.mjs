// The guide's pictures: those that the stories take, those that lie in `docs/images` and those that the pages show are the same.

import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

/** Every file below a folder that ends so. */
function below(folder, end) {
  return readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(end)).map((name) => join(folder, name));
}

/** What is wrong with them; `taken` are the labels of all pictures of the whole walk, `root` is the project's folder. */
export function wrongPictures(taken, root) {
  const folder = join(root, 'docs', 'images');
  const there = readdirSync(folder);
  const wrong = [];
  const twice = taken.filter((label, at) => taken.indexOf(label) !== at);
  for (const label of new Set(twice)) wrong.push(`two stories take the picture ${label}`);
  for (const label of new Set(taken)) if (!there.includes(`${label}.png`)) wrong.push(`docs/images/${label}.png is missing: take the pictures anew (CONTRIBUTING.md)`);
  for (const name of there) if (!taken.includes(name.replace(/\.png$/, ''))) wrong.push(`docs/images/${name} is taken by no story`);

  const shown = new Set();
  const pages = [...below(join(root, 'docs'), '.md'), ...readdirSync(root).filter((name) => name.endsWith('.md')).map((name) => join(root, name))];
  for (const page of pages) {
    for (const [, alt, target] of readFileSync(page, 'utf8').matchAll(/!\[([^\]]*)\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const picture = relative(folder, resolve(page, '..', target));
      shown.add(picture);
      if (alt.trim().length < 12) wrong.push(`${relative(root, page)} shows ${target} without saying what is to be seen`);
      if (!there.includes(picture)) wrong.push(`${relative(root, page)} shows ${target}, which is not there`);
    }
  }
  for (const name of there) if (!shown.has(name)) wrong.push(`no page shows docs/images/${name}`);
  return wrong;
}
