// The dead-man alarm: so many hours without mail in the hours in which mail is to be expected. It rings, in the console and through a
// channel; an alarm whose hours have not come does not; the first mail ends it.

import { until } from '../harness/wait.mjs';

const support = 'support@contoso.test';
const billing = 'billing@contoso.test';
const hour = 3_600_000;

/** The half of the day, in UTC, in which now is not, and neither were the last three hours. */
function otherHalf() {
  const hour = new Date().getUTCHours();
  return hour >= 3 && hour < 15 ? ['18:00', '24:00'] : hour >= 15 ? ['04:00', '10:00'] : ['08:00', '16:00'];
}

export default {
  name: 'silence',
  title: 'No mail for hours: the alarm rings in its hours, and the next mail ends it',
  world: { settings: { POSTROOM_NOTICES_ALLOW_HOSTS: '127.0.0.1' } },
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    const receiver = await world.receiver();
    await owner.open('/notices/channels/new?kind=webhook');
    await page.fill('[name=name]', 'Operations');
    await page.fill('[name=address]', receiver.address);
    await owner.submit();
    await world.deliver(support, 'The last one for a while');
    await owner.connect(support);
    await world.issue('The last one for a while');
    await owner.signIn(billing);
    await owner.press('Choose folder and project');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task' });
    await owner.confirm();
    await owner.rowSees(billing, 'online');

    const alarm = async (mailbox, fields) => {
      await owner.open('/sources');
      await owner.leads(owner.row(mailbox).locator('a.row-link'));
      await owner.press('Alarm when no mail comes');
      await page.check('[name=days][value=all]');
      for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, value);
      await owner.submit();
    };
    // In hours that have not come: however long nothing came, it does not ring.
    const [begins, ends] = otherHalf();
    await alarm(billing, { hours: '2', begins, ends, zone: 'UTC' });
    t.contains(await owner.text(), [`after 2 hours without mail (every day, ${begins} to ${ends}, UTC)`], 'the page of the source with an alarm at other hours');
    await alarm(support, { hours: '2', begins: '00:00', ends: '24:00', zone: 'UTC' });
    t.contains(await owner.text(), ['after 2 hours without mail (every day, at any hour, UTC)'], 'the page of the source with an alarm');

    // Three hours pass without mail.
    await owner.open('/notices');
    const moved = await world.change('UPDATE source SET last_mail_at = last_mail_at - 10800000000, confirmed_at = confirmed_at - 10800000000');
    t.check(moved === 2, `time passed for ${moved} sources`);
    const said = await owner.sees(`${support}: no mail for 2 hours`, 30_000);
    t.contains(said, ['The newest mail is of', 'The connection answers', 'Junk'], 'the notice of the silence');
    // It was found some time after it was received, and before now.
    const received = new Date((await world.messages(support))[0].received_at).getTime() - 3 * hour;
    const found = Date.parse(`${/The newest mail is of (\S+ \S+) UTC/.exec(said)?.[1].replace(' ', 'T')}Z`);
    t.check(found >= received - 60_000 && found <= Date.now() - 3 * hour, `the notice says that the newest mail is of ${new Date(found)}`);
    t.check(!said.includes(`${billing}: no mail`), 'the alarm rings outside of its hours');
    await t.look(owner, 'notices-silence');
    const told = (text) => until(`the webhook that tells “${text}”`, () => receiver.got.find((own) => own.body.includes(text)), { within: 30_000 });
    await told('no mail for 2 hours');
    await owner.open('/sources');
    await owner.rowSees(support, 'online');
    await owner.leads(owner.row(support).locator('a.row-link'));
    await t.look(owner, 'source-silent');

    // It rings once, however often it is looked at; the first mail ends it, and that is told too.
    await world.deliver(support, 'Here again');
    await world.issue('Here again');
    await owner.open('/notices');
    const after = await owner.sees(`${support}`, 30_000);
    t.contains(after, [`${support}: no mail for 2 hours`], 'the notices');
    await told('mail comes again');
    const rings = receiver.got.filter((own) => own.body.includes('no mail for 2 hours'));
    t.check(rings.length === 1, `the alarm rang ${rings.length} times`);
    t.check(!receiver.got.some((own) => own.body.includes(billing)), 'the channel was told of the alarm outside of its hours');
    await owner.open('/notices');
    await owner.sees('mail comes again');
    await t.look(owner, 'notices-mail-again');

    // Off again.
    await alarm(support, { hours: '' });
    t.contains(await owner.text(), [/Alarm\s+off/], 'the page of the source without an alarm');
  },
};
