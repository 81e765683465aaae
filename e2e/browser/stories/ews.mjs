// Exchange Web Services, for sources and outbounds: made with the dated warning, approved by an administrator, barred by the tenant, moved to
// Graph; no mail twice, none lost.

import { until } from '../harness/wait.mjs';

const support = 'support@contoso.test';
const administrator = 'admin@contoso.test';

/** What an Exchange server refuses, each with what the line says, what the page has beside it, and what is over then. */
const refusals = [
  {
    name: 'wrong-audience',
    cause: (world) => world.lever('/faults', {
      service: 'ews', kind: 'status', status: 401, empty: true, headers: { 'x-ms-diagnostics': '2000003;reason="The audience claim value is invalid \'aud\'.";error_category="invalid_resource"' },
    }),
    says: ['The token is meant for something else than Exchange Web Services'],
    page: ['2000003', 'Its app registration', 'Whoever runs Postroom must act'],
    cure: (world) => world.lever('/faults', undefined, 'DELETE'),
  },
  {
    name: 'protocol-disabled',
    cause: (world) => world.lever('/ews/policy', { enabled: false, mailbox: support }),
    says: ['Exchange Web Services are switched off for this mailbox or tenant', 'Move to Graph'],
    page: ['EWS is disabled for this user or tenant', `Set-CASMailbox -Identity ${support} -EwsEnabled $true`],
    cure: (world) => world.lever('/ews/policy', { enabled: true, mailbox: support }),
  },
];

/** *Create*, *Over EWS*: the warning, the sign-in that an administrator has to approve, until the connection can be made. */
async function approved(t, owner, at) {
  await owner.open(at);
  await owner.menu('Create', 'Over EWS (legacy)');
  const warning = await owner.text();
  t.contains(warning, ['2026-10-01', '2027-04-01', 'Exchange servers of your own are not affected'], 'the warning');
  await owner.page.fill('[name=ews_url]', 'mail.example.com');
  await owner.submit({ refused: 422 });
  t.check(/whole https address/.test(await owner.errorAt('ews_url')), 'a server without https is taken');
  await owner.page.fill('[name=ews_url]', '');
  await t.world.lever('/policies', { user_consent: 'managed' });
  await owner.submit();
  await owner.atMicrosoft(support);
  t.contains(await owner.text(), ['An administrator has to approve', 'AADSTS90094', 'EWS.AccessAsUser.All'], 'the page of somebody who waits for EWS');
  const link = await owner.copies('Copy link for the administrator');
  const admin = await t.person();
  await admin.page.goto(link);
  await admin.atMicrosoft(administrator);
  t.contains(await admin.text(), ['Thank you'], "the administrator's last page");
  await owner.sees('Microsoft lets Postroom in', 30_000);
}

export const source = {
  name: 'ews',
  title: 'A source over EWS: the warning, the approval, refusals told apart, barred by the tenant, moved to Graph',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    await owner.makeOwner(world.setup);
    await owner.open('/sources');
    await owner.menu('Create', 'Over EWS (legacy)');
    await t.look(owner, 'create-ews', { picture: true });
    await owner.signIn(support);
    await approved(t, owner, '/sources');
    await t.look(owner, 'ews-approved');
    await owner.leads(owner.page.locator('main .button.primary').first());
    await world.deliver(support, 'Over EWS');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    t.contains(await owner.dryRun(), ['Over EWS', 'becomes a Task in SUP'], 'the dry run over EWS');
    await owner.confirm();
    t.contains(await owner.rowSees(support, 'online'), ['EWS'], 'the line');
    await world.issue('Over EWS');
    const checks = await owner.ping(support);
    t.check(checks.every((check) => check.good), `the ping over EWS: ${checks.map((check) => check.text).join(' | ')}`);
    await t.look(owner, 'sources-ews');
    await owner.leads(owner.row(support).locator('a.row-link'));
    t.contains(await owner.text(), [/Connection type\s+EWS/, '2027', /Push\s+off/], 'the page of the source');

    // What the server refuses is told apart: a token for another audience, the protocol switched off for this mailbox. Each is over with
    // what mends it.
    for (const refusal of refusals) {
      await refusal.cause(world);
      await owner.open('/sources');
      await owner.rowSees(support, 'offline').catch((error) => { throw new Error(`${refusal.name}: ${error.message}`); });
      t.contains(await owner.rowSees(support, 'Try now'), refusal.says, `the line with ${refusal.name}`);
      await owner.leads(owner.row(support).locator('a.row-link'));
      t.contains(await owner.text(), [...refusal.says, ...refusal.page], `the page with ${refusal.name}`);
      await t.look(owner, refusal.name);
      const subject = `Waited out ${refusal.name}`;
      await world.deliver(support, subject);
      await refusal.cure(world);
      await owner.press('Try now');
      await owner.open('/sources');
      await owner.rowSees(support, 'online').catch((error) => { throw new Error(`after ${refusal.name}: ${error.message}`); });
      await world.issue(subject);
    }

    // The tenant bars it: the line says why, and has the way out.
    await world.lever('/ews/policy', { allowed_app_ids: [] });
    await owner.open('/sources');
    await owner.rowSees(support, 'offline');
    t.contains(await owner.rowSees(support, 'Move to Graph'), ['Exchange Web Services'], 'the line of a source whose EWS is barred');
    await t.look(owner, 'ews-barred', { picture: true });
    await world.deliver(support, 'While EWS was barred');
    await owner.mend(support, 'Move to Graph');
    await owner.open('/sources');
    await owner.rowSees(support, /Graph[\s\S]*online/, 30_000);
    await world.issue('While EWS was barred');
    await world.deliver(support, 'Over Graph');
    await world.issue('Over Graph');
    for (const subject of ['Over EWS', 'While EWS was barred', 'Over Graph']) {
      const found = await world.issues(subject);
      t.check(found.length === 1 && found[0].comments.length === 0, `“${subject}” became ${found.length} issues`);
    }
    await owner.open('/sources');
    await owner.leads(owner.row(support).locator('a.row-link'));
    await owner.sees(/reads over Graph from now on/i);
    await t.look(owner, 'after-the-move');
  },
};

export const outbound = {
  name: 'outbound-ews',
  title: 'An outbound over EWS: the approval, a test mail, refusals told apart, barred by the tenant, moved to Graph',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup, { email: 'bruno@contoso.test' });
    await owner.signIn(support, { at: '/outbounds' });
    await approved(t, owner, '/outbounds');
    await owner.leads(page.locator('main .button.primary').first());
    t.contains(await owner.text(), ['2027-04-01'], 'the form of an outbound over EWS');
    await owner.submit();
    t.contains(await owner.rowSees(support, 'online'), ['EWS'], 'the line');
    const checks = await owner.ping(support);
    t.check(checks.every((check) => check.good), `the ping over EWS: ${checks.map((check) => `${check.name}: ${check.text}`).join(' | ')}`);
    const tested = async () => (await world.messages('bruno@contoso.test')).filter((mail) => mail.subject === `Postroom: test mail from ${support}`).length;
    await until('the test mail', async () => (await tested()) === 1);
    await t.look(owner, 'outbound-ews');

    // The same refusals of a mailbox that sends: a ping finds them out, and tells them apart.
    for (const refusal of refusals) {
      await refusal.cause(world);
      await owner.open('/outbounds');
      const refused = await owner.ping(support);
      t.check(refused.some((check) => !check.good), `the ping with ${refusal.name} is good`);
      await owner.open('/outbounds');
      await owner.rowSees(support, 'offline');
      t.contains(await owner.rowSees(support, 'Try now'), refusal.says, `the line of the outbound with ${refusal.name}`);
      await refusal.cure(world);
      await owner.mend(support, 'Try now');
      await owner.open('/outbounds');
      await owner.rowSees(support, 'online').catch((error) => { throw new Error(`after ${refusal.name}: ${error.message}`); });
    }

    await world.lever('/ews/policy', { allowed_app_ids: [] });
    await owner.open('/outbounds');
    const bad = await owner.ping(support);
    t.check(bad.some((check) => !check.good), 'the ping of an outbound whose EWS is barred is good');
    await owner.open('/outbounds');
    await owner.rowSees(support, 'Move to Graph');
    await owner.mend(support, 'Move to Graph');
    if (new URL(page.url()).origin !== new URL(world.base).origin) await owner.atMicrosoft(support);
    t.contains(await owner.text(), ['sends over Graph from now on'], 'the page after the move');
    await owner.open('/outbounds');
    t.contains(await owner.rowSees(support, 'online', 30_000), ['Graph'], 'the line after the move');
    const good = await owner.ping(support);
    t.check(good.every((check) => check.good), 'the ping after the move is not good');
    await until('the second test mail', async () => (await tested()) === 2);
  },
};
