// The app registration: what to register, entered, credentials with their test, rollover without a gap, a certificate, another client id.

import { certificate } from '../harness/certificate.mjs';

const support = 'support@contoso.test';

/** Through Microsoft's pages as somebody whom they do not propose. */
async function atMicrosoftByName(person, account, wishes = {}) {
  await person.step();
  if (await person.page.locator(`[data-testid=account][value="${account}"]`).count() === 0) {
    await person.page.fill('[name=loginfmt]', account);
    await person.leads(person.page.locator('button[name=account][value=other]'));
  }
  return person.atMicrosoft(account, wishes);
}

export const setUp = {
  name: 'how-to-register',
  title: 'How to register: permissions as wished, scripts, links of the right cloud, the fence',
  world: { isRegistered: false },
  async run(t) {
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(t.world.setup);

    // Before there is a registration, a sign-in says what is missing.
    await owner.open('/sources');
    t.want('/sources/sign-in', 409);
    await owner.press('Sign in with Microsoft');
    t.contains(await owner.text(), ['Postroom is not registered with Microsoft yet'], 'a sign-in without a registration');
    await t.look(owner, 'not-registered');
    await owner.press('How to register');
    t.contains(await owner.text(), [`${t.world.base}/oauth/callback`, 'Mail.ReadWrite', 'What the tenant must allow', 'For the administrator'], 'How to register');
    await t.look(owner, 'set-up-microsoft', { picture: true });

    // What is wished decides which permissions are listed, no more.
    const wish = async (wishes, fields = {}) => {
      for (const name of ['read', 'send', 'shared', 'person', 'application', 'graph', 'ews', 'credential_ends']) await page.setChecked(`[name=${name}]`, wishes.includes(name));
      for (const [name, value] of Object.entries(fields)) {
        if (await page.locator(`select[name=${name}]`).count()) await page.selectOption(`[name=${name}]`, value);
        else await page.fill(`[name=${name}]`, value);
      }
      await owner.submit();
      return page.locator('table.permissions tbody tr td:first-child').allInnerTexts();
    };
    const read = await wish(['read', 'person', 'graph']);
    t.check(read.includes('Mail.ReadWrite') && !read.includes('Mail.Send'), `to read takes ${read}`);
    const ews = await wish(['read', 'person', 'ews']);
    t.check(ews.includes('EWS.AccessAsUser.All') && !ews.includes('Mail.ReadWrite'), `over EWS takes ${ews}`);
    const both = await wish(['read', 'person', 'graph', 'ews']);
    t.check(both.includes('EWS.AccessAsUser.All') && both.includes('Mail.ReadWrite'), `over Graph and EWS takes ${both}`);
    const alone = await wish(['read', 'send', 'application', 'graph']);
    t.check(alone.join() === 'Mail.ReadWrite,Mail.Send', `as the application alone takes ${alone}`);
    await wish(['read', 'person', 'ews']);
    t.contains(await owner.text(), ['2027'], 'How to register with EWS');
    const all = await wish(['read', 'send', 'shared', 'person', 'graph'], { multi_tenant: 'yes' });
    for (const name of ['Mail.ReadWrite', 'Mail.Send', 'Mail.ReadWrite.Shared', 'Mail.Send.Shared']) t.check(all.includes(name), `${name} is not among ${all}`);
    t.check(!all.includes('Application.Read.All'), `unwished, ${all} holds Application.Read.All`);
    const ends = await wish(['read', 'person', 'graph', 'credential_ends']);
    t.check(ends.includes('Application.Read.All'), `to read when credentials end takes ${ends}`);
    await wish(['read', 'send', 'shared', 'person', 'graph'], { multi_tenant: 'yes' });
    const cli = await owner.copies('Copy the Azure CLI script');
    t.contains(cli, ['az ad app create', `${t.world.base}/oauth/callback`, 'AzureADMultipleOrgs'], 'the Azure CLI script');
    const shell = await owner.copies('Copy the PowerShell script');
    t.contains(shell, ['Connect-MgGraph', 'New-MgApplication', `${t.world.base}/oauth/callback`, 'AzureADMultipleOrgs'], 'the PowerShell script');
    await wish(['read', 'person', 'graph'], { multi_tenant: 'no', cloud: 'gcc_high' }).catch(async (error) => {
      throw new Error(`${error.message}; clouds are ${await page.locator('[name=cloud] option').evaluateAll((own) => own.map((one) => one.value))}`);
    });
    t.contains(await owner.copies('Copy the Azure CLI script'), ['AzureADMyOrg', 'AzureUSGovernment'], 'the Azure CLI script for GCC High');
    t.contains(await owner.named('Make it in the portal').getAttribute('href'), [/\.us\//], 'the portal of GCC High');
    await wish(['read', 'application', 'graph'], { mailboxes: `${support}, billing.contoso.test`, cloud: 'global' });
    t.check(/“billing.contoso.test” is no address/.test(await owner.errorAt('mailboxes')), 'a mailbox that is mistyped is left out silently');
    t.check(!/New-ManagementScope|az ad app create/.test(await owner.text()), 'there is a script although a mailbox is mistyped');
    await t.look(owner, 'set-up-mistyped');
    await wish(['read', 'application', 'graph'], { mailboxes: `${support}, billing@contoso.test`, cloud: 'global' });
    t.contains(await owner.text(), ['Fence it to these mailboxes', 'New-ManagementScope', 'Set-ManagementScope', support, 'billing@contoso.test'], 'How to register with application permission');
    await t.look(owner, 'set-up-application');

    // The same on a terminal.
    t.contains(await t.world.command('setup', 'microsoft'), [`${t.world.base}/oauth/callback`, 'Mail.ReadWrite', 'az ad app create'], '`postroom setup microsoft`');
  },
};

export const credentials = {
  name: 'registration',
  title: 'A registration is entered; credentials are tested, rolled over without a gap; a certificate; another client id',
  world: { isRegistered: false },
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    const made = await world.lever('/registrations/new', { name: 'Postroom of Contoso', redirect_uris: [`${world.base}/oauth/callback`] });

    // What cannot be is refused beside its field.
    await owner.open('/registrations');
    t.contains(await owner.text(), ['not registered with Microsoft yet'], 'the empty list');
    await t.look(owner, 'registrations-empty');
    await owner.press('Enter a registration');
    await page.fill('[name=client_id]', 'Postroom');
    await page.fill('[name=tenant]', 'organizations');
    await page.selectOption('[name=cloud]', 'custom');
    await owner.submit();
    t.check(/no client id/.test(await owner.errorAt('client_id')), 'a name is taken for a client id');
    t.check(/AADSTS50194/.test(await owner.errorAt('tenant')), 'a single-tenant registration without its tenant is taken');
    t.check(/missing/.test(await owner.errorAt('login_url')), 'a cloud of one’s own without addresses is taken');
    await t.look(owner, 'registration-refused');
    await page.fill('[name=name]', 'Contoso');
    await page.fill('[name=client_id]', made.client_id);
    await page.fill('[name=tenant]', 'contoso.test');
    await page.fill('[name=login_url]', world.sim.entra);
    await page.fill('[name=graph_url]', world.sim.graph);
    await page.fill('[name=ews_url]', world.sim.ews);
    await owner.submit();
    t.contains(await owner.text(), ['The registration is kept', 'It needs a credential'], 'the page after it was entered');

    // A secret's id is not its value; one that has ended is refused; a wrong one is found out at once.
    await page.fill('[name=secret]', made.key_id);
    await page.fill('[name=expires]', '2020-01-01');
    await owner.submit();
    t.check(/secret's id/.test(await owner.errorAt('secret')), "a secret's id is taken for its value");
    t.check(/day is over/.test(await owner.errorAt('expires')), 'a secret that has ended is taken');
    await t.look(owner, 'credential-refused');
    const here = new URL(page.url()).pathname.replace('/credentials/new', '');
    const add = async (fields) => {
      await owner.open(`${here}/credentials/new`);
      if (fields.certificate) await page.check('[name=kind][value=certificate]');
      for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, value);
      await owner.submit();
      return owner.text();
    };
    const soon = new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10);
    t.contains(await add({ secret: 'made-up-by-somebody', note: 'A wrong one' }), ['Microsoft refuses the credential', 'AADSTS7000215'], 'the page after a wrong secret');
    t.contains(await owner.danger('Take out', page.locator('ul.ends > li', { hasText: 'A wrong one' })), ['forgets it'], 'the question before taking out');
    t.contains(await add({ secret: made.client_secret, expires: soon, note: 'The first' }), ['Microsoft took the credential', 'it has not ended'], 'the page after the right secret');
    await owner.open('/notices');
    await owner.sees(/ends in (19|20) days/, 30_000);
    await owner.connect(support);

    // Somebody of another tenant: single-tenant refuses them, at Microsoft's page, and nothing of it is kept.
    const stranger = await t.person();
    await stranger.signInHere();
    await stranger.open('/sources');
    await stranger.menu('Create', 'Mailbox of the account');
    t.want(/\/login\/password$/, 400);
    t.check((await atMicrosoftByName(stranger, 'felix@fabrikam.test')).at(-1) === 'error', 'a single-tenant registration lets a further tenant in');
    t.contains(await stranger.page.innerText('[data-testid=error]'), ['AADSTS50020', 'felix@fabrikam.test'], "Microsoft's page for somebody of another tenant");
    await owner.open('/sources');
    t.check(!(await owner.text()).includes('felix@fabrikam.test'), 'somebody whom Microsoft refused is listed');

    // Rollover: the second is put in and tested, the first one ends in Entra, and nobody notices.
    const second = await world.lever('/registrations/secrets', { client_id: made.client_id, name: 'Second' });
    t.contains(await add({ secret: second.client_secret, note: 'The second' }), ['Microsoft took the credential', 'Two live now', 'The first', 'The second', support], 'the page with two secrets');
    await t.look(owner, 'registration-two-credentials', { picture: true });

    // When a secret ends, Microsoft tells an app that may read applications, with the test.
    const credential = (note) => page.locator('ul.ends > li', { hasText: note });
    t.contains(await credential('The second').innerText(), ['its end is not known'], 'a secret whose end nobody has told');
    await world.lever('/registrations', { client_id: made.client_id, roles: ['Application.Read.All'] });
    await owner.leads(credential('The second').getByRole('button', { name: 'Test' }));
    const ends = new Date(second.ends).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });
    t.contains(await credential('The second').innerText(), [`ends ${ends}`], 'a secret whose end Microsoft told');
    t.check(!(await owner.text()).includes('its end is not known'), 'the end that Microsoft told is not shown');
    await world.lever('/registrations/secrets', { client_id: made.client_id, remove: made.key_id });
    await world.lever('/tokens', { expire: true });
    await world.deliver(support, 'After the rollover');
    await world.issue('After the rollover');
    await owner.open(here);
    const first = page.locator('ul.ends > li', { hasText: 'The first' });
    await owner.leads(first.getByRole('button', { name: 'Test' }));
    t.contains(await owner.text(), ['Microsoft refuses the credential'], 'the test of a secret that was taken away in Entra');
    await owner.danger('Take out', page.locator('ul.ends > li', { hasText: 'The first' }));

    // A certificate: its key is checked here, its assertion there.
    const [good, other] = [certificate(300), certificate(300)];
    const mixed = await add({ certificate: good.certificate, key: other.key });
    t.check(/key/i.test(await owner.errorAt('key')) || /key/i.test(mixed), 'a key that is not the certificate’s is taken');
    await world.lever('/registrations/certificates', { client_id: made.client_id, pem: good.certificate });
    t.contains(await add({ ...good, note: 'In the vault' }), ['Microsoft took the credential', 'Certificate', 'SHA-256', 'In the vault'], 'the page with a certificate');
    await world.lever('/registrations/secrets', { client_id: made.client_id, remove: second.key_id });
    await world.lever('/tokens', { expire: true });
    await world.deliver(support, 'With a certificate');
    await world.issue('With a certificate');

    // Another client id is another app: the page says who has to sign in again, before and after.
    const another = await world.lever('/registrations/new', { name: 'Another', redirect_uris: [`${world.base}/oauth/callback`] });
    await owner.open(`${here}/edit`);
    t.contains(await owner.text(), ['1 account is signed in with this registration', 'must sign in again', 'none is lost', '2 credentials are taken out'], 'the form that changes it');
    await page.fill('[name=client_id]', another.client_id);
    await t.look(owner, 'change-registration');
    await owner.submit();
    t.contains(await owner.text(), ['1 account must sign in again', '2 credentials of the former client id are taken out', 'put it in now'], 'the page after another client id');
    await t.look(owner, 'after-another-client-id');
    t.contains(await add({ secret: another.client_secret }), ['Microsoft took the credential'], "the page with the other app's secret");
    await owner.open('/sources');
    await owner.rowSees(support, 'offline');
    await owner.mend(support, 'Sign in again');
    await owner.atMicrosoft(support);
    await owner.open('/sources');
    await owner.rowSees(support, 'online', 30_000);
  },
};

export const multiTenant = {
  name: 'multi-tenant',
  title: 'A multi-tenant registration: a further tenant connects by its administrator; single-tenant refuses it',
  world: { settings: { POSTROOM_MICROSOFT_TENANT: 'organizations' } },
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    await owner.makeOwner(world.setup);
    await world.lever('/policies', { tenant: 'fabrikam.test', user_consent: 'managed' });
    const typed = async (account, wishes = {}) => {
      await owner.open('/sources');
      const create = owner.page.locator('.page-actions details.menu > summary', { hasText: 'Create' });
      if (await create.count()) await owner.menu('Create', 'Mailbox of the account');
      else await owner.press('Sign in with Microsoft');
      return atMicrosoftByName(owner, account, wishes);
    };
    await typed('admin@fabrikam.test', { organisation: true });
    t.contains(await owner.text(), ['admin@fabrikam.test', 'Mail.ReadWrite'], "the page after the sign-in of a stranger's administrator");
    await t.look(owner, 'further-tenant');
    // Its administrator consented for all: its people are not asked.
    const steps = await typed('felix@fabrikam.test');
    t.check(!steps.includes('approval'), `felix is asked: ${steps}`);
    await owner.press('Choose folder and project');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task' });
    await owner.confirm();
    await owner.rowSees('felix@fabrikam.test', 'online');
    await world.deliver('felix@fabrikam.test', 'From the other tenant');
    await world.issue('From the other tenant');
    await owner.open('/registrations');
    await owner.leads(owner.page.locator('main a.row-link').first());
    t.contains(await owner.text(), ['multi-tenant', 'any organisation', 'felix@fabrikam.test', 'admin@fabrikam.test'], 'the registration');

    // Made single-tenant in the portal, it refuses a further tenant: at its sign-in, and for what is read there already.
    await world.lever('/registrations', { multi_tenant: false });
    await world.lever('/tokens', { expire: true });
    await owner.open('/sources');
    t.contains(await owner.rowSees('felix@fabrikam.test', 'offline'), ['AADSTS700016'], 'the line of a mailbox of a further tenant');
    await t.look(owner, 'single-tenant');
    t.want(/\/organizations\/oauth2\/v2\.0\/authorize/, 400);
    await owner.menu('Create', 'Mailbox of the account');
    t.check((await owner.step()) === 'error', 'a single-tenant registration lets anybody sign in');
    t.contains(await owner.page.innerText('[data-testid=error]'), ['AADSTS50194'], "Microsoft's page for a single-tenant app");
  },
};

export const namedTenant = {
  name: 'multi-tenant-named',
  title: 'A multi-tenant registration that names its own tenant: a further tenant connects all the same',
  world: { isRegistered: false },
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    const made = await world.lever('/registrations/new', { name: 'Postroom', multi_tenant: true, redirect_uris: [`${world.base}/oauth/callback`] });
    await owner.open('/registrations/new');
    await page.fill('[name=client_id]', made.client_id);
    await page.check('[name=multi_tenant][value=yes]');
    await page.fill('[name=tenant]', 'contoso.test');
    await page.selectOption('[name=cloud]', 'custom');
    await page.fill('[name=login_url]', world.sim.entra);
    await page.fill('[name=graph_url]', world.sim.graph);
    await owner.submit();
    await page.fill('[name=secret]', made.client_secret);
    await owner.submit();
    t.contains(await owner.text(), ['Microsoft took the credential', 'contoso.test, and others that connect'], 'the page of the registration');
    await owner.press('Set up in Entra');
    t.contains(await owner.text(), ['organizations/v2.0/adminconsent'], "the consent links, whoever's administrator opens them");

    // A further tenant whose users may not consent: its administrator does, by the link that the page has.
    await world.lever('/policies', { tenant: 'fabrikam.test', user_consent: 'managed' });
    await owner.open('/sources');
    await owner.menu('Create', 'Mailbox of the account');
    await atMicrosoftByName(owner, 'felix@fabrikam.test');
    t.contains(await owner.text(), ['An administrator has to approve', 'AADSTS90094', 'felix@fabrikam.test'], 'the page of somebody of the further tenant');
    const link = await owner.copies('Copy link for the administrator');
    const admin = await t.person();
    await admin.page.goto(link);
    await atMicrosoftByName(admin, 'admin@fabrikam.test');
    await admin.sees('Thank you');
    await owner.sees('Microsoft lets Postroom in', 30_000);
    await owner.press('Choose folder and project');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task' });
    await owner.confirm();
    await owner.rowSees('felix@fabrikam.test', 'online');
    await world.deliver('felix@fabrikam.test', 'From the further tenant');
    await world.issue('From the further tenant');
    // Its own tenant connects as before.
    await owner.open('/sources');
    await owner.menu('Create', 'Mailbox of the account');
    await owner.atMicrosoft('support@contoso.test');
    t.contains(await owner.text(), ['support@contoso.test', 'Mail.ReadWrite'], 'the page after a sign-in of the own tenant');
  },
};
