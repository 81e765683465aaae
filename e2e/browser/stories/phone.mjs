// One whole flow on a phone: 390 pixels wide, by touch.

const support = 'support@contoso.test';

export default {
  name: 'phone',
  title: 'From the link to an outage and back on a phone',
  async run(t) {
    const { world } = t;
    const owner = await t.person({ width: 390, phone: true });
    const { page } = owner;
    const fits = async (name) => {
      await t.glance(owner, name);
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      t.check(sideways <= 1, `${name} scrolls ${sideways} pixels sideways`);
      const small = await page.locator('main a.button, main button, main summary, main select, main input:not([type=hidden]):not([type=radio]):not([type=checkbox])').evaluateAll((all) =>
        all.filter((own) => own.checkVisibility()).map((own) => ({ box: own.getBoundingClientRect(), is: own.outerHTML.slice(0, 90) }))
          .filter(({ box }) => box.width > 0 && (box.height < 24 || box.width < 24)).map(({ box, is }) => `${Math.round(box.width)}×${Math.round(box.height)} ${is}`));
      t.check(small.length === 0, `on ${name} this is too small to be touched: ${small.slice(0, 3).join(' | ')}`);
    };
    await page.goto(world.setup);
    await fits('set-up');
    await owner.makeOwner(world.setup);
    await fits('overview');
    await world.deliver(support, 'On a phone');
    await page.locator('.top-menu > summary').tap();
    await fits('menu');
    await owner.leads(page.locator('.top-menu nav >> text=Message Sources'));
    await fits('sources-empty');
    await owner.press('Sign in with Microsoft');
    await owner.atMicrosoft(support, { on: async (step) => step === 'consent' && fits('consent') });
    await fits('signed-in');
    await owner.press('Choose folder and project');
    await fits('confirm');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    await owner.dryRun();
    await fits('dry-run');
    await owner.confirm();
    await owner.rowSees(support, 'online');
    await fits('sources');
    // On a phone, ping and validate are in the menu of the line.
    const menu = owner.row(support).locator('.row-actions > details.menu');
    await menu.locator(':scope > summary').tap();
    await fits('line-menu');
    await menu.locator('.on-phones form[action$="/ping"] button').tap();
    await owner.row(support).locator('.ping .checks li').first().waitFor();
    await fits('ping');
    await world.issue('On a phone');
    await owner.open('/messages');
    await owner.sees('On a phone');
    await fits('messages');
    await owner.leads(page.locator('a.row-link', { hasText: 'On a phone' }));
    await fits('message');

    await world.lever('/revoke', { upn: support, access_tokens: true });
    await owner.open('/sources');
    await owner.rowSees(support, 'AADSTS50173', 30_000);
    await fits('sources-offline');
    await owner.open('/notices');
    await owner.sees('is offline');
    await fits('notices');
    await owner.open('/sources');
    await owner.mend(support, 'Sign in again');
    await owner.atMicrosoft(support);
    await owner.open('/sources');
    await owner.rowSees(support, 'online', 30_000);
    for (const path of ['/registrations/set-up', '/sign-in-links/new', '/applications/new', '/outbounds', '/jira', '/settings']) {
      await owner.open(path);
      await fits(path.slice(1).replaceAll('/', '-'));
    }
  },
};
