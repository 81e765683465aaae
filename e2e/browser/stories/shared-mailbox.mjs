// A shared mailbox, read by somebody who has rights on it: typed, its folder chosen, begun at a date; and the folder vanishes.

const anna = 'anna@contoso.test';
const shared = 'support@contoso.test';

export default {
  name: 'shared-mailbox',
  title: 'A shared mailbox is typed, its folder chosen; a folder that vanishes is told',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    await world.lever(`/mailboxes/${shared}/folders`, { name: 'Orders', parent: 'inbox' });
    const day = 86_400_000;
    await world.deliver(shared, 'An order of last week', { folder: 'Inbox/Orders', at: new Date(Date.now() - 6 * day).toISOString() });
    await world.deliver(shared, 'An order of last month', { folder: 'Inbox/Orders', at: new Date(Date.now() - 20 * day).toISOString() });
    await world.deliver(shared, 'An order', { folder: 'Inbox/Orders' });

    // Without the permission for shared mailboxes the form says how to get it.
    await owner.signIn(anna);
    await owner.press('Choose folder and project');
    await owner.fillSource({ mailbox: shared, start: 'everything' });
    await owner.confirm();
    t.check(/Create, Shared mailbox/.test(await owner.errorAt('mailbox')), `without the permission it says: ${await owner.errorAt('mailbox')}`);
    await t.look(owner, 'shared-not-granted');

    await owner.open('/sources');
    await owner.menu('Create', 'Shared mailbox');
    await owner.atMicrosoft(anna);
    t.contains(await owner.text(), [anna, 'Mail.ReadWrite.Shared'], 'the page after the sign-in');
    await owner.press('Choose folder and project');

    // A mailbox that anna has no rights on.
    await owner.fillSource({ mailbox: 'billing@contoso.test' });
    await owner.showFolders();
    t.check(/cannot be opened/.test(await owner.errorAt('mailbox')), `a mailbox without rights: ${await owner.errorAt('mailbox')}`);
    t.contains(await owner.errorAt('mailbox'), ['Add-MailboxPermission -Identity billing@contoso.test -User anna@contoso.test'], 'the command that gives the rights');
    await t.look(owner, 'shared-no-rights');

    // The one that she has: its folders are offered, its newest mails tried.
    await owner.fillSource({ mailbox: shared });
    await owner.showFolders();
    t.contains(await owner.text(), ['Inbox', 'Junk', 'Sent Items', '1 inside', 'Folders inside it are not read with it'], 'the tree of folders');
    await t.look(owner, 'folder-tree', { picture: true });
    // A path that is not there is refused; one that is there goes before the choice.
    await page.fill('[name=folder_path]', 'Inbox/Nowhere');
    await owner.confirm();
    t.check(/no folder of that path/.test(await owner.errorAt('folder_path')), `a path that is not there: ${await owner.errorAt('folder_path')}`);
    await page.fill('[name=folder_path]', '');
    // What each start point means is said: how many mails are in the folder, came lately, and came since the day.
    await owner.fillSource({ folder: 'Inbox/Orders', start: 'everything', since: '', project: 'SUP', type: 'Task', handled: 'read' });
    t.contains(await owner.dryRun(), ['An order', 'becomes a Task in SUP'], 'the dry run of everything');
    t.contains(await owner.text(), ['3 mails lie in this folder', '2 mails came in the last 7 days, 3 mails in the last 30.'], 'the start points');
    await owner.fillSource({ start: 'since', since: new Date().toISOString().slice(0, 10) });
    t.contains(await owner.dryRun(), ['An order', 'becomes a Task in SUP'], 'the dry run');
    t.contains(await owner.text(), ['1 mail came since that day.'], 'the start point of a day');
    await t.look(owner, 'shared-dry-run');
    await owner.confirm();
    await owner.rowSees(shared, 'online');
    t.contains(await owner.rowSees(shared, 'Orders'), ['Orders'], 'the line');
    await world.issue('An order');
    for (const old of ['An order of last week', 'An order of last month']) t.check((await world.issues(old)).length === 0, `“${old}” came before the day and became an issue`);
    const checks = await owner.ping(shared);
    t.check(checks.every((check) => check.good), `the ping: ${checks.map((check) => check.text).join(' | ')}`);

    // Renamed and moved by its owner, it is the same folder: reading goes on.
    const folder = (path, body, method) => world.lever(`/mailboxes/${shared}/folders/${encodeURIComponent(path)}`, body, method);
    await folder('Inbox/Orders', { name: 'Purchases', parent: 'msgfolderroot' }, 'PATCH');
    await world.deliver(shared, 'An order after the move', { folder: 'Purchases' });
    await world.issue('An order after the move');

    // It vanishes: the source stops and says so.
    await folder('Purchases', undefined, 'DELETE');
    const said = await owner.rowSees(shared, 'offline');
    t.contains(said, ['The folder is gone', 'Restore it in Outlook', 'Try now'], 'the line of a source whose folder is gone');
    await t.look(owner, 'folder-gone');
    await owner.open('/notices');
    await owner.sees(/support@contoso\.test \(\S+\) is offline/);
    await owner.open('/sources');
    await owner.leads(owner.row(shared).locator('a.row-link'));
    t.contains(await owner.text(), ['The folder is gone', /must act/, 'Since'], 'the page of a source whose folder is gone');

    // Another folder is another source: this one goes, one of the new folder comes, and what was handled stays handled.
    await owner.danger('Remove');
    await world.lever(`/mailboxes/${shared}/folders`, { name: 'Orders', parent: 'inbox' });
    await world.deliver(shared, 'An order in the new folder', { folder: 'Inbox/Orders' });
    await owner.press('Choose folder and project');
    await owner.fillSource({ mailbox: shared });
    await owner.showFolders();
    await owner.fillSource({ folder: 'Inbox/Orders', start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    await owner.confirm();
    await owner.rowSees(shared, 'online');
    await world.issue('An order in the new folder');
    for (const subject of ['An order', 'An order after the move', 'An order in the new folder']) {
      t.check((await world.issues(subject)).length === 1, `“${subject}” became ${(await world.issues(subject)).length} issues`);
    }
    await owner.open('/notices');
    t.check(!(await owner.page.locator('table.notices tr', { hasText: 'is offline' }).allInnerTexts()).some((text) => !text.includes('over')), 'the trouble of a source that was removed is still open');
  },
};
