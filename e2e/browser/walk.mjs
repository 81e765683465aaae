// A person's first quarter of an hour with Postroom, in a real browser: owner account, Sign in with Microsoft, consent,
// confirmation, ping, a mail written in Outlook, its issue in Jira, the message with its trace. Fails on any console error,
// CSP violation or axe finding; saves screenshots in light and dark, 1280 and 390 pixels wide.
//
// Usage: CHROMIUM=/usr/bin/chromium node walk.mjs POSTROOM_BINARY SCREENSHOT_FOLDER

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

const [binary, shots] = process.argv.slice(2);
mkdirSync(shots, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), 'postroom-walk-'));
const findings = [];
let count = 0;

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

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });

function watch(page) {
  page.on('console', (message) => {
    if (message.type() === 'error') findings.push(`console on ${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => findings.push(`script on ${page.url()}: ${error.message}`));
  page.on('response', (response) => {
    if (response.status() >= 500) findings.push(`${response.status()} on ${response.url()}`);
  });
}

async function axe(page, name) {
  const result = await new AxeBuilder({ page }).analyze();
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
      await page.screenshot({ path: join(shots, `${number}-${name}-${scheme}-${width}.png`), fullPage: true });
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (sideways > 1) findings.push(`${name} scrolls ${sideways} pixels sideways at ${width}`);
    }
    await axe(page, `${name} (${scheme})`);
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.setViewportSize({ width: 1280, height: 900 });
  console.log(`ok ${name}`);
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
  await page.click('button[type=submit]');
  if ((await page.locator('.error').count()) === 0) findings.push('a short password is not refused in words');
  if ((await page.inputValue('[name=email]')) !== 'olivia@contoso.test') findings.push('the form forgot what was typed');
  await page.fill('[name=password]', 'correct horse battery staple');
  await page.click('button[type=submit]');
  await page.waitForURL((url) => url.pathname !== '/setup');
  await look(page, 'overview-empty');

  await page.click('nav >> text=Message Sources');
  await look(page, 'sources-empty');
  await page.locator('button:has-text("Sign in with Microsoft")').first().click();
  await page.waitForURL((url) => url.origin !== base);
  await look(page, 'microsoft-account');
  await page.locator(`button:has-text("${mailbox}"), button[value="${mailbox}"]`).first().click();
  await page.waitForLoadState();
  if (await page.locator('input[type=password]').count()) {
    await look(page, 'microsoft-password');
    await page.fill('input[type=password]', password);
    await page.click('button[type=submit]');
    await page.waitForLoadState();
  }
  if (new URL(page.url()).origin !== base) {
    await look(page, 'microsoft-consent');
    await page.locator('button:has-text("Accept"), button[value=accept]').first().click();
  }
  await page.waitForURL((url) => url.origin === base);
  await look(page, 'signed-in');
  if (!page.url().includes('/sources/new')) {
    await page.locator('a[href^="/sources/new"]').first().click();
  }
  await page.waitForURL(/\/sources\/new/);
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
  await page.locator('button:has-text("Ping"), button:has-text("ping"), [title*="ing"]').first().click();
  await until('the ping says what it found', async () => /signed in|allowed|mailbox/i.test(await page.locator('main').innerText()));
  await look(page, 'ping');

  const mail = await context.newPage();
  watch(mail);
  await mail.goto(outlook);
  await look(mail, 'outlook');
  const subject = `Written in the browser ${Date.now()}`;
  await writeMail(mail, subject);
  await look(mail, 'outlook-sent');

  const key = await until('the issue', async () => {
    await page.goto(`${base}/messages`);
    const text = await page.locator('main').innerText();
    const at = text.indexOf(subject);
    return at >= 0 ? (text.slice(Math.max(0, at - 200), at + 300).match(/SUP-\d+/) ?? [null])[0] : null;
  });
  await look(page, 'messages');
  await page.locator(`a:has-text("${subject}")`).first().click();
  await page.waitForURL(/\/messages\/[0-9a-f-]+/);
  const trace = await page.locator('main').innerText();
  if (!/new-issue/.test(trace)) findings.push('the message does not show the rule that matched');
  await look(page, 'message');

  await mail.goto(new URL(`/browse/${key}`, jira).href);
  const issue = await mail.locator('main, body').first().innerText();
  if (!issue.includes(subject)) findings.push(`${key} does not show the subject`);
  await look(mail, 'jira-issue');
  await mail.goto(jira);
  await look(mail, 'jira-project');

  for (const [path, name] of [['/', 'overview'], ['/jira', 'jira'], ['/settings', 'settings'], ['/nothing-here', 'not-found']]) {
    const response = await page.goto(base + path);
    if (name !== 'not-found' && response.status() !== 200) findings.push(`${path}: ${response.status()}`);
    await look(page, name);
  }
  // A page that is not there is a page, too; its 404 in the console is not an error of ours.
  const source = page.locator('a.row-link').first();
  await page.goto(`${base}/sources`);
  await source.click();
  await page.waitForURL(/\/sources\/[0-9a-f-]+/);
  await look(page, 'source');

  // The keyboard alone.
  await page.goto(`${base}/messages`);
  await page.keyboard.press('?');
  if ((await page.locator('dialog[open]').count()) === 0) findings.push('`?` shows no help');
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  const focused = await page.evaluate(() => document.activeElement?.getAttribute('type') ?? document.activeElement?.tagName);
  if (!/search|text|INPUT/i.test(String(focused))) findings.push('`/` does not lead to the search');
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

async function writeMail(page, subject) {
  const link = page.locator('a:has-text("Write"), a:has-text("New mail")').first();
  if (await link.count()) {
    await link.click();
    await page.waitForLoadState();
  }
  await look(page, 'outlook-write');
  await page.fill('[name=to]', mailbox);
  await page.fill('[name=subject]', subject);
  await page.fill('[name=body], [name=text]', 'Hello,\n\nthis was written in a browser.\n');
  await page.locator('button[type=submit]:has-text("Send")').first().click();
  await page.waitForLoadState();
}

const real = findings.filter((finding) => !/nothing-here/.test(finding));
for (const finding of real) console.log(`FINDING ${finding}`);
console.log(`walk: ${count} pages looked at, ${real.length} findings, screenshots in ${shots}`);
process.exit(real.length === 0 ? 0 : 1);
