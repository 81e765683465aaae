// An Exchange server of one's own, beside Exchange Online: an address at which nobody is trusted is told, the right one is read and sent from;
// that Microsoft ends EWS in Exchange Online is said before, and not of this one.

import { until } from '../harness/wait.mjs';

const support = 'support@contoso.test';
const reader = 'bruno@contoso.test';
const host = 'mail.contoso.test';
const server = `https://${host}/EWS/Exchange.asmx`;

export default {
  name: 'own-exchange',
  title: "An Exchange server of one's own: a wrong address is told, the right one is read and sent from, and does not end",
  world: { cloud: 'global', exchange: host, settings: { POSTROOM_MICROSOFT_EWS_URL: undefined } },
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup, { email: reader });
    await world.lever('/ews/server', { own: true });
    await world.deliver(support, 'On our own server');
    await owner.signIn(support);

    // A name that the tenant does not know: its tokens would be for nobody, and the form says so, with what was typed.
    await owner.open('/sources');
    await owner.menu('Create', 'Over EWS (legacy)');
    t.contains(await owner.text(), ['Exchange servers of your own are not affected', 'hybrid modern authentication'], 'the form');
    await page.selectOption('[name=account]', { label: support });
    await page.fill('[name=ews_url]', server.replace('mail.', 'mial.'));
    await owner.submit({ refused: 422 });
    t.contains(await owner.text(), ['AADSTS500011', 'must act'], 'the form with a server that the tenant does not know');
    t.check((await page.inputValue('[name=ews_url]')).includes('mial.'), 'the form forgot the address that was typed');
    await t.look(owner, 'unknown-server');

    // The right one: the permission is asked for that very server, then the source is confirmed as any other.
    await page.fill('[name=ews_url]', server);
    const asked = page.waitForRequest((request) => /\/oauth2\/v2\.0\/authorize/.test(request.url()));
    await owner.submit();
    t.contains(new URL((await asked).url()).searchParams.get('scope'), [`https://${host}/EWS.AccessAsUser.All`], 'the sign-in');
    await owner.atMicrosoft(support);
    t.check(page.url().includes('/sources/new'), `after the sign-in it goes on to ${page.url()}`);
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    t.contains(await owner.dryRun(), ['On our own server', 'becomes a Task in SUP'], 'the dry run');
    await t.look(owner, 'confirm');
    await owner.confirm();
    const line = await owner.rowSees(support, 'online');
    t.contains(line, ['EWS'], 'the line');
    t.check(!line.includes('EWS ends'), `the line says that it ends: ${line}`);
    await world.issue('On our own server');
    const checks = await owner.ping(support);
    t.check(checks.every((check) => check.good), `the ping: ${checks.map((check) => `${check.name}: ${check.text}`).join(' | ')}`);
    await t.look(owner, 'sources');
    await owner.leads(owner.row(support).locator('a.row-link'));
    const said = await owner.text();
    t.contains(said, [`EWS, ${server}`, /Push\s+off/], 'the page of the source');
    t.check(!said.includes('EWS in Exchange Online'), 'the page says that a server of one’s own ends');
    await t.look(owner, 'source');
    t.check(world.clouds.asked.includes(host) && !world.clouds.asked.some((own) => own.startsWith('outlook')), `asked was ${world.clouds.asked}`);

    // Sent from, over the same server: nothing more is asked for.
    await owner.open('/outbounds');
    await owner.menu('Create', 'Over EWS (legacy)');
    await page.selectOption('[name=account]', { label: support });
    await page.fill('[name=ews_url]', server);
    await owner.submit();
    t.check(page.url().includes('/outbounds/new'), `an account that has the permission is led to ${page.url()}`);
    await owner.submit();
    await owner.rowSees(support, 'online');
    const sent = await owner.ping(support);
    t.check(sent.every((check) => check.good), `the ping of the outbound: ${sent.map((check) => `${check.name}: ${check.text}`).join(' | ')}`);
    await until('the test mail', async () => (await world.messages(reader)).some((mail) => mail.subject === `Postroom: test mail from ${support}`));
    await owner.leads(owner.row(support).locator('a.row-link'));
    t.contains(await owner.text(), [server], 'the page of the outbound');

    // It is restarted: nobody has to act, and what came meanwhile is not lost.
    world.clouds.answers(host, false);
    await owner.open('/sources');
    t.contains(await owner.rowSees(support, 'degraded'), ['trying again'], 'the line while the server does not answer');
    await world.deliver(support, 'While it was restarted');
    await t.look(owner, 'server-down');
    world.clouds.answers(host, true);
    await owner.rowSees(support, 'online', 90_000);
    await world.issue('While it was restarted', 60_000);
    t.check((await world.issues('On our own server')).length === 1, 'a mail was handled twice');
  },
};
