// Junk: how many mails lie there is said at the first connection, and the folder is a source like any other, beside the Inbox.

const support = 'support@contoso.test';

export default {
  name: 'junk',
  title: 'The Junk folder is counted, and is a source beside the Inbox',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    await world.deliver(support, 'In the Inbox');
    for (const number of [1, 2, 3]) await world.deliver(support, `Taken for junk ${number}`, { folder: 'junkemail' });

    // At the first connection: what lies in Junk is said, whatever is read.
    await owner.signIn(support);
    await owner.press('Choose folder and project');
    t.contains(await owner.text(), ['3 mails lie in Junk', 'a source of the Inbox does not read it'], 'the form');
    await owner.fillSource({ folder: 'Junk' });
    await owner.showFolders();
    t.contains(await owner.text(), ['3 mails lie in this folder'], 'the form with Junk chosen');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Bug', handled: 'leave' });
    t.contains(await owner.dryRun(), ['Taken for junk 1', 'becomes a Bug in SUP'], 'the dry run of Junk');
    await t.look(owner, 'junk-dry-run');
    await owner.confirm();
    const line = (folder) => page.locator('.source-rows > li', { has: page.locator('.row-folder', { hasText: folder }) });
    await line('Junk').locator('.state', { hasText: 'online' }).waitFor();
    for (const number of [1, 2, 3]) {
      const issue = await world.issue(`Taken for junk ${number}`);
      t.check(issue.issue_type === 'Bug', `junk ${number} is a ${issue.issue_type}`);
    }
    t.check((await world.issues('In the Inbox')).length === 0, 'a source of Junk reads the Inbox');

    // The Inbox beside it, read by the same account: nobody signs in again.
    await owner.ofRow(support, 'Read another folder of it');
    t.check(await page.inputValue('[name=mailbox]') === support, `the form has the mailbox ${await page.inputValue('[name=mailbox]')}`);
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'leave' });
    await owner.confirm();
    await line('Inbox').locator('.state', { hasText: 'online' }).waitFor();
    await world.issue('In the Inbox');
    await t.look(owner, 'sources-with-junk');

    // Its owner finds one in Junk and moves it to the Inbox: it is the same mail, no second issue.
    const moved = (await world.messages(support)).find((mail) => mail.subject === 'Taken for junk 2');
    await world.lever(`/mailboxes/${support}/move`, { id: moved.id, folder: 'inbox' });
    await world.deliver(support, 'After the move');
    await world.issue('After the move');
    t.check((await world.issues('Taken for junk 2')).length === 1, 'a mail that was moved out of Junk became two issues');
    await owner.leads(line('Junk').locator('a.row-link'));
    t.contains(await owner.text(), [/Folder\s+Junk/], 'the page of the source');
  },
};
