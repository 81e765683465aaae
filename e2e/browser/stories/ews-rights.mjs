// EWS with rights on other mailboxes: a shared one through an account that was let in, and mailboxes in the name of their owner by application
// permission. Each right that is missing is told with what gives it.

import { until } from '../harness/wait.mjs';

const support = 'support@contoso.test';
const anna = 'anna@contoso.test';
const outside = 'billing@contoso.test';

/** *Create*, *Over EWS*: for an account of the list, or for another one. */
async function create(owner, account = 'Another account') {
  await owner.open('/sources');
  await owner.menu('Create', 'Over EWS (legacy)');
  const option = owner.page.locator('[name=account] option', { hasText: account }).first();
  await owner.page.selectOption('[name=account]', await option.getAttribute('value'));
}

/** Whom EWS was asked for, by whom. */
async function asked(world, operation) {
  return (await world.lever('/ews/requests')).filter((request) => request.operation === operation);
}

export const shared = {
  name: 'ews-shared-mailbox',
  title: 'A shared mailbox over EWS: typed, its folder chosen, read; a right that is missing is told',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    await owner.makeOwner(world.setup);
    const rights = (grant) => world.lever('/delegates', { mailbox: support, user: anna, grant, rights: ['full_access'] });
    await rights(true);
    await world.lever(`/mailboxes/${support}/folders`, { name: 'Orders', parent: 'inbox' });
    await world.deliver(support, 'An order over EWS', { folder: 'Inbox/Orders' });

    // Signed in for EWS alone, which covers shared mailboxes, too.
    await create(owner);
    await owner.submit();
    await owner.atMicrosoft(anna);
    t.check(owner.page.url().includes('/sources/new'), `after the sign-in it goes on to ${owner.page.url()}`);
    await owner.fillSource({ mailbox: outside });
    await owner.showFolders();
    t.contains(await owner.errorAt('mailbox'), [/cannot be opened/, `Add-MailboxPermission -Identity ${outside} -User ${anna}`], 'a mailbox without rights');
    await t.look(owner, 'no-rights');
    await owner.fillSource({ mailbox: support });
    await owner.showFolders();
    await owner.fillSource({ folder: 'Inbox/Orders', start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    t.contains(await owner.dryRun(), ['An order over EWS', 'becomes a Task in SUP'], 'the dry run');
    await t.look(owner, 'dry-run');
    await owner.confirm();
    t.contains(await owner.rowSees(support, 'online'), ['EWS', 'Orders'], 'the line');
    await world.issue('An order over EWS');
    await until('the mark on the handled mail', async () => (await world.messages(support)).find((mail) => mail.subject === 'An order over EWS').is_read);
    const checks = await owner.ping(support);
    t.check(checks.every((check) => check.good), `the ping: ${checks.map((check) => `${check.name}: ${check.text}`).join(' | ')}`);
    t.contains(checks.map((check) => check.text).join('\n'), [`as ${anna}`, `the shared mailbox ${support}`], 'the ping');
    await t.look(owner, 'sources');
    const anchors = new Set((await asked(world, 'SyncFolderItems')).map((request) => JSON.stringify(request).includes(support)));
    t.check(anchors.size === 1 && anchors.has(true), 'the shared mailbox is not the one that Exchange is asked for');
    await owner.leads(owner.row(support).locator('a.row-link'));
    t.contains(await owner.text(), [/Read as\s+anna@contoso.test/, /Connection type\s+EWS/], 'the page of the source');

    // The right goes: the source stops and says which; given back, what waited is handled.
    await rights(false);
    await owner.open('/sources');
    t.contains(await owner.rowSees(support, 'offline'), ['Try now'], 'the line without the right to read');
    await world.deliver(support, 'Waited for the right', { folder: 'Inbox/Orders' });
    await owner.leads(owner.row(support).locator('a.row-link'));
    t.contains(await owner.text(), [/must act/, anna, support], 'the page without the right to read');
    await t.look(owner, 'right-gone');
    await rights(true);
    await owner.press('Try now');
    await owner.open('/sources');
    await owner.rowSees(support, 'online');
    await world.issue('Waited for the right');
    t.check((await world.issues('An order over EWS')).length === 1, 'a mail was handled twice');
  },
};

export const application = {
  name: 'ews-application',
  title: 'Application permission over EWS: a role of its own, read in the name of the owner, a fence of its own',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    await world.deliver(support, 'In its name');
    const granted = (...roles) => world.lever('/enterprise-applications', { roles });
    const fence = (...roles) => world.lever('/fences', { kind: 'rbac', roles, mailboxes: [support] });
    await granted();
    await fence('Application Mail.ReadWrite');
    await owner.open('/sources');
    await owner.menu('Create', 'Application permission');
    await page.fill('[name=tenant]', 'contoso.test');
    await page.fill('[name=mailboxes]', support);
    await page.fill('[name=control]', outside);
    await owner.submit();
    t.contains(await owner.text(), ['The fence holds'], 'the page of the application');
    const here = page.url();

    // What lets it in over Graph does not over EWS: the form says which role is missing.
    await create(owner, 'application');
    await owner.submit({ refused: 422 });
    t.contains(await owner.text(), ['Application EWS.AccessAsApp', 'must act'], 'the form without the role');
    await t.look(owner, 'without-the-role');
    await fence('Application EWS.AccessAsApp');
    await create(owner, 'application');
    await owner.submit();
    t.check(page.url().includes('/sources/new'), `with the role it goes on to ${page.url()}`);
    t.check((await page.locator('select[name=mailbox] option').allTextContents()).join() === support, 'other mailboxes than the named ones are offered');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    t.contains(await owner.dryRun(), ['In its name', 'becomes a Task in SUP'], 'the dry run');
    await owner.confirm();
    t.contains(await owner.rowSees(support, 'online'), ['EWS'], 'the line');
    await world.issue('In its name');
    const checks = await owner.ping(support);
    t.check(checks.every((check) => check.good), `the ping: ${checks.map((check) => `${check.name}: ${check.text}`).join(' | ')}`);
    t.contains(checks.map((check) => check.text).join('\n'), ['as its owner'], 'the ping');
    await t.look(owner, 'sources');

    // The fence is proven over both ways; a role for every mailbox is found out.
    await page.goto(here);
    await owner.press('Check');
    t.contains(await owner.text(), ['The fence holds', 'Fence over EWS', 'is refused, as it should be'], 'the page with a fence over both');
    await t.look(owner, 'fenced');
    await granted('full_access_as_app');
    await world.lever('/tokens', { expire: true });
    await page.goto(here);
    await owner.press('Check');
    t.contains(await owner.text(), ['reaches every mailbox of the tenant', 'Fence over EWS'], 'the page with a role for every mailbox');
    await t.look(owner, 'open-over-ews');
  },
};
