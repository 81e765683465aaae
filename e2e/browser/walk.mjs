// A person's first quarter of an hour with Postroom, in a real browser: owner account, Sign in with Microsoft, consent,
// confirmation, ping, a mail written in Outlook, its issue in Jira, the message with its trace. Fails on any console error,
// CSP violation or axe finding; saves screenshots in light and dark, 1280 and 390 pixels wide.
//
// Usage: CHROMIUM=/usr/bin/chromium node walk.mjs POSTROOM_BINARY SCREENSHOT_FOLDER [PICTURE_FOLDER]
//
// With a PICTURE_FOLDER (docs/images), the pictures of the guides are taken anew.

import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axeCore from 'axe-core';
import { chromium } from 'playwright-core';

const [binary, shots, pictures] = process.argv.slice(2);
mkdirSync(shots, { recursive: true });
if (pictures) mkdirSync(pictures, { recursive: true });
// Pages that the guides show.
const shown = new Set([
  'microsoft-consent', 'signed-in', 'confirm', 'confirm-dry-run', 'ping', 'registration', 'set-up-microsoft',
  'create-ews', 'outbounds', 'new-channel',
]);
const folder = mkdtempSync(join(tmpdir(), 'postroom-walk-'));
const findings = [];
let count = 0;
const began = Date.now();

function line(stream, test) {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error(`not in 60 s; so far: ${text.slice(-2000)}`)), 60_000);
    stream.on('data', (chunk) => {
      text += chunk;
      const found = test(text);
      if (found) {
        clearTimeout(timer);
        resolve(found);
      }
    });
  });
}

const demo = spawn(binary, ['demo', '--port', '0', '--data', folder], { stdio: ['ignore', 'pipe', 'inherit'] });
demo.stdout.setEncoding('utf8');
const said = await line(demo.stdout, (text) => (text.includes('Ctrl-C') ? text : null));
const setup = said.match(/https?:\/\/\S+\/setup\?token=\S+/)[0];
const outlook = said.match(/Write a mail\s+(\S+)/)[1];
const jira = said.match(/See the issue\s+(\S+)/)[1];
const password = said.match(/password (\S+?)\)/)?.[1] ?? '';
const mailbox = 'support@contoso.test';
const base = new URL(setup).origin;
const sentence = 'the mixer at <Mill & Sons> hums at 50 Hz — since Tuesday.';
const notes = 'Noted at the mill:\nit hums.\n';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });

// Answers that the walk provokes: a page with this status at this address is what it wants to see. Chromium reports each
// 4xx document in the console, so these, and only these, are not errors. Each is used up by one answer.
const wanted = new Map();
function want(address, status) {
  wanted.set(address, status);
}

function watch(page) {
  page.on('console', (message) => {
    const at = message.location().url;
    const status = wanted.get(at);
    if (status && message.text().includes(`status of ${status}`)) return void wanted.delete(at);
    // Warnings count too: a page has nothing to warn about.
    if (['error', 'warning'].includes(message.type())) findings.push(`console on ${page.url()}: ${message.text()} (${at})`);
  });
  page.on('pageerror', (error) => findings.push(`script on ${page.url()}: ${error.message}`));
  page.on('response', (response) => {
    if (response.status() >= 500) findings.push(`${response.status()} on ${response.url()}`);
    if (response.status() >= 400 && !wanted.has(response.url())) findings.push(`${response.status()} on ${response.url()}`);
  });
}

async function axe(page, name) {
  // In the page alone, not in its frames: the one frame there is, the mail of a message, allows no script (axe would wait
  // for it for ever), and what is in it is its sender's. The frame itself, its title and its place, is looked at.
  await page.evaluate(axeCore.source);
  const result = await page.evaluate(() => window.axe.run(document, { iframes: false }));
  for (const violation of result.violations) {
    const where = violation.nodes.slice(0, 3).map((node) => `${node.target.join(' ')}: ${node.failureSummary?.split('\n')[1]?.trim() ?? ''}`);
    findings.push(`axe on ${name}: ${violation.id}: ${violation.help}: ${where.join(' | ')}`);
  }
}

// Looks at a page in both colours and both widths; nothing may scroll sideways on a phone.
async function look(page, name) {
  count += 1;
  const number = String(count).padStart(2, '0');
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
      const picture = join(shots, `${number}-${name}-${scheme}-${width}.png`);
      await page.screenshot({ path: picture, fullPage: true });
      if (pictures && shown.has(name) && scheme === 'light' && width === 1280) copyFileSync(picture, join(pictures, `${name}.png`));
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (sideways > 1) findings.push(`${name} scrolls ${sideways} pixels sideways at ${width}`);
    }
    await axe(page, `${name} (${scheme})`);
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.setViewportSize({ width: 1280, height: 900 });
  console.log(`ok ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
}

async function until(what, test, within = 60_000) {
  const end = Date.now() + within;
  for (;;) {
    const found = await test();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not in ${within / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

try {
  const page = await context.newPage();
  watch(page);

  await page.goto(setup);
  await look(page, 'set-up');
  // Wrong input first: it is refused in words, and what was typed stays.
  await page.fill('[name=name]', 'Olivia Owner');
  await page.fill('[name=email]', 'olivia@contoso.test');
  await page.fill('[name=password]', 'short');
  want(`${base}/setup`, 422);
  await page.click('main button[type=submit]');
  await page.locator('.error').first().waitFor({ timeout: 10_000 }).catch(() => {});
  await look(page, 'set-up-refused');
  if ((await page.locator('.error').count()) === 0) findings.push('a short password is not refused in words');
  if ((await page.inputValue('[name=email]')) !== 'olivia@contoso.test') findings.push('the form forgot what was typed');
  await page.fill('[name=password]', 'correct horse battery staple');
  await page.click('main button[type=submit]');
  await page.waitForURL((url) => url.pathname !== '/setup');
  await look(page, 'overview-empty');

  await page.click('.side nav >> text=Message Sources');
  await page.waitForURL(/\/sources$/);
  await look(page, 'sources-empty');
  await page.locator('main button:has-text("Sign in with Microsoft")').first().click();
  await page.waitForURL((url) => url.origin !== base);
  await look(page, 'microsoft-account');
  await page.locator(`[data-testid=account][value="${mailbox}"]`).click();
  await page.locator('input[type=password]').waitFor();
  await look(page, 'microsoft-password');
  await page.fill('input[type=password]', password);
  await page.click('[data-testid=sign-in]');
  await page.locator('[data-testid=accept]').waitFor();
  await look(page, 'microsoft-consent');
  // Postroom asks for the basic permissions first and for the mail second: two pages, the second without picking an account.
  await page.click('[data-testid=accept]');
  await page.locator('text=Mail.ReadWrite').first().waitFor();
  if (new URL(page.url()).origin !== base) {
    await look(page, 'microsoft-consent-mail');
    await page.click('[data-testid=accept]');
  }
  await page.waitForURL((url) => url.origin === base);
  if (/not granted/.test(await page.locator('main').innerText())) findings.push('a full consent is shown as lacking something');
  await look(page, 'signed-in');
  await page.locator('a[href^="/sources/new"]').first().click();
  await page.waitForURL(/\/sources\/new/);
  await look(page, 'confirm');
  await page.check('input[name=start][value=everything]');
  await page.selectOption('[name=project]', { value: await optionValue(page, 'project', 'SUP') });
  await page.selectOption('[name=issue_type]', { value: await optionValue(page, 'issue_type', 'Task') });
  await page.check('input[name=handled][value=read]');
  await page.click('button[value=dry_run]');
  await page.waitForLoadState();
  await page.locator('#dry-run').waitFor();
  await look(page, 'confirm-dry-run');
  await page.click('button[value=confirm]');
  await page.waitForURL((url) => url.pathname === '/sources' || /\/sources\/[0-9a-f-]+$/.test(url.pathname));
  await page.goto(`${base}/sources`);
  await until('the source is online', async () => {
    await page.reload();
    return (await page.locator('main').innerText()).includes('online');
  });
  await look(page, 'sources');
  await page.locator('.source-rows .row-actions > form button').first().click();
  await page.locator('.ping .checks li').first().waitFor();
  const bad = await page.locator('.ping .checks li.bad').allInnerTexts();
  if (bad.length) findings.push(`the ping of a healthy source is not good: ${bad.join(' | ')}`);
  await look(page, 'ping');

  const mail = await context.newPage();
  watch(mail);
  await mail.goto(outlook);
  await look(mail, 'outlook');
  const subject = `Written in the browser ${Date.now()}`;
  await writeMail(mail, subject);
  await look(mail, 'outlook-sent');

  const row = page.locator('tr', { has: page.locator('a.row-link', { hasText: subject }) });
  const key = await until('the issue', async () => {
    await page.goto(`${base}/messages`);
    return (await row.locator('.issue-cell a').count()) ? (await row.locator('.issue-cell a').innerText()).trim() : null;
  });
  await until('an end of every mail', async () => {
    await page.goto(`${base}/messages`);
    return !/working|waiting/i.test((await page.locator('.end-cell').allInnerTexts()).join(' '));
  });
  await look(page, 'messages');
  await row.locator('a.row-link').click();
  await page.waitForURL(/\/messages\/[0-9a-f-]+/);
  const trace = await page.locator('main').innerText();
  if (!/new-issue/.test(trace)) findings.push('the message does not show the rule that matched');
  if (!trace.includes('notes.txt')) findings.push('the message does not show its attachment');
  // The frame allows no script, not even Playwright's: what it shows is asked for beside it.
  const framed = await page.request.get(new URL(await page.getAttribute('iframe.mail-frame', 'src'), base).href);
  if (!(await framed.text()).includes('hums at 50 Hz')) findings.push('the message does not show the mail');
  await look(page, 'message');
  for (const [view, name] of [['Text and what was cut', 'message-text'], ['Source', 'message-source']]) {
    await page.click(`nav[aria-label="Views of the mail"] >> text=${view}`);
    await page.locator('pre.mail-text').first().waitFor();
    await look(page, name);
  }

  // What people find in Jira: the subject, the body as a page shows it, the file, the picture in its place.
  await mail.goto(new URL(`/browse/${key}`, jira).href);
  const issue = await mail.locator('main').innerText();
  const description = await mail.locator('.rich').first().innerText();
  if (!issue.includes(subject)) findings.push(`${key} does not show the subject`);
  if (!description.includes(sentence)) findings.push(`${key} does not show the body: ${description}`);
  if (!issue.includes('square.png')) findings.push(`${key} does not keep the picture's name`);
  if (!issue.includes('notes.txt')) findings.push(`${key} does not show the attachment`);
  const file = await mail.request.get(await mail.locator('a:has-text("notes.txt")').first().evaluate((link) => link.href));
  if ((await file.text()) !== notes) findings.push(`${key}: the attachment's content is not what was sent`);
  const pictures = await mail.locator('.rich img').evaluateAll((all) => all.map((image) => image.naturalWidth));
  if (pictures.join() !== '8') findings.push(`${key} does not show the picture in its place: widths ${pictures}`);
  await look(mail, 'jira-issue');
  await mail.goto(jira);
  await look(mail, 'jira-project');

  // A page that is not there is a page, too.
  want(`${base}/nothing-here`, 404);
  const pages = [
    ['/', 'overview', 200],
    ['/jira', 'jira', 200],
    ['/jira/new', 'connect-jira', 200],
    ['/outbounds', 'outbounds', 200],
    ['/registrations', 'registrations', 200],
    ['/registrations/new', 'new-registration', 200],
    ['/registrations/set-up', 'set-up-microsoft', 200],
    ['/sign-in-links/new', 'new-sign-in-link', 200],
    ['/applications/new', 'new-application', 200],
    ['/sources/create-ews', 'create-ews', 200],
    ['/notices', 'notices', 200],
    ['/notices/channels/new?kind=teams', 'new-channel', 200],
    ['/settings', 'settings', 200],
    ['/settings/audit', 'audit', 200],
    ['/nothing-here', 'not-found', 404],
  ];
  for (const [path, name, status] of pages) {
    const response = await page.goto(base + path);
    if (response.status() !== status) findings.push(`${path}: ${response.status()}, not ${status}`);
    await look(page, name);
  }
  await page.goto(`${base}/sources`);
  await page.locator('a.row-link').first().click();
  await page.waitForURL(/\/sources\/[0-9a-f-]+/);
  await look(page, 'source');

  await page.goto(`${base}/registrations`);
  await page.locator('main a[href^="/registrations/"]:not([href$="/new"]):not([href*="set-up"])').first().click();
  await page.waitForURL(/\/registrations\/[0-9a-f-]{36}/);
  await look(page, 'registration');

  // The keyboard alone.
  await page.goto(`${base}/messages`);
  await page.keyboard.press('?');
  if ((await page.locator('dialog[open]').count()) === 0) findings.push('`?` shows no help');
  await look(page, 'keys');
  await page.keyboard.press('Escape');
  if (await page.locator('dialog[open]').count()) findings.push('Escape does not close the help');
  await page.keyboard.press('/');
  if (!(await page.locator('[data-search]').evaluate((search) => search === document.activeElement))) findings.push(`"/" does not lead to the search but to ${await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 120))}`);
  await page.keyboard.type(subject);
  await page.keyboard.press('Enter');
  await page.waitForURL(/q=/);
  if ((await page.locator('a.row-link').allInnerTexts()).join() !== subject) findings.push('the search does not find the one mail');
  await page.locator('main').focus();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/messages\/[0-9a-f-]+/);
  await page.keyboard.press('g');
  await page.keyboard.press('s');
  await page.waitForURL(/\/sources$/);
  // The first Tab on a page leads to the link that skips the navigation.
  await page.keyboard.press('Tab');
  if (!(await page.evaluate(() => document.activeElement.matches('.skip')))) findings.push('the first Tab does not lead to the skip link');

  // A phone: the menu opens, leads on, and lists what the rows' buttons do.
  await page.setViewportSize({ width: 390, height: 844 });
  await page.locator('.top-menu > summary').click();
  await page.screenshot({ path: join(shots, 'phone-menu.png') });
  await axe(page, 'phone menu');
  await page.locator('.top-menu nav >> text=Message Sources').click();
  await page.locator('.row-actions details.menu > summary').first().click();
  await page.screenshot({ path: join(shots, 'phone-actions.png') });
  await axe(page, 'phone actions');
} catch (error) {
  findings.push(`the walk ended early: ${error.stack ?? error}`);
  for (const [index, open] of context.pages().entries()) {
    await open.screenshot({ path: join(shots, `failed-${index}.png`), fullPage: true }).catch(() => {});
    findings.push(`page ${index} was at ${open.url()}: ${(await open.locator('body').innerText().catch(() => '')).slice(0, 600)}`);
  }
} finally {
  await browser.close();
  demo.kill('SIGTERM');
  await new Promise((resolve) => demo.once('exit', resolve));
  rmSync(folder, { recursive: true, force: true });
}

async function optionValue(page, select, text) {
  return page.locator(`[name=${select}] option`).evaluateAll(
    (options, wanted) => options.find((option) => option.textContent.includes(wanted))?.value,
    text,
  );
}

// Writes as somebody outside whom Exchange believes: with a file, and a picture that stands in the text.
async function writeMail(page, subject) {
  await page.locator('[data-testid=new-mail]').click();
  await page.locator('[data-testid=write]').waitFor();
  await page.selectOption('[name=from]', 'outside');
  await page.fill('[name=outside]', 'Casey Customer <casey@customer.example>');
  await page.fill('[name=to]', mailbox);
  await page.fill('[name=subject]', subject);
  await page.fill('[name=body]', `Hello,\n\n${sentence}\n`);
  await page.setInputFiles('[name=files]', { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from(notes) });
  await page.setInputFiles('[name=image]', { name: 'square.png', mimeType: 'image/png', buffer: await square() });
  await look(page, 'outlook-write');
  await page.click('[data-testid=send]');
  await page.waitForURL((url) => url.pathname !== '/write');
}

// A picture of 8 by 8 pixels, painted by the browser.
async function square() {
  const page = await context.newPage();
  await page.setViewportSize({ width: 8, height: 8 });
  await page.setContent('<body style="background: teal">');
  const picture = await page.screenshot();
  await page.close();
  return picture;
}

for (const [address, status] of wanted) findings.push(`${address} did not answer ${status}`);
for (const finding of findings) console.log(`FINDING ${finding}`);
console.log(`walk: ${count} pages looked at, ${findings.length} findings, screenshots in ${shots}`);
process.exit(findings.length === 0 ? 0 : 1);
