// One account, a mailbox that is shared with it: read into issues and sent from, as far as its rights on the mailbox go; each right that is
// taken away is told with what gives it back.

import { until } from '../harness/wait.mjs';

const anna = 'anna@contoso.test';
const shared = 'support@contoso.test';
const reader = 'bruno@contoso.test';

export default {
  name: 'shared-both-ways',
  title: 'A shared mailbox is read and sent from through an account with rights; a right that goes is told',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup, { email: reader });
    const rights = (grant, ...names) => world.lever('/delegates', { mailbox: shared, user: anna, grant, rights: names });
    await rights(false, 'send_on_behalf');

    // Read: to an issue.
    await owner.open('/sources');
    await owner.press('Sign in with Microsoft');
    await owner.atMicrosoft(anna);
    await owner.open('/sources');
    await owner.menu('Create', 'Shared mailbox');
    await owner.atMicrosoft(anna);
    await owner.press('Choose folder and project');
    await owner.fillSource({ mailbox: shared });
    await owner.showFolders();
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    await owner.confirm();
    await owner.rowSees(shared, 'online');
    await world.deliver(shared, 'To the shared mailbox');
    await world.issue('To the shared mailbox');
    await until('the mark on the handled mail', async () => (await world.messages(shared)).find((mail) => mail.subject === 'To the shared mailbox').is_read);
    await owner.leads(owner.row(shared).locator('a.row-link'));
    t.contains(await owner.text(), [/Read as\s+anna@contoso.test/, /Push\s+off/], 'the page of the source');

    // Sent from: the permission for shared mailboxes is asked for where it is needed, and the test mail comes from the shared one.
    await owner.signIn(anna, { at: '/outbounds' });
    await page.fill('[name=mailbox]', shared);
    await owner.submit({ refused: 422 });
    t.check(/Mail\.Send\.Shared/.test(await owner.errorAt('mailbox')), `sending from a shared mailbox without the permission: ${await owner.errorAt('mailbox')}`);
    await page.fill('[name=mailbox]', anna);
    await owner.submit();
    await owner.menu('Create', 'Shared mailbox');
    await owner.atMicrosoft(anna);
    await page.fill('[name=mailbox]', shared);
    await owner.submit();
    t.contains(await owner.text(), [`${shared} can send`], 'the list');
    const good = await owner.ping(shared);
    t.check(good.every((check) => check.good), `the ping: ${good.map((check) => `${check.name}: ${check.text}`).join(' | ')}`);
    const tests = async () => (await world.messages(reader)).filter((mail) => mail.subject === `Postroom: test mail from ${shared}`);
    const [mail] = await until('the test mail', async () => (await tests()).length > 0 && tests());
    t.check(mail.from === shared, `the test mail comes from ${mail.from}`);
    await t.look(owner, 'outbound-shared');

    // The right to send goes: the ping says which, and how it is given back.
    await rights(false, 'send_as');
    await owner.open('/outbounds');
    const bad = await owner.ping(shared);
    t.contains(bad.filter((check) => !check.good).map((check) => check.text).join('\n'), [/ErrorSendAsDenied|may not send as/], 'the ping without the right to send');
    await t.look(owner, 'ping-without-send-as');
    await owner.open('/outbounds');
    await owner.rowSees(shared, 'offline', 30_000);
    t.contains(await owner.copies('Copy the command'), [`Add-RecipientPermission -Identity ${shared} -Trustee ${anna} -AccessRights SendAs`], 'the command');
    await owner.leads(owner.row(shared).locator('a.row-link'));
    t.contains(await owner.text(), ['ErrorSendAsDenied', 'administrator', 'must act', 'Send as'], 'the page of the outbound');
    await t.look(owner, 'outbound-without-send-as');
    await rights(true, 'send_as');
    await owner.open('/outbounds');
    const again = await owner.ping(shared);
    t.check(again.every((check) => check.good), `the ping after the right was given back: ${again.map((check) => check.text).join(' | ')}`);
    await owner.open('/outbounds');
    await owner.rowSees(shared, 'online', 30_000);
    t.check((await tests()).length === 2, `there are ${(await tests()).length} test mails`);

    // The right to read goes: the source stops and says so; given back, what waited is handled.
    await rights(false, 'full_access');
    await owner.open('/sources');
    t.contains(await owner.rowSees(shared, 'offline', 30_000), ['Try now'], 'the line without the right to read');
    await world.deliver(shared, 'Waited for the right to read');
    await t.look(owner, 'source-without-rights');
    await owner.leads(owner.row(shared).locator('a.row-link'));
    t.contains(await owner.text(), [/must act/, anna, shared], 'the page without the right to read');
    await rights(true, 'full_access');
    await owner.press('Try now');
    await owner.open('/sources');
    await owner.rowSees(shared, 'online', 30_000);
    await world.issue('Waited for the right to read');
    t.check((await world.issues('To the shared mailbox')).length === 1, 'a mail was handled twice');
  },
};
