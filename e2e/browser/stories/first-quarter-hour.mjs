// A person's first quarter of an hour, on `postroom demo` as the README has it: owner account, Sign in with Microsoft, consent,
// confirmation, ping, a mail written in Outlook, its issue in Jira, the message with its trace.

import { startDemo } from '../harness/world.mjs';
import { until } from '../harness/wait.mjs';

const mailbox = 'support@contoso.test';
const sentence = 'the mixer at <Mill & Sons> hums at 50 Hz — since Tuesday.';
const notes = 'Noted at the mill:\nit hums.\n';

export default {
  name: 'first-quarter-hour',
  title: 'From the one-time link to an issue in Jira',
  world: false,
  async run(t) {
    const demo = await startDemo(t.binary);
    t.ends(() => demo.stop());
    await walk(t, demo);
  },
};

async function walk(t, demo) {
  const owner = await t.person({ base: demo.base });
  const { page } = owner;
  await page.goto(demo.setup);
  await t.look(owner, 'set-up');
  // Wrong input first: it is refused in words, and what was typed stays.
  await page.fill('[name=name]', 'Olivia Owner');
  await page.fill('[name=email]', 'olivia@contoso.test');
  await page.fill('[name=password]', 'short');
  t.want(`${demo.base}/setup`, 422);
  await owner.leads(page.locator('main button[type=submit]'));
  await page.locator('.error').first().waitFor();
  await t.look(owner, 'set-up-refused');
  t.check((await page.inputValue('[name=email]')) === 'olivia@contoso.test', 'the form forgot what was typed');
  await page.fill('[name=password]', 'correct horse battery staple');
  await owner.leads(page.locator('main button[type=submit]'));
  t.contains(await owner.text(), ['Three steps to the first issue'], 'the first overview');
  await t.look(owner, 'overview-empty');

  await owner.leads(page.locator('.side nav >> text=Message Sources'));
  t.contains(await owner.text(), ['No mailbox is read yet', 'nothing is read'], 'the empty list');
  await t.look(owner, 'sources-empty');
  await owner.press('Sign in with Microsoft');
  const looked = new Set();
  await owner.atMicrosoft(mailbox, {
    async on(step, at) {
      const mail = step === 'consent' && (await at.locator('text=Mail.ReadWrite').count());
      const label = { accounts: 'microsoft-account', password: 'microsoft-password', consent: mail ? 'microsoft-consent-mail' : 'microsoft-consent' }[step];
      if (label && !looked.has(label)) await t.look(owner, label);
      looked.add(label);
    },
  });
  const granted = await owner.text();
  t.contains(granted, [mailbox, 'Mail.ReadWrite'], 'the page after the sign-in');
  t.check(!/not granted/.test(granted), 'a full consent is shown as lacking something');
  await t.look(owner, 'signed-in', { picture: true });

  await owner.press('Choose folder and project');
  t.contains(await owner.text(), ['Nothing is read until you confirm', 'lie in the folder now'], 'the confirmation');
  await t.look(owner, 'confirm', { picture: true });
  await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
  t.contains(await owner.dryRun(), ['nothing was written', 'becomes a Task in SUP'], 'the dry run');
  await t.look(owner, 'confirm-dry-run', { picture: true });
  await owner.confirm();
  await owner.rowSees(mailbox, 'online');
  await t.look(owner, 'sources-new', { picture: true });
  const checks = await owner.ping(mailbox);
  t.check(checks.every((check) => check.good), `the ping of a healthy source is not good: ${checks.map((check) => check.text).join(' | ')}`);
  t.contains(checks.map((check) => check.name).join(', '), ['Token, Identity, Mailbox, Folder, Count, Right to write, Quota, ', 'Jira sign-in', 'Permissions', 'Issue type'], 'the ping');
  t.check(checks.every((check) => /\d/.test(check.took)), 'a line of the ping has no time');
  await t.look(owner, 'ping', { picture: true });

  const outsider = await t.person({ base: demo.base });
  const mail = outsider.page;
  await mail.goto(demo.outlook);
  await t.look(outsider, 'outlook');
  const subject = `Written in the browser ${Date.now()}`;
  await write(t, outsider, subject);
  await t.look(outsider, 'outlook-sent');

  const row = page.locator('tr', { has: page.locator('a.row-link', { hasText: subject }) });
  await owner.open('/messages');
  // The list brings itself up to date.
  await row.locator('.issue-cell a').waitFor({ timeout: 60_000 });
  const key = (await row.locator('.issue-cell a').innerText()).trim();
  await until('an end of every mail', async () => !/working|waiting/i.test((await page.locator('.end-cell').allInnerTexts()).join(' ')), { within: 60_000 });
  await t.look(owner, 'messages');
  await owner.leads(row.locator('a.row-link'));
  t.contains(await owner.text(), ['new-issue', 'notes.txt'], 'the message');
  // The frame allows no script, not even Playwright's: what it shows is asked for beside it.
  const framed = await page.request.get(new URL(await page.getAttribute('iframe.mail-frame', 'src'), demo.base).href);
  t.check((await framed.text()).includes('hums at 50 Hz'), 'the message does not show the mail');
  await t.look(owner, 'message');
  for (const [view, name] of [['Text and what was cut', 'message-text'], ['Source', 'message-source']]) {
    await page.click(`nav[aria-label="Views of the mail"] >> text=${view}`);
    await page.locator('pre.mail-text').first().waitFor();
    await t.look(owner, name);
  }

  // What people find in Jira: the subject, the body as a page shows it, the file, the picture in its place.
  await mail.goto(new URL(`/browse/${key}`, demo.jira).href);
  const issue = await outsider.text();
  const description = await mail.locator('.rich').first().innerText();
  t.contains(issue, [subject, 'square.png', 'notes.txt'], key);
  t.check(description.includes(sentence), `${key} does not show the body: ${description}`);
  const file = await mail.request.get(await mail.locator('a:has-text("notes.txt")').first().evaluate((link) => link.href));
  t.check((await file.text()) === notes, `${key}: the attachment's content is not what was sent`);
  const widths = await mail.locator('.rich img').evaluateAll((all) => all.map((image) => image.naturalWidth));
  t.check(widths.join() === '8', `${key} does not show the picture in its place: widths ${widths}`);
  await t.look(outsider, 'jira-issue');
  await mail.goto(demo.jira);
  await t.look(outsider, 'jira-project');
}

// Writes as somebody outside whom Exchange believes: with a file, and a picture that stands in the text.
async function write(t, outsider, subject) {
  const { page } = outsider;
  await page.locator('[data-testid=new-mail]').click();
  await page.locator('[data-testid=write]').waitFor();
  await page.selectOption('[name=from]', 'outside');
  await page.fill('[name=outside]', 'Casey Customer <casey@customer.example>');
  await page.fill('[name=to]', mailbox);
  await page.fill('[name=subject]', subject);
  await page.fill('[name=body]', `Hello,\n\n${sentence}\n`);
  await page.setInputFiles('[name=files]', { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from(notes) });
  await page.setInputFiles('[name=image]', { name: 'square.png', mimeType: 'image/png', buffer: await square(outsider) });
  await t.look(outsider, 'outlook-write');
  await page.click('[data-testid=send]');
  await page.waitForURL((url) => url.pathname !== '/write');
}

// A picture of 8 by 8 pixels, painted by the browser.
async function square({ context }) {
  const page = await context.newPage();
  await page.setViewportSize({ width: 8, height: 8 });
  await page.setContent('<body style="background: teal">');
  const picture = await page.screenshot();
  await page.close();
  return picture;
}
