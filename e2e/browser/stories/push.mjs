// Push: Microsoft announces new mail, and it is read at once, long before the next poll. A button turns it off and on; a subscription that is
// alive and announces nothing is replaced by polling, and told.

import { until } from '../harness/wait.mjs';

const support = 'support@contoso.test';

export const works = {
  name: 'push',
  title: 'Microsoft announces new mail; off and on again by a button',
  alone: true,
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

export const deaf = {
  name: 'push-deaf',
  title: 'A subscription that announces nothing is replaced, then given up for polling, and told; tried again by a button',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    await owner.makeOwner(world.setup);
    await owner.connect(support);
    await owner.leads(owner.row(support).locator('a.row-link'));
    await owner.sees(/Push\s+on, renewed before/, 30_000);
    await world.lever('/subscriptions/quirks', { drop: true });
    const subscription = async () => (await world.lever('/subscriptions')).map((own) => own.id).join();

    // Three mails that nobody announced, and two minutes in which their notices might still have come: a new subscription is made.
    let number = 0;
    const unheard = async () => {
      // The subscription is old enough for new mail to be held against it.
      await world.change('UPDATE push SET made_at = made_at - 120000000');
      for (let mail = 0; mail < 3; mail += 1) {
        number += 1;
        await world.deliver(support, `Unannounced ${number}`);
        await world.issue(`Unannounced ${number}`);
      }
      await until('mails that nobody announced', async () => (await world.change('UPDATE push SET unheard_at = unheard_at - 180000000 WHERE unheard_at IS NOT NULL')) === 1);
    };
    const first = await subscription();
    await unheard();
    await until('another subscription', async () => { const now = await subscription(); return now && now !== first; });
    await owner.open('/notices');
    t.check(!(await owner.text()).includes('not announced'), 'the first doubt is told already');

    // The new one announces nothing either: polling, and a notice. No mail is lost.
    await unheard();
    await owner.open('/notices');
    t.contains(await owner.sees(`${support}: new mail is not announced any more`, 30_000), ['The folder is polled instead', 'no mail is lost', 'Try push again'], 'the notice');
    await t.look(owner, 'notices-deaf');
    await owner.open('/sources');
    t.contains(await owner.rowSees(support, 'online'), ['online'], 'the line of a source that is polled');
    await owner.leads(owner.row(support).locator('a.row-link'));
    t.contains(await owner.text(), ['announced nothing, so the folder is polled', 'tried again'], 'the page of a source that is polled');
    await t.look(owner, 'source-deaf');
    await world.deliver(support, 'Polled');
    await world.issue('Polled');

    // Mended outside: a press, and it is announced again, which is told too.
    await world.lever('/subscriptions/quirks', { drop: false });
    await owner.press('Try push again');
    await owner.sees(/Push\s+on, renewed before/, 30_000);
    await world.deliver(support, 'Announced again');
    await world.issue('Announced again');
    await owner.open('/notices');
    await owner.sees(`${support}: new mail is announced again`, 30_000);
  },
};
