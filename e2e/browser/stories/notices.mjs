// Notices reach people: channels are added, refused, tested, paused and removed, each with what its other side takes; the console says which
// way would break; a signed webhook tells of an outage and of its end.

import { createHmac } from 'node:crypto';
import { until } from '../harness/wait.mjs';

const support = 'support@contoso.test';

export default {
  name: 'notices',
  title: 'Channels with their test; the way that would break is named; a signed webhook tells of an outage and of its end',
  world: { settings: { POSTROOM_NOTICES_ALLOW_HOSTS: '127.0.0.1' } },
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    await owner.connect(support);

    const add = async (kind, name, fields) => {
      await owner.open('/notices');
      await page.locator('.section-head details.menu > summary').click();
      await owner.leads(page.locator('.section-head .menu-list').getByRole('link', { name: kind, exact: true }));
      await page.fill('[name=name]', name);
      for (const [field, value] of Object.entries(fields)) await page.fill(`[name=${field}]`, value);
    };

    // What cannot be is refused in words.
    await add('Slack', '', { address: 'no address' });
    await owner.submit({ refused: 422 });
    t.check(/no web address/.test(await owner.errorAt('address')), 'an address that is none is taken');
    for (const [address, words] of [['https://10.0.0.7/hook', /private network/], ['http://hooks.example.com/x', /without TLS/], ['https://[::1]/hook', /private network/]]) {
      await add('Webhook', 'Inside', { address });
      await owner.submit({ refused: 422 });
      t.check(words.test(await owner.errorAt('address')), `${address}: ${await owner.errorAt('address')}`);
    }
    await t.look(owner, 'channel-refused');
    await add('Mail', 'By mail', { to: 'nobody' });
    await owner.submit({ refused: 422 });
    t.check(/is no address/.test(await owner.errorAt('to')), 'a recipient that is no address is taken');
    await owner.open('/notices/channels/new?kind=teams');
    await t.look(owner, 'new-channel', { picture: true });

    // Nothing, or one way alone: the console says what that means.
    const advice = page.locator('#advice');
    await owner.open('/notices');
    t.contains(await advice.innerText(), ['Notices stand only on this page', 'Add a channel'], 'the advice without a channel');
    await add('Mail', 'By mail', { to: 'bruno@contoso.test' });
    await owner.submit();
    t.contains(await owner.text(), ['By mail gets notices from now on'], 'the notices');
    t.contains(await advice.innerText(), ['no Message Outbound works: none can be sent', 'Add an outbound, or a second channel'], 'the advice without an outbound');
    await t.look(owner, 'notices-no-outbound');
    await owner.signIn(support, { at: '/outbounds' });
    await owner.submit();
    await owner.open('/notices');
    t.contains(await advice.innerText(), [`all of it is sent as ${support}, which reads sources as well`, 'the notice of it cannot be sent', 'Add a second way below'], 'the advice where the outbound is the one that would break');
    await t.look(owner, 'notices-one-way');
    const test = async (name) => {
      await owner.leads(page.locator('table.channels tr', { hasText: name }).getByRole('button', { name: 'Test' }));
      t.contains(await owner.text(), [`${name} took the test notice`], `the notices after a test of ${name}`);
    };
    await test('By mail');
    await until('the test notice in the mailbox', async () => (await world.messages('bruno@contoso.test')).some((own) => own.from === support), { within: 20_000 });

    // A webhook, signed.
    const receiver = await world.receiver();
    await add('Webhook', 'Operations', { address: receiver.address });
    await owner.submit();
    const key = (await page.locator('.copy-line code').innerText()).trim();
    t.contains(await owner.text(), ['not shown again', 'webhook-signature'], 'the page of the key');
    await t.look(owner, 'webhook-key');
    await owner.press('Test the channel');
    t.contains(await owner.text(), ['Operations took the test notice', 'works'], 'the notices after a test');
    t.check(receiver.got.length === 1, `the receiver got ${receiver.got.length} requests after one test`);
    const signed = ({ headers, body }) => {
      const secret = Buffer.from(key.replace(/^whsec_/, ''), 'base64');
      const mac = createHmac('sha256', secret).update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`).digest('base64');
      return headers['webhook-signature']?.split(' ').includes(`v1,${mac}`);
    };
    t.check(receiver.got.every(signed), 'the test notice is not signed as the page says');

    // Slack and Teams, each in the shape that it takes.
    const shapes = {
      Slack: (body) => body.text === 'Postroom: a test notice' && body.blocks[0].type === 'header' && JSON.stringify(body.blocks).includes('This channel works'),
      Teams: ({ type, attachments: [card] }) => type === 'message' && card.contentType === 'application/vnd.microsoft.card.adaptive'
        && JSON.stringify(card.content.body).includes('This channel works') && card.content.actions[0].url === `${world.base}/notices`,
    };
    const rooms = {};
    for (const [kind, isOwn] of Object.entries(shapes)) {
      const room = await world.receiver();
      rooms[kind] = room.got;
      await add(kind, `Room in ${kind}`, { address: room.address });
      await owner.submit();
      t.check(room.got.length === 0, `${kind} is told something before there is anything to tell`);
      await test(`Room in ${kind}`);
      t.check(room.got.length === 1 && isOwn(JSON.parse(room.got[0].body)), `${kind} got ${room.got.map((own) => own.body)}`);
    }
    await owner.open('/notices');
    t.check((await advice.innerText()) === '', `with a second way the advice stays: ${await advice.innerText()}`);
    await t.look(owner, 'notices-channels');

    // An outage: every other way tells of it and of its end; the mail through the outbound that broke cannot.
    await world.lever('/revoke', { upn: support, access_tokens: true });
    const told = (text) => until(`the webhook that tells “${text}”`, () => receiver.got.find((own) => own.body.includes(text)), { within: 30_000 });
    await told('is offline');
    for (const [kind, got] of Object.entries(rooms)) await until(`${kind} tells of the outage`, () => got.some((own) => own.body.includes('is offline')));
    await owner.open('/notices');
    await owner.sees(/is offline/);
    t.check(receiver.got.every(signed), 'a notice is not signed');
    await world.deliver(support, 'Waited');
    await owner.open('/sources');
    await owner.rowSees(support, 'offline');
    await owner.mend(support, 'Sign in again');
    await owner.atMicrosoft(support);
    await told('is back');

    // Paused and removed.
    await owner.open('/notices');
    const row = page.locator('table.channels tr', { hasText: 'Operations' });
    const menu = row.locator('details.menu').first();
    await owner.inMenu(menu, 'Pause');
    t.contains(await owner.text(), ['gets no notices until it is resumed', 'paused'], 'the notices with a paused channel');
    const said = await owner.ofMenu(menu, 'Remove');
    t.contains(said, ['gets no more notices'], 'the question before removing');
    t.contains(await owner.text(), ['Operations was removed'], 'the notices');
  },
};
