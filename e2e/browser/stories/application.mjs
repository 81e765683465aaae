// Application permission: the app itself has access; a control mailbox proves that it is fenced in.

const support = 'support@contoso.test';
const outside = 'billing@contoso.test';

export default {
  name: 'application-permission',
  title: 'Application permission: a fence that is open is told, one that holds is proven; it reads, sends and is validated',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    await world.lever('/registrations', { roles: ['Mail.ReadWrite', 'Mail.Send'] });
    await owner.open('/sources');
    await owner.menu('Create', 'Application permission');
    t.contains(await owner.text(), ['without a fence it reaches every mailbox', '30 minutes to 2 hours'], 'the form');

    // What is wrong stands beside its field.
    await page.fill('[name=tenant]', 'organizations');
    await page.fill('[name=mailboxes]', '');
    await owner.submit();
    t.check(/tenant is needed/.test(await owner.errorAt('tenant')), 'a sign-in without a tenant is taken');
    t.check(/at least one mailbox/.test(await owner.errorAt('mailboxes')), 'no mailbox is taken');
    await page.fill('[name=mailboxes]', `${support}\nbilling.contoso.test`);
    await owner.submit();
    t.check(/“billing.contoso.test” is no address/.test(await owner.errorAt('mailboxes')), 'a mailbox that is mistyped is left out silently');
    await page.fill('[name=tenant]', 'contoso.test');
    await page.fill('[name=mailboxes]', support);
    await page.fill('[name=control]', support);
    await owner.submit();
    t.check(/inside the fence/.test(await owner.errorAt('control')), 'a control mailbox inside the fence is taken');
    await t.look(owner, 'new-application-refused');

    // Without a fence: the page says what that means.
    await page.fill('[name=control]', outside);
    await owner.submit();
    t.contains(await owner.text(), ['reaches every mailbox of the tenant', 'up to 2 hours', support, 'can be read', outside], 'the page without a fence');
    await t.look(owner, 'application-open', { picture: true });
    const here = page.url();
    await owner.press('The commands for the fence');
    await page.fill('[name=mailboxes]', support);
    await owner.submit();
    t.contains(await owner.text(), ['New-ServicePrincipal', 'New-ManagementScope', 'Set-ManagementScope', support, 'None in Entra'], 'the commands for the fence');
    await t.look(owner, 'fence-commands');

    // An administrator fences it in Exchange, and takes the grant of the whole tenant back.
    await world.lever('/fences', { kind: 'rbac', roles: ['Application Mail.ReadWrite', 'Application Mail.Send'], mailboxes: [support] });
    // Reading is fenced; that it may send as everybody is found out without sending.
    await world.lever('/enterprise-applications', { roles: ['Mail.Send'] });
    await page.goto(here);
    await owner.press('Check');
    t.contains(await owner.text(), ['reaches every mailbox of the tenant', 'Entra grants the application Mail.Send'], 'the page with a fence for reading alone');
    await t.look(owner, 'application-may-send');
    await world.lever('/enterprise-applications', { roles: [] });
    await page.goto(here);
    await owner.press('Check');
    t.contains(await owner.text(), ['The fence holds for reading', 'is refused, as it should be', 'Sending was not tried'], 'the page with a fence');
    await t.look(owner, 'application-fenced');

    // A source: only named mailboxes can be chosen.
    await world.deliver(support, 'For the application');
    await owner.press('Choose mailbox, folder and project');
    t.check((await page.locator('select[name=mailbox] option').allTextContents()).join() === support, 'other mailboxes than the named ones are offered');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    await owner.confirm();
    await owner.rowSees(support, 'online');
    await world.issue('For the application');
    const checks = await owner.ping(support);
    t.check(checks.every((check) => check.good), `the ping: ${checks.map((check) => check.text).join(' | ')}`);

    // Validate: nobody signs in; a fresh token, the fence again, and a ping.
    await owner.leads(owner.row(support).getByRole('button', { name: 'Validate: sign in again' }));
    t.check(page.url().includes('/sources?ping='), `validating an application leads to ${page.url()}`);
    t.contains(await owner.text(), ['All checks are good'], 'the list after validating');

    // The same application sends: its page leads to that form, too.
    await page.goto(here);
    t.contains(await owner.text(), ['Back to its 1 source', 'The fence holds for reading'], 'the page of an application that is used');
    await owner.press('Choose the mailbox to send from');
    t.check((await page.locator('select[name=mailbox] option').allTextContents()).join() === support, 'other mailboxes than the named ones are offered to send from');
    await owner.submit();
    t.contains(await owner.text(), [`${support} can send`], 'the list of outbounds');
    const sends = await owner.ping(support);
    t.check(sends.every((check) => check.good), `the ping of the outbound: ${sends.map((check) => check.text).join(' | ')}`);
    await owner.leads(owner.row(support).getByRole('button', { name: 'Validate: sign in again' }));
    t.contains(await owner.text(), ['All that was tried is good', 'not tried'], 'the list of outbounds after validating');
    await t.look(owner, 'application-outbound');
  },
};
