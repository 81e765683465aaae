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

    t.contains(await owner.text(), [`You are signed in as ${support}`, 'send mail from this mailbox (Mail.Send)'], 'the form after the sign-in');

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
    t.check(checks.map((check) => check.name).join() === 'Token,Identity,Mailbox,Folder,Count,Right to write,Right to send,Quota', `the lines of the ping: ${checks.map((check) => check.name)}`);
    t.contains(checks.map((check) => check.text).join('\n'), [reader], 'the ping');
    await t.look(owner, 'outbound-ping', { picture: true });
    await until('the test mail', async () => (await world.messages(reader)).find((mail) => mail.subject === `Postroom: test mail from ${support}`));

    // Validate: signs in again and tries it; no test mail goes to anybody.
    await owner.leads(owner.row(support).getByRole('button', { name: 'Validate: sign in again' }));
    await owner.atMicrosoft(support);
    t.contains(await owner.text(), ['All that was tried is good', 'not tried'], 'the list after validating');
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

    // It may not send any more: a look at the mailbox brings it back no more than a pause does; a mail that goes does.
    await world.lever('/faults', { service: 'graph', method: 'POST', path: '/send$', kind: 'status', status: 403, code: 'ErrorSendAsDenied', count: 1 });
    const refused = await owner.ping(support);
    t.check(refused.find((check) => check.name === 'Right to send')?.text.includes('ErrorSendAsDenied'), `the ping without the right to send: ${refused.map((check) => check.text).join(' | ')}`);
    await owner.open('/');
    t.contains(await owner.text(), ['Needs a person', `Sending from ${support}`, 'ErrorSendAsDenied'], 'the overview');
    await t.look(owner, 'overview-outbound-offline');
    await owner.open('/outbounds');
    await owner.rowSees(support, 'offline');
    await owner.leads(owner.row(support).locator('a.row-link'));
    t.contains(await owner.text(), ['may not send as this address', 'with the next mail, or a ping'], 'the page of an outbound that may not send');
    await owner.press(support);
    t.contains(await owner.text(), ['You are signed in as', 'Back to its 1 outbound'], 'the page of its account');
    await owner.open('/outbounds');
    const again = await owner.ping(support);
    t.check(again.every((check) => check.good), `the ping with the right to send: ${again.map((check) => check.text).join(' | ')}`);
    await owner.open('/outbounds');
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
