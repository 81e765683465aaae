// Message Outbounds: the same sign-in, made, pinged with a test mail, validated, paused, revoked, removed.

import { until } from '../harness/wait.mjs';

const support = 'support@contoso.test';
const reader = 'bruno@contoso.test';

export default {
  name: 'outbounds',
  title: 'A Message Outbound is signed in, made, pinged, revoked and signed in again',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup, { email: reader });
    await owner.open('/outbounds');
    t.contains(await owner.text(), ['No mail is sent yet', 'nothing is sent before'], 'the empty list');
    await owner.signIn(support, { at: '/outbounds' });
    t.check(page.url().includes('/outbounds/new'), `after the sign-in it goes on to ${page.url()}`);

    await page.fill('[name=mailbox]', 'no address');
    await owner.submit({ refused: 422 });
    t.check(/no address/.test(await owner.errorAt('mailbox')), 'a mailbox that is no address is taken');
    await page.fill('[name=mailbox]', 'billing@contoso.test');
    await owner.submit({ refused: 422 });
    t.check(/Mail\.Send\.Shared/.test(await owner.errorAt('mailbox')), `a shared mailbox without the permission: ${await owner.errorAt('mailbox')}`);
    await t.look(owner, 'outbound-refused');
    await page.fill('[name=mailbox]', support);
    await page.fill('[name=from_name]', 'Contoso Support');
    await owner.submit();
    t.contains(await owner.text(), [`${support} can send`, 'you get a test mail'], 'the list');
    t.contains(await owner.rowSees(support, 'online'), ['Contoso Support', 'no mail sent yet'], 'the line');

    const checks = await owner.ping(support);
    t.check(checks.every((check) => check.good), `the ping: ${checks.map((check) => `${check.name}: ${check.text}`).join(' | ')}`);
    t.contains(checks.map((check) => `${check.name} ${check.text}`).join('\n'), ['Token', 'Send', reader], 'the ping');
    await t.look(owner, 'outbound-ping', { picture: true });
    await until('the test mail', async () => (await world.messages(reader)).find((mail) => mail.subject === `Postroom: test mail from ${support}`));

    // Validate: signs in again and tries it; no test mail goes to anybody.
    await owner.leads(owner.row(support).getByRole('button', { name: 'Validate: sign in again' }));
    await owner.atMicrosoft(support);
    t.contains(await owner.text(), ['All checks are good', 'not tried'], 'the list after validating');
    await owner.open('/outbounds');
    await owner.ofRow(support, 'Change settings');
    await page.fill('[name=from_name]', 'Support of Contoso');
    await owner.submit();
    t.contains(await owner.text(), ['Support of Contoso', 'What happened', 'Last mail sent'], 'the page of the outbound');
    await t.look(owner, 'outbound');
    await owner.press('Pause');
    await owner.open('/outbounds');
    await owner.rowSees(support, 'paused');
    await owner.ofRow(support, 'Resume');
    await owner.rowSees(support, 'online');

    // Revoked: the next ping says so, the line stays with it, and a sign-in mends it.
    await world.lever('/revoke', { upn: support, access_tokens: true });
    const bad = await owner.ping(support);
    t.check(bad.some((check) => !check.good && check.text.includes('AADSTS50173')), `the ping after it was revoked: ${bad.map((check) => check.text).join(' | ')}`);
    await owner.open('/outbounds');
    await owner.rowSees(support, 'offline');
    await t.look(owner, 'outbounds-offline');
    await owner.mend(support, 'Sign in again');
    await owner.atMicrosoft(support);
    await owner.open('/outbounds');
    await owner.rowSees(support, 'online', 30_000);
    const said = await owner.removeRow(support);
    t.contains(said, ['No mail is sent from', 'The mailbox stays as it is'], 'the question before removing');
  },
};
