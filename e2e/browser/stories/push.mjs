// Push: Microsoft announces new mail, and it is read at once, long before the next poll. A button turns it off and on.

const support = 'support@contoso.test';

export default {
  name: 'push',
  title: 'Microsoft announces new mail; off and on again by a button',
  world: { settings: { POSTROOM_INBOUND_POLL_INTERVAL: '2m' } },
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    await owner.makeOwner(world.setup);
    await owner.connect(support);
    await owner.leads(owner.row(support).locator('a.row-link'));
    await owner.sees(/Push\s+on, renewed before/, 30_000);
    const begun = Date.now();
    await world.deliver(support, 'Announced');
    await world.issue('Announced', 60_000);
    t.measure('from a mail that Microsoft announces to its issue, polled every two minutes', Date.now() - begun, 5000);
    await owner.sees(/last announcement/);
    await t.look(owner, 'source-with-push');

    await owner.press('Turn push off');
    await owner.sees(/Push\s+off: /);
    await owner.press('Turn push on');
    await owner.sees(/Push\s+on, renewed before/, 30_000);
    await world.deliver(support, 'Announced again');
    await world.issue('Announced again', 60_000);
  },
};
