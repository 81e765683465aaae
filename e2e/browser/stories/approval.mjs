// An administrator has to approve: what the person reads, what they send, who approves where, and that the connection comes alive by
// itself.

const support = 'support@contoso.test';
const administrator = 'admin@contoso.test';

export const byLink = {
  name: 'approval-by-link',
  title: '90094: the administrator opens the link; the mailbox comes alive by itself',
  async run(t) {
    const { world } = t;
    await world.lever('/policies', { user_consent: 'managed' });
    const owner = await t.person();
    await owner.makeOwner(world.setup);
    await owner.signIn(support);
    const said = await owner.text();
    t.contains(said, ['An administrator has to approve', 'AADSTS90094', 'no way to ask', support, 'Send the link below', 'read this mailbox and mark its mail (Mail.ReadWrite)', 'once a minute', 'Microsoft is asked'], 'the page of somebody who waits');
    await t.look(owner, 'approval-90094', { picture: true });

    // The mail for the administrator is ready: as an address for the mail program, and to be copied.
    const mail = await owner.copies('Copy the mail');
    const link = await owner.copies('Copy link for the administrator');
    t.contains(mail, [support, 'AADSTS90094', 'Mail.ReadWrite', link, world.sim.client_id, 'olivia@contoso.test'], 'the mail for the administrator');
    const to = new URL(await owner.named('Write the mail').getAttribute('href'));
    t.check(to.protocol === 'mailto:' && to.searchParams.get('body').includes(link), 'the mail program would not get the link');
    t.check(new URL(link).pathname.endsWith('/adminconsent'), `the link is ${link}`);

    await owner.open('/sources');
    t.contains(await owner.rowSees(support, 'admin approval needed'), ['AADSTS90094', 'goes on by itself'], 'the line of somebody who waits');
    await t.look(owner, 'sources-approval-needed');
    await owner.open('/notices');
    await owner.sees(`${support} waits for an administrator's approval`);

    // Somebody who is no administrator opens the link: nothing is approved.
    const anna = await t.person();
    t.want(/\/oauth\/callback\?error=/, 422);
    await anna.page.goto(link);
    await anna.atMicrosoft('anna@contoso.test');
    await anna.sees(/approval was not given|Open the link again as an administrator/i);

    // The administrator has no account here, and needs none.
    await owner.open('/sources');
    const admin = await t.person();
    await admin.page.goto(link);
    await admin.atMicrosoft(administrator, { on: async (step) => step === 'consent' && t.look(admin, 'microsoft-admin-consent') });
    t.contains(await admin.text(), ['Thank you', 'Postroom asks Microsoft now'], "the administrator's last page");
    await t.look(admin, 'approved');

    // Nobody signs in again; the open list says so by itself.
    await owner.rowSees(support, 'not confirmed');
    await owner.press('Choose folder and project');
    await world.deliver(support, 'After the approval');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task' });
    await owner.confirm();
    await world.issue('After the approval');
    await owner.open('/notices');
    await owner.sees(`${support}: the approval is given`);
  },
};

export const withoutToken = {
  name: 'approval-without-a-token',
  title: 'The tenant stops even the basic sign-in, and an outbound after it: each goes on when the administrator has been there',
  async run(t) {
    const { world } = t;
    await world.lever('/policies', { user_consent: 'none' });
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup, { email: 'bruno@contoso.test' });
    const approve = async () => {
      const link = await owner.copies('Copy link for the administrator');
      const admin = await t.person();
      await admin.page.goto(link);
      await admin.atMicrosoft(administrator);
      return admin.text();
    };

    // Nobody is known yet, and there is nothing to look with: nothing is promised that cannot be kept.
    await owner.signIn(support);
    const said = await owner.text();
    t.contains(said, ['An administrator has to approve', 'Not even the basic sign-in was let through', 'then sign in'], 'the page of somebody who was stopped at once');
    t.check(!said.includes('once a minute') && !said.includes('Microsoft is asked'), 'a watch is promised that there is no token for');
    await t.look(owner, 'approval-without-a-token');
    const wait = page.url();
    await owner.open('/sources');
    t.contains(await owner.rowSees('Mailbox not known yet', 'admin approval needed'), ['AADSTS90094'], 'the line of somebody who was stopped at once');
    await owner.open(wait);

    // The administrator's return wakes it: the page says so by itself, and so does the list.
    t.contains(await approve(), ['Thank you', 'Whoever sent you the link signs in once more'], "the administrator's last page");
    await owner.sees('An administrator came back from the link', 10_000);
    t.contains(await owner.text(), ['An administrator has approved', 'Sign in to see whether it is approved'], 'the page after the return');
    await t.look(owner, 'approval-returned');
    await owner.open('/sources');
    await owner.mendLink('Mailbox not known yet', 'Sign in now');
    await owner.press('Sign in again');
    const steps = await owner.atMicrosoft(support);
    t.check(!steps.includes('approval') && !steps.includes('consent'), `after the approval the person is asked: ${steps}`);
    t.contains(await owner.text(), [support, 'read this mailbox and mark its mail (Mail.ReadWrite)'], 'the page after the sign-in');
    await owner.press('Choose folder and project');
    await world.deliver(support, 'After the return');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task' });
    await owner.confirm();
    await owner.rowSees(support, 'online');
    await world.issue('After the return');

    // To send takes an approval of its own, over Graph too. The source reads on meanwhile.
    await owner.signIn(support, { at: '/outbounds' });
    t.contains(await owner.text(), ['An administrator has to approve', 'AADSTS90094', 'Mail.Send', 'once a minute'], 'the page of an outbound that waits');
    await t.look(owner, 'outbound-approval-90094');
    await owner.open('/outbounds');
    t.contains(await owner.rowSees(support, 'admin approval needed'), ['AADSTS90094', 'Graph', 'goes on by itself'], 'the line of an outbound that waits');
    await owner.open('/sources');
    await owner.rowSees(support, 'online');
    await owner.open('/outbounds');
    await owner.ofRow(support, 'What to do');
    t.contains(await approve(), ['Thank you', 'Postroom asks Microsoft now'], "the administrator's last page");
    await owner.sees('Microsoft lets Postroom in', 30_000);
    await owner.leads(page.locator('main .button.primary').first());
    t.check(page.url().includes('/outbounds/new'), `after the approval it goes on to ${page.url()}`);
    t.contains(await owner.text(), ['send mail from this mailbox (Mail.Send)'], 'the form after the approval');
    await owner.submit();
    await owner.rowSees(support, 'online');
    const checks = await owner.ping(support);
    t.check(checks.every((check) => check.good), `the ping after the approval: ${checks.map((check) => `${check.name}: ${check.text}`).join(' | ')}`);
  },
};

export const byRequest = {
  name: 'approval-by-request',
  title: "90095: the request is approved in the tenant's portal; the mailbox comes alive within a minute",
  async run(t) {
    const { world } = t;
    await world.lever('/policies', { user_consent: 'managed', consent_requests: true, reviewers: ['bruno@contoso.test'] });
    const owner = await t.person();
    await owner.makeOwner(world.setup);
    await owner.signIn(support, {
      approval: 'request',
      on: async (step, page) => step === 'approval' && (await page.locator('[data-testid=request]').count()) && t.look(owner, 'microsoft-request'),
    });
    const said = await owner.text();
    t.contains(said, ['AADSTS90095', 'takes requests for approval', 'If you sent the request', 'its reviewers have it', 'in the portal'], 'the page of somebody who sent a request');
    t.check(!said.includes('no way to ask'), '90095 gives the next steps of 90094');
    await t.look(owner, 'approval-90095');

    // The administrator approves in the portal, and never comes here. Postroom looks once a minute.
    const admin = await t.person();
    await admin.page.goto(`${world.sim.entra}/portal/requests`);
    await admin.atMicrosoft(administrator);
    t.contains(await admin.text(), ['Customers write to this mailbox', support], 'the portal');
    await admin.leads(admin.page.locator('[data-testid=approve]'));
    // What the portal's own page asks for is not counted.
    await admin.page.waitForLoadState('networkidle');
    const before = (await world.lever('/counters')).entra.requests;
    await owner.sees('Microsoft lets Postroom in', 75_000);
    const asked = (await world.lever('/counters')).entra.requests - before;
    // One look, with what it has to know before.
    t.check(asked <= 3, `while it waited for at most a minute, Microsoft was asked ${asked} times`);
    await t.look(owner, 'approval-over');
    await owner.press('Choose folder and project');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task' });
    await owner.confirm();
    await owner.rowSees(support, 'online');
  },
};

export const takenBack = {
  name: 'consent-taken-back',
  title: '65001: a consent is taken back; the administrator is asked, and it goes on where it stood',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    await owner.makeOwner(world.setup);
    await owner.connect(support);
    await world.lever('/policies', { user_consent: 'managed' });
    await world.lever('/enterprise-applications', { withdraw: ['Mail.ReadWrite'] });
    await world.lever('/tokens', { expire: true });
    t.contains(await owner.rowSees(support, 'admin approval needed', 30_000), ['AADSTS65001', 'Ask the administrator'], 'the line of the source');
    await world.deliver(support, 'Waited for the consent');
    await owner.mend(support, 'Ask the administrator');
    t.contains(await owner.text(), ['AADSTS65001', 'Nobody has consented', 'Send the link below'], 'the page of somebody who waits');
    const link = await owner.copies('Copy link for the administrator');
    const admin = await t.person();
    await admin.page.goto(link);
    await admin.atMicrosoft(administrator);
    await admin.sees('Thank you');
    await owner.open('/sources');
    await owner.rowSees(support, 'online', 30_000);
    await world.issue('Waited for the consent');
  },
};
