// After an administrator has registered the app, the mailbox's own user takes the account's place: place, settings and history stay. Of a
// source, and of an outbound.

import { until } from '../harness/wait.mjs';

const administrator = 'admin@contoso.test';
const support = 'support@contoso.test';
const reader = 'bruno@contoso.test';

export default {
  name: 'swap',
  title: "The account is replaced by the mailbox user's own, of a source and of an outbound; somebody else has to be confirmed",
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup, { email: reader });
    await owner.signIn(administrator);
    await owner.open('/sources');
    await owner.menu('Create', 'Shared mailbox');
    await owner.atMicrosoft(administrator);
    await owner.press('Choose folder and project');
    await world.deliver(support, 'Before the swap');
    await owner.fillSource({ mailbox: support });
    await owner.showFolders();
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    await owner.confirm();
    await owner.rowSees(support, 'online');
    await world.issue('Before the swap');

    // The account's page has the button, too; a source's page leads to it.
    await owner.leads(owner.row(support).locator('a.row-link'));
    await owner.press(administrator);
    t.contains(await owner.text(), [administrator, 'Replace by another account'], 'the page of the account');
    await t.look(owner, 'replace-account', { picture: true });

    // Validate, and another account comes back than the one before: nothing is changed before somebody says so.
    await owner.open('/sources');
    t.want(/\/oauth\/callback\?/, 422);
    // Whoever sits at the browser now is signed in at Microsoft as nobody yet.
    await owner.forgetMicrosoft();
    const validate = owner.row(support).getByRole('button', { name: 'Validate: sign in again' });
    await owner.leads(validate);
    await owner.atMicrosoftAsAnother(support);
    t.contains(await owner.text(), ['Another account signed in', administrator, support, 'Nothing was changed', '1 source keeps its place', 'no mail is handled twice and none is left out', 'needs rights on them'], 'the page after another account');
    await t.look(owner, 'swap', { picture: true });
    await owner.press(`Let ${support} take over`);
    await owner.atMicrosoft(support);
    t.contains(await owner.text(), [`${support} is signed in and takes over 1 source`, 'goes on where it stood'], 'the list after the swap');
    const checks = await owner.ping(support);
    t.check(checks.every((check) => check.good), `the ping after the swap: ${checks.map((check) => check.text).join(' | ')}`);
    await world.deliver(support, 'After the swap');
    await world.issue('After the swap');
    t.check((await world.issues('Before the swap')).length === 1, 'a mail was handled twice');
    await owner.leads(owner.row(support).locator('a.row-link'));
    t.contains(await owner.text(), [/Read as\s+support@contoso.test/, `takes the place of ${administrator} from now on`], 'the page of the source');
    await t.look(owner, 'after-the-swap');

    // The administrator's sign-in is not used any more, and is removed.
    await owner.open('/sources');
    await owner.removeRow(administrator);
    t.contains(await owner.text(), [`The sign-in of ${administrator} was removed`], 'the list');

    // The same of what sends. The administrator sends from the mailbox; its own user has signed in to read it only.
    await world.lever('/delegates', { mailbox: support, user: administrator, grant: true, rights: ['full_access', 'send_as'] });
    await owner.open('/outbounds');
    await owner.forgetMicrosoft();
    await owner.menu('Create', 'Shared mailbox');
    await owner.atMicrosoft(administrator);
    await page.fill('[name=mailbox]', support);
    await page.fill('[name=from_name]', 'Contoso Support');
    await owner.submit();
    t.contains(await owner.rowSees(support, 'online'), ['Contoso Support'], 'the line of the outbound');
    await owner.forgetMicrosoft();
    await owner.leads(owner.row(support).getByRole('button', { name: 'Validate: sign in again' }));
    await owner.atMicrosoftAsAnother(support);
    t.contains(await owner.text(), ['Another account signed in', administrator, support, 'Nothing was changed', '1 outbound keeps its place', 'and to send as them'], 'the page after another account of an outbound');
    t.check(!(await owner.text()).includes('1 source'), 'the swap of an outbound names a source that the account does not read');
    await t.look(owner, 'swap-of-an-outbound');
    await owner.press(`Let ${support} take over`);
    await owner.atMicrosoft(support);
    t.check(new URL(page.url()).pathname === '/outbounds', `after the swap it goes on to ${page.url()}`);
    t.contains(await owner.text(), [`${support} is signed in and takes over 1 outbound. Ping to see whether it may`], 'the list after the swap of an outbound');
    const sends = await owner.ping(support);
    t.check(sends.every((check) => check.good), `the ping of the outbound after the swap: ${sends.map((check) => `${check.name}: ${check.text}`).join(' | ')}`);
    await until('the test mail', async () => (await world.messages(reader)).find((mail) => mail.subject === `Postroom: test mail from ${support}`));
    await owner.leads(owner.row(support).locator('a.row-link'));
    t.contains(await owner.text(), [/Sent as\s+support@contoso.test/, 'Contoso Support', `takes the place of ${administrator} from now on`], 'the page of the outbound');
  },
};
