// What stops, says so: each kind of fault by a lever of the simulator, with what a person reads, who must act and what mends it; what passes
// by itself disturbs nobody. Of sources and of outbounds.

import { until } from '../harness/wait.mjs';

const support = 'support@contoso.test';
const reader = 'bruno@contoso.test';

/** Cause it, what the line says, cure it. Where `button` mends it, that one is pressed. */
const faults = [
  {
    name: 'conditional-access',
    cause: (world) => refresh(world, () => world.lever('/people', { upn: support, blocked: true })),
    says: ['AADSTS53003', 'Conditional Access'],
    isLookedAt: true,
    cure: (world) => world.lever('/people', { upn: support, blocked: false }),
    button: 'Try now',
  },
  {
    name: 'account-disabled',
    cause: (world) => refresh(world, () => world.lever('/people', { upn: support, disabled: true })),
    says: ['AADSTS50057'],
    cure: (world) => world.lever('/people', { upn: support, disabled: false }),
    button: 'Try now',
  },
  {
    name: 'app-disabled',
    cause: (world) => refresh(world, () => world.lever('/enterprise-applications', { enabled: false })),
    says: ['AADSTS7000112'],
    cure: (world) => world.lever('/enterprise-applications', { enabled: true }),
    button: 'Try now',
  },
  {
    name: 'not-assigned',
    cause: (world) => refresh(world, () => world.lever('/enterprise-applications', { assignment_required: true })),
    says: ['AADSTS50105', /assign/i],
    cure: (world) => world.lever('/enterprise-applications', { assignment_required: false }),
    button: 'Try now',
  },
  {
    name: 'secret-expired',
    cause: (world) => refresh(world, () => world.lever('/refuse', { code: 7000222, error: 'invalid_client' })),
    says: ['AADSTS7000222', /secret/i],
    cure: (world) => world.lever('/restore', {}),
    button: 'Try now',
  },
  {
    name: 'access-policy',
    cause: (world) => graph(world, 403, 'ErrorAccessDenied', 'Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.'),
    says: [/policy|policies/i],
    cure: (world) => world.lever('/faults', undefined, 'DELETE'),
    button: 'Try now',
  },
  {
    name: 'no-mailbox',
    cause: (world) => graph(world, 404, 'MailboxNotEnabledForRESTAPI', 'The mailbox is either inactive, soft-deleted, or is hosted on-premise.'),
    says: ['MailboxNotEnabledForRESTAPI', /licen[cs]e|mailbox/i],
    isLookedAt: true,
    cure: (world) => world.lever('/faults', undefined, 'DELETE'),
    button: 'Try now',
  },
  {
    // The account has no licence: the mail server refuses it without a word.
    name: 'no-licence',
    cause: (world) => world.lever('/faults', { service: 'graph', kind: 'status', status: 401, empty: true }),
    says: ['without a word', 'no licence for Exchange Online', 'Licenses (Microsoft 365 admin center)'],
    page: ['HTTP 401', `Get-Mailbox -Identity ${support}`],
    isLookedAt: true,
    cure: (world) => world.lever('/faults', undefined, 'DELETE'),
    button: 'Try now',
  },
  {
    // A sign-in of one cloud that is redeemed in another.
    name: 'other-cloud',
    cause: (world) => refresh(world, () => world.lever('/refuse', { upn: support, code: 90051, error: 'invalid_request' })),
    says: ['AADSTS90051', 'another national cloud', 'app registration'],
    cure: (world) => world.lever('/restore', {}),
    button: 'Try now',
  },
  {
    name: 'device-deleted',
    cause: (world) => refresh(world, () => world.lever('/people', { upn: support, device_deleted: true })),
    says: ['AADSTS700003', /device/i],
    cure: (world) => world.lever('/people', { upn: support, device_deleted: false }),
    button: 'Sign in again',
  },
  {
    name: 'unknown-code',
    cause: (world) => refresh(world, () => world.lever('/refuse', { upn: support, code: 999123, error: 'invalid_grant' })),
    says: ['AADSTS999123'],
    page: ['does not know this code, and guesses'],
    cure: (world) => world.lever('/restore', {}),
    button: 'Sign in again',
  },
];

async function refresh(world, cause) {
  await cause();
  await world.lever('/tokens', { expire: true });
}

function graph(world, status, code, message) {
  return world.lever('/faults', { service: 'graph', path: '/messages|/mailFolders', kind: 'status', status, code, message });
}

export const needsSomebody = {
  name: 'faults',
  title: 'Each kind of fault: what a person reads, who must act, what mends it',
  world: { settings: { POSTROOM_INBOUND_REQUEST_TIMEOUT: '2s' } },
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    await owner.makeOwner(world.setup);
    await owner.connect(support);

    for (const fault of faults) {
      const subject = `Waited out ${fault.name}`;
      await fault.cause(world);
      await owner.open('/sources');
      await owner.rowSees(support, /offline|admin approval needed/, 30_000).catch((error) => { throw new Error(`${fault.name}: ${error.message}`); });
      t.contains(await owner.rowSees(support, fault.button), fault.says, `the line with ${fault.name}`);
      await world.deliver(support, subject);
      await owner.leads(owner.row(support).locator('a.row-link'));
      const said = await owner.text();
      t.contains(said, [...fault.says.slice(0, 1), /must act/, ...(fault.page ?? [])], `the page with ${fault.name}`);
      await t.look(owner, `fault-${fault.name}`);
      await fault.cure(world);
      await owner.press(fault.button);
      if (fault.button === 'Sign in again') await owner.atMicrosoft(support);
      await owner.open('/sources');
      await owner.rowSees(support, 'online', 30_000).catch((error) => { throw new Error(`after ${fault.name}: ${error.message}`); });
      await world.issue(subject);
    }

    // Everything that happened stands on the source's page, when and why.
    await owner.open('/sources');
    await owner.leads(owner.row(support).locator('a.row-link'));
    const timeline = await owner.page.locator('ol.timeline').innerText();
    t.contains(timeline, ['AADSTS53003', 'AADSTS700003', /online/i, /signed in as/i], 'the timeline');
    await t.look(owner, 'timeline');
  },
};

/** The same of a mailbox that sends: it is not polled, so a ping finds it out, and *Try now* or the sign-in brings it back. */
export const ofOutbounds = {
  name: 'faults-of-outbounds',
  title: 'Each kind of fault of a Message Outbound: what a person reads, who must act, what mends it',
  world: { settings: { POSTROOM_INBOUND_REQUEST_TIMEOUT: '2s' } },
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    await owner.makeOwner(world.setup, { email: reader });
    await owner.signIn(support, { at: '/outbounds' });
    await owner.submit();
    await owner.rowSees(support, 'online');
    const sent = async () => (await world.messages(reader)).filter((mail) => mail.subject === `Postroom: test mail from ${support}`).length;

    for (const fault of faults) {
      await fault.cause(world);
      await owner.open('/outbounds');
      const checks = await owner.ping(support);
      t.contains(checks.filter((check) => !check.good).map((check) => check.text).join('\n'), fault.says.slice(0, 1), `the ping with ${fault.name}`);
      await owner.open('/outbounds');
      await owner.rowSees(support, 'offline').catch((error) => { throw new Error(`${fault.name}: ${error.message}`); });
      t.contains(await owner.rowSees(support, fault.button), fault.says, `the line with ${fault.name}`);
      await owner.leads(owner.row(support).locator('a.row-link'));
      t.contains(await owner.text(), [...fault.says.slice(0, 1), /must act/, ...(fault.page ?? [])], `the page with ${fault.name}`);
      if (fault.isLookedAt) await t.look(owner, `outbound-${fault.name}`);
      await owner.open('/notices');
      await owner.sees(`${support} is offline`);
      await fault.cure(world);
      await owner.open('/outbounds');
      await owner.mend(support, fault.button);
      if (fault.button === 'Sign in again') await owner.atMicrosoft(support);
      await owner.open('/outbounds');
      await owner.rowSees(support, 'online').catch((error) => { throw new Error(`after ${fault.name}: ${error.message}`); });
      await owner.open('/notices');
      await owner.sees(`${support} is back`);
    }
    t.check((await sent()) === 0, `${await sent()} test mails went although nothing could be sent`);

    // It sends again, and everything that happened stands on its page.
    await owner.open('/outbounds');
    const checks = await owner.ping(support);
    t.check(checks.every((check) => check.good), `the ping after all of it: ${checks.map((check) => `${check.name}: ${check.text}`).join(' | ')}`);
    await until('the test mail', async () => (await sent()) === 1);
    await owner.open('/outbounds');
    await owner.leads(owner.row(support).locator('a.row-link'));
    t.contains(await owner.page.locator('ol.timeline').innerText(), ['AADSTS53003', 'AADSTS700003', /works again/i, /signed in as/i], 'the timeline');
    await t.look(owner, 'outbound-timeline');

    // A server under load: nobody is disturbed.
    await world.lever('/faults', { service: 'graph', path: '/messages|/mailFolders', kind: 'status', status: 503 });
    await owner.open('/outbounds');
    await owner.ping(support);
    await owner.open('/outbounds');
    t.contains(await owner.rowSees(support, 'degraded'), [/trying again/], 'the line of an outbound whose server is under load');
    await owner.leads(owner.row(support).locator('a.row-link'));
    t.contains(await owner.text(), ['Nobody has to act: Postroom tries again by itself', 'Next try'], 'the page of an outbound whose server is under load');
    await t.look(owner, 'outbound-tries-again');
    await world.lever('/faults', undefined, 'DELETE');
    await owner.open('/outbounds');
    await owner.rowSees(support, 'online', 90_000);
  },
};

export const passes = {
  name: 'passes-by-itself',
  title: 'A time-out and a server under load pass by themselves and disturb nobody',
  world: { settings: { POSTROOM_INBOUND_REQUEST_TIMEOUT: '2s' } },
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    await owner.makeOwner(world.setup);
    await owner.connect(support);

    // A read time-out passes by itself: it is tried again, and nobody is disturbed.
    await owner.open('/notices');
    const notices = owner.page.locator('table.notices tbody tr');
    const before = await notices.count();
    await world.lever('/faults', { service: 'graph', path: '/messages', kind: 'latency', delay_ms: 3000 });
    await until('three time-outs', async () => (await world.lever('/faults'))[0].hits >= 3, { within: 60_000 });
    await owner.open('/sources');
    t.contains(await owner.rowSees(support, /online|degraded/), [/online|trying again/], 'the line after three time-outs');
    await world.lever('/faults', undefined, 'DELETE');
    await world.deliver(support, 'After the time-outs');
    await world.issue('After the time-outs', 60_000);

    // A server under load: the line says that it is tried again by itself, and since when.
    await world.lever('/faults', { service: 'graph', path: '/messages', kind: 'status', status: 503 });
    t.contains(await owner.rowSees(support, 'degraded', 60_000), [/trying again/], 'the line of a source whose server is under load');
    await owner.leads(owner.row(support).locator('a.row-link'));
    t.contains(await owner.sees(/Next try\s+in \d+ s/, 60_000), ['Nobody has to act: Postroom tries again by itself'], 'the page of a source whose server is under load');
    await t.look(owner, 'tries-again', { picture: true });
    await world.lever('/faults', undefined, 'DELETE');
    await owner.open('/sources');
    await owner.rowSees(support, 'online', 90_000);
    await owner.open('/notices');
    t.check((await notices.count()) === before, 'what passed by itself has raised a notice');
  },
};
