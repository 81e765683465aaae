// Shadow mode reads and decides, and writes nothing: neither to Jira nor to the mailbox.

const mailbox = 'support@contoso.test';

export default {
  name: 'shadow-mode',
  title: 'Shadow mode reads and decides and writes nothing',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    await owner.makeOwner(world.setup);
    // From its first mail on, and later once more.
    await owner.signIn(mailbox);
    await owner.press('Choose folder and project');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    await owner.page.check('[name=shadow]');
    t.contains(await owner.text(), ['Begin in shadow mode', 'What is read meanwhile is not handled later'], 'the form');
    await t.look(owner, 'confirm-in-shadow');
    await owner.confirm();
    t.contains(await owner.text(), ['in shadow mode: what would become of its mail in SUP is decided, and nothing is written'], 'the list after the confirmation');
    await owner.rowSees(mailbox, 'Shadow mode: mail is read and decided, and nothing is written');
    await world.deliver(mailbox, 'From the start');
    await owner.open('/messages');
    await owner.sees('From the start');
    await owner.open('/sources');
    await owner.mend(mailbox, 'End shadow mode');
    await owner.open('/sources');
    await owner.ofRow(mailbox, 'Begin shadow mode: write nothing');
    t.contains(await owner.text(), ['its mail is read and decided, and nothing is written', 'Shadow mode', 'on: nothing is written'], 'the page of the source');
    await world.deliver(mailbox, 'Only looked at');
    await owner.open('/messages');
    await owner.sees('Only looked at');
    await owner.leads(owner.page.locator('a.row-link', { hasText: 'Only looked at' }));
    t.contains(await owner.sees(/shadow/i), ['new-issue'], 'the message in shadow mode');
    await t.look(owner, 'message-in-shadow');
    t.check((await world.issues('Only looked at')).length === 0, 'shadow mode made an issue');
    const mail = (await world.messages(mailbox)).find((own) => own.subject === 'Only looked at');
    t.check(!mail.is_read && mail.categories.length === 0, 'shadow mode marked the mail');
    await owner.open('/sources');
    await owner.rowSees(mailbox, 'Shadow mode: mail is read and decided, and nothing is written');
    await t.look(owner, 'sources-in-shadow');
    await owner.mend(mailbox, 'End shadow mode');
    t.contains(await owner.text(), ['What was read in shadow mode stays as it is'], 'the page of the source');
    await world.deliver(mailbox, 'After the shadow');
    await world.issue('After the shadow');
    for (const subject of ['From the start', 'Only looked at']) t.check((await world.issues(subject)).length === 0, `“${subject}” was read in shadow mode and became an issue afterwards`);
  },
};
