// Shadow mode reads and decides, and writes nothing: neither to Jira nor to the mailbox.

const mailbox = 'support@contoso.test';

export default {
  name: 'shadow-mode',
  title: 'Shadow mode reads and decides and writes nothing',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    await owner.makeOwner(world.setup);
    await owner.connect(mailbox);
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
    t.check((await world.issues('Only looked at')).length === 0, 'what was read in shadow mode became an issue afterwards');
  },
};
