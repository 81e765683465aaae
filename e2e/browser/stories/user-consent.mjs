// A person's own consent: turned down, given in part, given; and an administrator's, ticked for the organisation.

const support = 'support@contoso.test';

export const userConsent = {
  name: 'user-consent',
  title: "A person's own consent: turned down, in part, whole",
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    await owner.makeOwner(world.setup);

    // Turned down: the page says so and leads on.
    await owner.open('/sources');
    await owner.press('Sign in with Microsoft');
    t.want(/\/oauth\/callback\?/, 422);
    const steps = await owner.atMicrosoft(support, { consent: 'cancel' });
    t.check(steps[0] === 'accounts', `the account is not picked first, but: ${steps}`);
    t.contains(await owner.text(), ['The sign-in was not completed', 'Sign in again', /AADSTS65004|declined|turned/i], 'the page after a refusal');
    await t.look(owner, 'consent-declined');
    await owner.press('Sign in again');
    await owner.atMicrosoft(support);
    t.contains(await owner.text(), [support], 'the page after the sign-in');
    t.contains(await owner.fact('Consent'), ['own consent'], 'the fact of the consent');
    t.check(!(await owner.text()).includes('Enterprise Application'), 'somebody who is no administrator is shown the Enterprise Application');

    // In part: which part of Postroom will not work.
    await world.lever('/policies', { withheld: ['Mail.Send'] });
    await owner.signIn('bruno@contoso.test', { at: '/outbounds' });
    const account = (await owner.page.content()).match(/\/outbounds\/new\?account=([0-9a-f-]{36})/)?.[1];
    t.contains(await owner.text(), ['You are signed in as bruno@contoso.test', 'not granted: send mail from this mailbox (Mail.Send)', 'What will not work'], 'the form after a consent in part');
    await t.look(owner, 'outbound-granted-in-part');
    await owner.open(account ? `/accounts/${account}` : owner.page.url());
    t.contains(await owner.text(), ['not granted: send mail from this mailbox (Mail.Send)', 'What will not work', 'No mail can be sent'], 'the page after a consent in part');
    await t.look(owner, 'granted-in-part');

    // The same of a source: without shared mailboxes the account's own can be read; without reading nothing can.
    await world.lever('/policies', { withheld: ['Mail.ReadWrite.Shared'] });
    await owner.open('/sources');
    await owner.menu('Create', 'Shared mailbox');
    await owner.atMicrosoft('bruno@contoso.test');
    t.contains(await owner.text(), ['bruno@contoso.test', /not granted: [^\n]*\(Mail\.ReadWrite\.Shared\)/, "Shared mailboxes cannot be read; the account's own can"], 'the page without shared mailboxes');
    t.check(!(await owner.text()).includes('No mail can be read'), 'it says that nothing can be read, although one mailbox can');
    await t.look(owner, 'source-granted-in-part');
    await world.lever('/policies', { withheld: ['Mail.ReadWrite'] });
    await owner.open('/sources');
    await owner.menu('Create', 'Mailbox of the account');
    await owner.atMicrosoft('anna@contoso.test');
    t.contains(await owner.text(), ['anna@contoso.test', 'not granted: read this mailbox and mark its mail (Mail.ReadWrite)', 'No mail can be read: Mail.ReadWrite was not granted'], 'the page without the right to read');
    await t.look(owner, 'source-without-mail');
  },
};

export const organisationConsent = {
  name: 'organisation-consent',
  title: 'An administrator ticks the box for the organisation; nobody else is asked',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    await owner.makeOwner(world.setup);
    await world.lever('/policies', { user_consent: 'none' });

    // The box is explained before anybody meets it.
    await owner.open('/registrations/set-up');
    t.contains(await owner.text(), ['Consent on behalf of your organization', 'nobody is asked any more'], 'How to register');

    let box = 0;
    await owner.signIn('admin@contoso.test', {
      organisation: true,
      async on(step, page) {
        if (step !== 'consent') return;
        box += await page.locator('[data-testid=consent-org]').count();
        if (await page.locator('text=Mail.ReadWrite').count()) await t.look(owner, 'microsoft-consent', { picture: true });
      },
    });
    t.check(box > 0, 'the administrator did not meet the box');
    t.contains(await owner.text(), ['admin@contoso.test', 'Mail.ReadWrite'], 'the page after the sign-in');
    t.contains(await owner.fact('Enterprise Application'), [/^Postroom, application id/, world.sim.client_id, 'admin@contoso.test signed in', 'Its permissions in the portal'], 'the fact of the Enterprise Application');
    await t.look(owner, 'enterprise-application', { picture: true });

    // Whoever signs in now is not asked, although users may not consent to anything here.
    await owner.open('/sources');
    await owner.menu('Create', 'Mailbox of the account');
    const steps = await owner.atMicrosoft('bruno@contoso.test');
    t.check(!steps.includes('consent') && !steps.includes('approval'), `bruno is asked: ${steps}`);
    t.contains(await owner.fact('Consent'), [/administrator's consent covers it|is not known/], 'the fact of the consent');
    await owner.press('Choose folder and project');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task' });
    await owner.confirm();
    await owner.rowSees('bruno@contoso.test', 'online');
  },
};
