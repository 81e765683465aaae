// A national cloud at its own addresses: its registration, scripts and portals; signed in there, mail becomes issues; and what is said when
// the tenant lives in another one.

import { clouds } from '../harness/cloud.mjs';

const support = 'support@contoso.test';
const administrator = 'admin@contoso.test';

/** Where the portals of each cloud are. */
const portals = {
  global: /^https:\/\/(portal\.azure|admin\.microsoft|admin\.exchange\.microsoft|security\.microsoft|entra\.microsoft)\.com\//,
  gcc_high: /^https:\/\/(portal\.azure\.us|portal\.office365\.us|admin\.exchange\.office365\.us|security\.microsoft\.us)\//,
  dod: /^https:\/\/(portal\.azure\.us|portal\.apps\.mil|security\.apps\.mil)\//,
  china: /^https:\/\/portal\.(azure|partner\.microsoftonline)\.cn\//,
};

/** What leads away from the console on the open page: neither Jira, nor what is only read, nor the simulator. */
async function leavesFor({ page }) {
  const all = await page.locator('main a[href^="https://"]').evaluateAll((links) => links.map((link) => link.href));
  return all.filter((href) => !new URL(href).hostname.startsWith('learn.') && !new URL(href).hostname.startsWith('login.'));
}

/** Each portal link of the open page leads to the cloud's own. */
async function inItsPortal(t, owner, cloud, where, { least = 1 } = {}) {
  const links = await leavesFor(owner);
  t.check(links.length >= least, `${where} leads to ${links.length} pages of a portal`);
  const astray = links.filter((href) => !portals[cloud].test(href));
  t.check(astray.length === 0, `${where} leads astray: ${astray.join(' ')}`);
  return links;
}

/** Where the tenant lives elsewhere, its app is registered in one of the other clouds: each link leads to one of these. */
async function inAnotherPortal(t, owner, cloud, where) {
  const links = await leavesFor(owner);
  const others = Object.entries(portals).filter(([own]) => own !== cloud);
  const astray = links.filter((href) => portals[cloud].test(href) || !others.some(([, portal]) => portal.test(href)));
  t.check(links.length > 0 && astray.length === 0, `${where} leads to ${links.length} pages of a portal, astray: ${astray.join(' ')}`);
}

async function enter(owner, cloud, client) {
  const { page } = owner;
  await owner.open('/registrations/new');
  await page.fill('[name=name]', 'Contoso');
  await page.fill('[name=client_id]', client);
  await page.fill('[name=tenant]', 'contoso.test');
  await page.selectOption('[name=cloud]', cloud);
  await owner.submit();
}

/** From the registration to an issue in one cloud, at its addresses alone; a fault there leads to its portal. */
async function whole(t, owner, cloud, { says, least = 3 }) {
  const { world } = t;
  const subject = `In ${cloud}`;
  const { client_id: client, client_secret: secret } = await world.lever('/registrations/new', { name: 'Contoso', redirect_uris: [`${world.base}/oauth/callback`] });
  await enter(owner, cloud, client);
  await owner.page.fill('[name=secret]', secret);
  await owner.submit();
  t.contains(await owner.text(), ['Microsoft took the credential', clouds[cloud].login, clouds[cloud].graph, ...says], `the registration in ${cloud}`);
  await inItsPortal(t, owner, cloud, `the registration in ${cloud}`, { least });
  await world.deliver(support, subject);
  await owner.connect(support);
  await world.issue(subject);
  const checks = await owner.ping(support);
  t.check(checks.every((check) => check.good), `the ping in ${cloud}: ${checks.map((check) => check.text).join(' | ')}`);
  t.check(Object.values(clouds[cloud]).every((host) => world.clouds.asked.includes(host)), `in ${cloud} asked was ${world.clouds.asked}`);
  t.check(world.clouds.asked.every((host) => Object.values(clouds[cloud]).includes(host)), `in ${cloud} asked was ${world.clouds.asked}`);
  await world.lever('/enterprise-applications', { client_id: client, enabled: false });
  await world.lever('/tokens', { expire: true });
  await owner.open('/sources');
  await owner.rowSees(support, 'AADSTS7000112');
  await inItsPortal(t, owner, cloud, `the line of a source in ${cloud}`);
  await t.look(owner, `fault-${cloud}`);
  await world.lever('/enterprise-applications', { client_id: client, enabled: true });
  await owner.mend(support, 'Try now');
  await owner.open('/sources');
  await owner.rowSees(support, 'online');
}

export const defense = {
  name: 'cloud-dod',
  title: 'DoD: its sign-in is that of GCC High, its Graph and its portals are its own; signed in, read, pinged',
  world: { isRegistered: false, cloud: 'dod' },
  async run(t) {
    const owner = await t.person();
    await owner.makeOwner(t.world.setup);
    await whole(t, owner, 'dod', { says: [/DoD/, 'outlook-dod.office365.us'] });
  },
};

export const government = {
  name: 'national-cloud',
  title: 'GCC High: the wrong cloud is told, the right one signs in, reads, and leads to its own portal at every fault',
  world: { isRegistered: false, cloud: 'global' },
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    const { client_id: client, client_secret: secret } = await world.lever('/registrations/new', { name: 'Contoso', redirect_uris: [`${world.base}/oauth/callback`] });

    // The wrong one: the tenant lives in GCC High, the registration says Worldwide. Its credential is tested at once, and says so.
    await world.lever('/registrations', { client_id: client, tells_roles: true });
    await world.lever('/policies', { cloud: 'us_government' });
    await enter(owner, 'global', client);
    await page.fill('[name=secret]', secret);
    await owner.submit();
    t.check(world.clouds.asked.includes(clouds.global.login), `asked was ${world.clouds.asked}`);
    t.contains(await owner.text(), ['AADSTS900382', 'another national cloud', /cloud/], 'the page after the test at the wrong cloud');
    await t.look(owner, 'wrong-cloud-credential');
    // Whoever signs in there is stopped by Microsoft, before anybody comes back.
    await owner.open('/sources');
    t.want(/login\.microsoftonline\.com\/.*authorize/, 400);
    await owner.press('Sign in with Microsoft');
    t.check((await owner.step()) === 'error', 'Microsoft takes a sign-in at the wrong cloud');
    t.contains(await owner.text(), ['AADSTS90038', 'microsoftonline.us'], "Microsoft's page at the wrong cloud");

    // The right one: chosen on the registration's page, with its own addresses.
    await world.lever('/policies', { cloud: 'global' });
    await owner.open('/registrations');
    await owner.leads(page.locator('main a.row-link').first());
    await owner.press('Change');
    await page.selectOption('[name=cloud]', 'gcc_high');
    await owner.submit();
    const changed = await owner.text();
    t.contains(changed, ['US Government GCC High', clouds.gcc_high.login, clouds.gcc_high.graph, 'outlook.office365.us'], 'the registration after the change');
    t.contains(changed, ['are taken out: add one anew'], 'the registration whose secret was shown to another address');
    await inItsPortal(t, owner, 'gcc_high', 'the registration', { least: 3 });
    await owner.press('Add a credential');
    await page.fill('[name=secret]', secret);
    await owner.submit();
    t.contains(await owner.text(), ['Microsoft took the credential'], 'the page after the test at the right cloud');
    await t.look(owner, 'registration-gcc-high');

    // An administrator signs in there: the Enterprise Application, in the portal of that cloud.
    await owner.signIn(administrator);
    t.check(world.clouds.asked.includes(clouds.gcc_high.login) && world.clouds.asked.includes(clouds.gcc_high.graph), `asked was ${world.clouds.asked}`);
    t.contains(await owner.fact('Enterprise Application'), [client, 'Its permissions in the portal'], 'the fact of the Enterprise Application');
    const [permissions] = await inItsPortal(t, owner, 'gcc_high', 'the page after the sign-in of an administrator');
    t.check(/\/~\/(Permissions\/objectId|AppAppsPreview)/.test(permissions), `its permissions are at ${permissions}`);
    await t.look(owner, 'enterprise-gcc-high');
    await owner.open('/registrations');
    await owner.leads(page.locator('main a.row-link').first());
    t.contains(await owner.text(), ['Enterprise Applications', `${administrator} signed in`], 'the registration');
    await inItsPortal(t, owner, 'gcc_high', 'the registration with its Enterprise Application', { least: 4 });
    await owner.press('Set up in Entra');
    await inItsPortal(t, owner, 'gcc_high', 'How to register', { least: 4 });
    const links = await page.locator('main a[href*="adminconsent"]').evaluateAll((all) => all.map((link) => new URL(link.href).host));
    t.check(links.length > 0 && links.every((host) => host === clouds.gcc_high.login), `the consent links lead to ${links}`);

    // The mailbox's own user: mail becomes an issue, and every request went to the cloud's own addresses.
    await world.deliver(support, 'In GCC High');
    await owner.forgetMicrosoft();
    await owner.connect(support);
    await world.issue('In GCC High');

    // Each fault leads to that portal, wherever it is shown; commands begin with the connection to that cloud's Exchange.
    const faults = [
      { name: 'other-cloud', cause: () => world.lever('/policies', { cloud: 'china' }), says: ['AADSTS900382', 'another national cloud'], cure: () => world.lever('/policies', { cloud: 'global' }), isElsewhere: true },
      { name: 'app-disabled', cause: () => world.lever('/enterprise-applications', { client_id: client, enabled: false }), says: ['AADSTS7000112'], cure: () => world.lever('/enterprise-applications', { client_id: client, enabled: true }), links: 1 },
      { name: 'secret-ended', cause: () => world.lever('/refuse', { code: 7000222, error: 'invalid_client' }), says: ['AADSTS7000222'], cure: () => world.lever('/restore', {}), links: 1 },
      { name: 'conditional-access', cause: () => world.lever('/people', { upn: support, blocked: true }), says: ['AADSTS53003'], cure: () => world.lever('/people', { upn: support, blocked: false }), links: 1 },
      {
        name: 'no-mailbox', says: ['MailboxNotEnabledForRESTAPI'], command: `Connect-ExchangeOnline -ExchangeEnvironmentName O365USGovGCCHigh; Get-Mailbox -Identity ${support}`,
        cause: () => world.lever('/faults', { service: 'graph', path: '/messages|/mailFolders', kind: 'status', status: 404, code: 'MailboxNotEnabledForRESTAPI', message: 'The mailbox is either inactive, soft-deleted, or is hosted on-premise.' }),
        cure: () => world.lever('/faults', undefined, 'DELETE'), links: 1,
      },
    ];
    const leads = (fault, where) => (fault.isElsewhere ? inAnotherPortal(t, owner, 'gcc_high', where) : inItsPortal(t, owner, 'gcc_high', where, { least: fault.links }));
    for (const fault of faults) {
      await fault.cause();
      await world.lever('/tokens', { expire: true });
      await owner.open('/sources');
      await owner.rowSees(support, 'offline', 30_000).catch((error) => { throw new Error(`${fault.name}: ${error.message}`); });
      t.contains(await owner.rowSees(support, fault.says[0]), fault.says, `the line with ${fault.name}`);
      await leads(fault, `the line with ${fault.name}`);
      if (fault.command) t.contains(await owner.copies('Copy the command'), [fault.command], `the command with ${fault.name}`);
      await owner.leads(owner.row(support).locator('a.row-link'));
      t.contains(await owner.text(), [...fault.says, /must act/, ...(fault.command ? [fault.command] : [])], `the page with ${fault.name}`);
      await leads(fault, `the page with ${fault.name}`);
      if (fault.name === 'other-cloud' || fault.name === 'no-mailbox') await t.look(owner, `gcc-high-${fault.name}`);
      for (const path of ['/', '/notices']) {
        await owner.open(path);
        await owner.sees(`${support}`);
        await leads(fault, `${path} with ${fault.name}`);
      }
      if (fault.name === 'no-mailbox') await t.look(owner, 'notices-gcc-high');
      await fault.cure();
      await owner.open('/sources');
      await owner.mend(support, 'Try now');
      await owner.open('/sources');
      await owner.rowSees(support, 'online', 30_000).catch((error) => { throw new Error(`after ${fault.name}: ${error.message}`); });
    }
  },
};

export const others = {
  name: 'clouds',
  title: 'Every cloud: how it is registered, its portals, its scripts; China signs in and reads',
  world: { isRegistered: false, cloud: 'china' },
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    const azure = { global: 'AzureCloud', gcc_high: 'AzureUSGovernment', dod: 'AzureUSGovernment', china: 'AzureChinaCloud' };
    const environment = { global: null, gcc_high: 'USGov', dod: 'USGovDoD', china: 'China' };
    const exchange = { global: null, gcc_high: 'O365USGovGCCHigh', dod: 'O365USGovDoD', china: 'O365China' };
    for (const cloud of Object.keys(clouds)) {
      await owner.open('/registrations/set-up');
      await page.selectOption('[name=cloud]', cloud);
      await page.check('[name=application]');
      await page.fill('[name=mailboxes]', support);
      await owner.submit();
      await inItsPortal(t, owner, cloud, `How to register in ${cloud}`, { least: 4 });
      const cli = await owner.copies('Copy the Azure CLI script');
      t.check(cloud === 'global' ? !cli.includes('AzureUS') && !cli.includes('AzureChina') : cli.includes(`az cloud set --name ${azure[cloud]}`), `the Azure CLI script of ${cloud}`);
      const shell = await owner.copies('Copy the PowerShell script');
      t.check(environment[cloud] ? shell.includes(`-Environment ${environment[cloud]}`) : !shell.includes('-Environment USGov'), `the PowerShell script of ${cloud}`);
      const fence = await owner.copies('Copy the commands');
      t.check(exchange[cloud] ? fence.includes(`-ExchangeEnvironmentName ${exchange[cloud]}`) : !fence.includes('O365US'), `the commands of the fence in ${cloud}`);
      if (cloud === 'china') await t.look(owner, 'set-up-china');
    }

    // China, whole: registered, signed in, read.
    await whole(t, owner, 'china', { says: ['China (21Vianet)', 'partner.outlook.cn'] });

    // Somebody who may not consent: the administrator's link leads to the sign-in of that cloud.
    await world.lever('/policies', { user_consent: 'managed' });
    await owner.forgetMicrosoft();
    await owner.signIn('bruno@contoso.test');
    t.contains(await owner.text(), ['An administrator has to approve', 'AADSTS90094'], 'the page of somebody who waits in China');
    t.check(new URL(await owner.copies('Copy link for the administrator')).host === clouds.china.login, 'the link for the administrator leads to another cloud');
  },
};
