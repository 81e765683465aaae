// Rules are written with a past mail beside them: what would happen is shown at each keystroke, a mistake with its place; saved rules count
// for the next mail, and a version before is a press away.

const mailbox = 'support@contoso.test';

const rules = (more) => `profile = "desk"

[[rule]]
name = "bills"
when = 'mail.subject.mentions("invoice")'
project = "BILL"
labels = ["from {{ mail.from.domain }}"]
${more}`;

export default {
  name: 'profiles',
  title: 'Rules are written against a past mail, saved, count for the next one, and are taken back',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    await owner.connect(mailbox);
    await world.deliver(mailbox, 'Invoice of old');
    await world.issue('Invoice of old');

    // Nothing is saved before it can work, and nothing is written by trying.
    await owner.open('/profiles');
    await t.look(owner, 'profiles-empty');
    await owner.press('New profile');
    await page.selectOption('#mail', { label: await page.locator('#mail option', { hasText: 'Invoice of old' }).first().textContent() });
    await page.fill('#document', rules('').replace('mail.subject', 'mail.subjct'));
    await page.locator('#tried', { hasText: 'Did you mean' }).waitFor();
    t.contains(await page.locator('#tried').innerText(), ['line 5, column 13', '`subjct`', '`subject`'], 'what a mistake says');
    await t.look(owner, 'profile-mistake');
    await page.fill('#document', rules(''));
    await page.locator('#tried', { hasText: 'It would become a new issue' }).waitFor();
    t.contains(await page.locator('#tried').innerText(), ['It became SUP-', 'BILL', 'from-customer.example', 'bills'], 'what would become of the mail');
    await t.look(owner, 'profile-tried', { picture: true });
    await owner.leads(page.locator('button[value=save]'));
    t.contains(await owner.text(), ['desk is saved as version 1', 'Version 1', 'in use'], 'the saved profile');

    // The source is handled by it from now on.
    await owner.open('/sources');
    await owner.ofRow(mailbox, 'Change settings');
    await page.selectOption('[name=profile]', { label: 'desk' });
    await owner.confirm();
    await world.deliver(mailbox, 'Invoice 4711');
    const issue = await world.issue('Invoice 4711');
    t.check(issue.key.startsWith('BILL-') && issue.labels.includes('from-customer.example'), `the rules did not count: ${issue.key} ${issue.labels}`);

    // What Jira does not take is refused while somebody looks at it; a version before is a press away.
    await owner.open('/profiles');
    await owner.leads(page.locator('a.row-link', { hasText: 'desk' }));
    await page.fill('#document', rules('priority = "Hihg"\n'));
    t.want(page.url(), 422);
    await owner.leads(page.locator('button[value=save]'));
    t.contains(await owner.text(), ['This cannot be saved', 'did you mean `High`'], 'a value that Jira does not take');
    await page.fill('#document', rules('priority = "High"\n'));
    await page.fill('#note', 'bills first');
    await owner.leads(page.locator('button[value=save]'));
    t.contains(await owner.text(), ['saved as version 2', 'bills first'], 'the second version');
    await owner.leads(page.locator('a', { hasText: 'Version 2' }));
    t.contains(await page.locator('.difference').innerText(), ['+ priority = "High"'], 'what the second version changed');
    await t.look(owner, 'profile-difference');
    await owner.press('Go back to it');
    t.contains(await owner.text(), ['as it was in version 1', 'saved as version 3', 'back to version 1'], 'the profile taken back');
    t.check(!(await page.locator('#document').inputValue()).includes('priority'), 'the document is not as it was');
  },
};
