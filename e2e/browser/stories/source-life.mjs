// A source's life: what is wrong in the form, confirmed, changed, paused, resumed, removed and made again. No mail twice.

import { until } from '../harness/wait.mjs';

const mailbox = 'support@contoso.test';

export default {
  name: 'source-life',
  title: 'A source is confirmed, changed, paused, removed and made again; no mail is handled twice',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    await world.deliver(mailbox, 'Lay there before');
    await owner.signIn(mailbox);

    // Signed in and not confirmed: it stands in the list, and reads nothing.
    await owner.open('/sources');
    await owner.rowSees(mailbox, 'Signed in; it reads nothing before folder and project are chosen');
    await owner.press('Choose folder and project');

    // What cannot be is refused beside its field, and what was typed stays.
    await owner.fillSource({ start: 'since', since: '2999-01-01', handled: 'move', target: 'Nowhere/At all' });
    await owner.confirm();
    t.check(/lies in the future/.test(await owner.errorAt('since')), 'a date in the future is taken');
    t.check(/no folder of that name/.test(await owner.errorAt('handled_target')), 'a folder that is not there is taken');
    t.check((await page.inputValue('[name=handled_target]')) === 'Nowhere/At all', 'the form forgot the folder that was typed');
    await t.look(owner, 'confirm-refused');
    await owner.fillSource({ start: 'since', since: '', handled: 'category', target: '' });
    await owner.confirm();
    t.check(/date is missing/.test(await owner.errorAt('since')), 'a missing date is taken');
    t.check(/Write the category/.test(await owner.errorAt('handled_target')), 'a missing category is taken');

    // From now on: what lies there is left alone.
    await owner.fillSource({ start: 'now', project: 'SUP', type: 'Task', handled: 'category', target: 'In Jira' });
    await owner.confirm();
    await owner.rowSees(mailbox, 'online');
    await world.deliver(mailbox, 'Came after');
    await world.issue('Came after');
    t.check((await world.issues('Lay there before')).length === 0, 'mail that lay there became an issue, though reading began now');
    // In the mailbox it is marked after its issue stands.
    await until('the category of the handled mail', async () =>
      (await world.messages(mailbox)).find((mail) => mail.subject === 'Came after').categories.includes('In Jira'));

    // Paused: nothing is read until it is resumed.
    await owner.ofRow(mailbox, 'Pause');
    t.contains(await owner.text(), ['is paused: nothing is read until it is resumed'], 'the list');
    await owner.rowSees(mailbox, 'paused');
    await world.deliver(mailbox, 'Came in the pause');

    // Changed meanwhile: mailbox, folder and beginning stay.
    await owner.ofRow(mailbox, 'Change settings');
    t.contains(await owner.text(), ['Another folder is another source', 'the mail before it has its end already'], 'the form that changes');
    await t.look(owner, 'change-source');
    await owner.fillSource({ type: 'Bug', handled: 'read' });
    await owner.confirm();
    t.check((await world.issues('Came in the pause')).length === 0, 'a paused source was read');
    await owner.ofRow(mailbox, 'Resume');
    await owner.rowSees(mailbox, 'online');
    const late = await world.issue('Came in the pause');
    t.check(late.issue_type === 'Bug', `after the change, the issue is a ${late.issue_type}`);

    // Its page: what happened, when, who.
    await owner.leads(owner.row(mailbox).locator('a.row-link'));
    t.contains(await owner.text(), ['What happened', 'Signed in as', 'Paused by', 'Resumed; it goes on where it stood', 'olivia@contoso.test', 'What will end', 'Throughput', 'is marked as read'], 'the page of the source');
    await t.look(owner, 'source');

    // Removed: the page says what stays. Somebody else has it open meanwhile: they read that it is gone, and where to go on.
    const other = await t.person();
    await other.signInHere({ at: new URL(page.url()).pathname });
    await other.sees('What happened');
    await other.page.locator('[data-live-state=on]').first().waitFor({ state: 'attached' });
    t.want(other.page.url(), 404);
    const said = await owner.danger('Remove');
    t.contains(said, ['no longer read', 'issues in Jira and the list of messages stay'], 'the question before removing');
    t.contains(await owner.text(), ['is no longer read'], 'the list');
    t.contains(await other.sees('There is no such Message Source'), ['it was deleted', 'Go to the overview'], 'the page of a source that somebody else has removed');
    await t.look(other, 'source-gone');
    await other.press('Go to the overview');
    t.check(new URL(other.page.url()).pathname === '/', `the way on leads to ${other.page.url()}`);

    // Made again from the beginning: nothing is handled twice.
    await world.deliver(mailbox, 'Came while there was no source');
    await owner.signIn(mailbox);
    await owner.press('Choose folder and project');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    await owner.confirm();
    await owner.rowSees(mailbox, 'online');
    await world.issue('Came while there was no source');
    for (const subject of ['Came after', 'Came in the pause', 'Came while there was no source']) {
      const found = await world.issues(subject);
      t.check(found.length === 1 && found[0].comments.length === 0, `“${subject}” became ${found.length} issues`);
    }
    await owner.open('/messages');
    await t.look(owner, 'messages-made-again');

    // The alarm of a source that falls silent is set on its page.
    await owner.open('/sources');
    await owner.leads(owner.row(mailbox).locator('a.row-link'));
    await owner.press('Alarm when no mail comes');
    await t.look(owner, 'alarm');
    await page.fill('[name=hours]', '0');
    await owner.submit({ refused: 422 });
    t.check((await owner.errorAt('hours')) !== '', 'an alarm after no hours is taken');
    await page.fill('[name=hours]', '4');
    await owner.submit();
    t.contains(await owner.text(), ['after 4 hours without mail (Monday to Friday, 08:00 to 18:00'], 'the page of the source');
  },
};
