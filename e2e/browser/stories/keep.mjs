// What is held is decided about many at a time, after a question; the list goes into a file; a mail is had as it came; an address is erased,
// counted first, and confirmed with the address.

import { until } from '../harness/wait.mjs';

const mailbox = 'support@contoso.test';
const dora = 'dora@customer.example';

const rules = `profile = "desk"

[[rule]]
name = "bills"
when = 'mail.subject.mentions("invoice")'
hold = "bills are looked at by a person"
`;

export default {
  name: 'keep',
  title: 'Held mail is decided about together, the list is a file, an address is erased with a report',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    await owner.connect(mailbox);
    await world.deliver(mailbox, 'The printer of Dora', { from: `Dora Dean <${dora}>`, text: 'Hello,\n\nit smells of toner.\n' });
    const issue = await world.issue('The printer of Dora');

    // A profile that holds.
    await owner.open('/profiles');
    await owner.press('New profile');
    await page.fill('#document', rules);
    await owner.leads(page.locator('button[value=save]'));
    await owner.open('/sources');
    await owner.ofRow(mailbox, 'Change settings');
    await page.selectOption('[name=profile]', { label: 'desk' });
    await owner.confirm();
    for (const subject of ['Invoice 1', 'Invoice 2', 'Invoice 3']) await world.deliver(mailbox, subject);
    await world.deliver(mailbox, 'Invoice of Dora', { from: `Dora Dean <${dora}>` });
    await world.deliver(mailbox, 'Invoice in copy', { text: `Hello,\n\nask ${dora} for it.\n` });
    await owner.open('/messages?filter=held');
    await until('five are held', async () => (await page.locator('a.row-link').count()) === 5);

    // Several at once: ticked, asked, done.
    const tick = (subject) => page.locator('tr', { has: page.locator('a.row-link', { hasText: subject }) }).locator('input[type=checkbox]').check();
    await tick('Invoice 1');
    await tick('Invoice 2');
    t.contains(await page.locator('[data-ticked]').innerText(), ['2 of 5 ticked'], 'below the list');
    await t.look(owner, 'messages-held', { picture: true });
    await owner.press('Discard the ticked');
    t.contains(await owner.text(), ['Discard 2 mails?', 'neither issues nor comments', 'Invoice 1', 'Invoice 2'], 'the question');
    await t.look(owner, 'discard-together');
    await owner.press('Discard 2 mails');
    t.contains(await page.locator('body').innerText(), ['2 mails are discarded'], 'what was done');
    await until('three are held', async () => (await page.locator('a.row-link').count()) === 3);
    await page.locator('.together details.menu > summary').click();
    await t.glance(owner, 'all-that-are-held');
    await owner.press('Retry all of this list');
    t.contains(await owner.text(), ['Retry 3 mails?'], 'the question about all');
    await owner.press('Leave them held');
    t.check((await page.locator('a.row-link').count()) === 3, 'leaving them held did not leave them');

    // What stands in the text is found where it is wished, and goes into files.
    await owner.open('/messages');
    await page.fill('#q', 'toner');
    await owner.leads(page.locator('.refine button'));
    t.contains(await owner.text(), ['No mail matches'], 'a search without the text');
    await page.check('#in-text');
    await owner.leads(page.locator('.refine button'));
    t.check((await page.locator('a.row-link').allInnerTexts()).join() === 'The printer of Dora', 'the text is not searched');
    await t.look(owner, 'search-in-text');
    const csv = await page.evaluate(async () => (await fetch(document.querySelector('.exports a').href)).text());
    t.check(csv.split('\r\n').length === 3 && csv.includes('The printer of Dora') && csv.includes(issue.key), `the CSV is: ${csv}`);
    const json = JSON.parse(await world.command('messages', 'export', '--format', 'json', '--filter', 'held'));
    t.check(json.map((line) => line.subject).sort().join() === 'Invoice 3,Invoice in copy,Invoice of Dora', `the JSON is: ${JSON.stringify(json)}`);

    // A mail as it came.
    await owner.leads(page.locator('a.row-link', { hasText: 'The printer of Dora' }));
    await owner.press('Source');
    await t.look(owner, 'source-of-a-mail');
    const [download] = await Promise.all([page.waitForEvent('download'), owner.named('Download it as it came').click()]);
    t.check(/^mail-[0-9a-f-]+\.(json|eml)$/.test(download.suggestedFilename()), `the file is called ${download.suggestedFilename()}`);

    // An address: counted, confirmed, erased.
    await owner.open('/settings');
    await owner.press('See what is kept, or erase an address');
    await page.fill('#address', 'dora');
    await owner.submit({ refused: 422 });
    t.contains(await owner.errorAt('address'), ['This is not an address'], 'what is no address');
    await page.fill('#address', dora);
    await owner.submit();
    const report = page.locator('.erasure').first();
    await until('it is counted', async () => (await report.getAttribute('data-state')) === 'counted');
    t.contains(await report.innerText(), ['an address at customer.example', '3 mails would be erased here: 2 that it sent, 1 of others that name it', 'Of these, 2 mails wait for a person', issue.key], 'the numbers');
    await t.look(owner, 'erase-counted', { picture: true });
    await report.locator('[name=address]').fill('casey@customer.example');
    t.want(/\/settings\/data\/[0-9a-f-]+\/erase$/, 422);
    await owner.press('Erase now');
    t.contains(await owner.text(), ['This is not the address that was counted'], 'another address');
    await t.look(owner, 'erase-refused');
    await page.locator('.erasure').first().locator('[name=address]').fill(dora);
    await owner.press('Erase now');
    await until('it is erased', async () => (await report.getAttribute('data-state')) === 'done');
    t.contains(await report.innerText(), ['3 mails erased here', '2 mails waited for a person and ended as ignored', issue.key], 'the report');
    await t.look(owner, 'erased');
    t.check(!(await page.content()).includes(dora), 'the address stands in the page');
    await owner.open('/messages');
    t.check((await page.locator('a.row-link', { hasText: '(erased)' }).count()) === 3, 'three mails are not erased');
    await owner.leads(page.locator('a.row-link', { hasText: '(erased)' }).last());
    t.contains(await owner.text(), ['no longer kept', issue.key], 'an erased mail');
    await t.look(owner, 'erased-mail');
    t.check((await world.issues('The printer of Dora')).length === 1, 'what is in Jira was touched');

    // The same from the command line, and mail that was erased is not handled again.
    const said = await world.command('erase', 'casey@customer.example');
    t.contains(said, ['mails would be erased here', 'Nothing was erased. Say --yes'], 'the command line');
    t.contains(await world.command('erase'), ['customer.example', 'done'], 'the list on the command line');
    await world.deliver(mailbox, 'After it all');
    await world.issue('After it all');
    t.check((await world.issues('The printer of Dora')).length === 1, 'an erased mail was handled again');
  },
};
