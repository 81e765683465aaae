// Every page that a menu leads to, keys, and the menus of a phone.

const mailbox = 'support@contoso.test';

export default {
  name: 'tour',
  title: 'Every page, the keys, the menus of a phone',
  async run(t) {
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(t.world.setup);
    const subject = 'The one to search for';
    await t.world.deliver(mailbox, subject);
    await t.world.deliver(mailbox, 'Another one');
    await owner.connect(mailbox);
    await t.world.issue(subject);

    // A page that is not there is a page, too.
    t.want('/nothing-here', 404);
    const pages = [
      ['/', 'overview', 200],
      ['/jira', 'jira', 200],
      ['/jira/new', 'connect-jira', 200],
      ['/outbounds', 'outbounds', 200],
      ['/registrations', 'registrations', 200],
      ['/notices', 'notices', 200],
      ['/settings', 'settings', 200],
      ['/settings/audit', 'audit', 200],
      ['/nothing-here', 'not-found', 404],
    ];
    const pictures = new Set(['outbounds']);
    for (const [path, name, status] of pages) {
      const response = await owner.open(path);
      t.check(response.status() === status, `${path}: ${response.status()}, not ${status}`);
      await t.look(owner, name, { picture: pictures.has(name) });
    }
    await owner.open('/registrations');
    await owner.leads(page.locator('main a.row-link').first());
    t.contains(await owner.text(), ['Redirect URI', 'Two may live at once', mailbox, 'from the settings file'], 'the registration');
    await t.look(owner, 'registration', { picture: true });

    // The keyboard alone.
    await owner.open('/messages');
    await page.keyboard.press('?');
    t.check(await page.locator('dialog[open]').count(), '`?` shows no help');
    await t.look(owner, 'keys');
    await page.keyboard.press('Escape');
    t.check((await page.locator('dialog[open]').count()) === 0, 'Escape does not close the help');
    await page.keyboard.press('/');
    t.check(await page.locator('[data-search]').evaluate((search) => search === document.activeElement), '"/" does not lead to the search');
    await page.keyboard.type(subject);
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=/);
    t.check((await page.locator('a.row-link').allInnerTexts()).join() === subject, 'the search does not find the one mail');
    await page.locator('main').focus();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/messages\/[0-9a-f-]+/);
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await page.waitForURL(/\/sources$/);
    // The first Tab on a page leads to the link that skips the navigation.
    await page.keyboard.press('Tab');
    t.check(await page.evaluate(() => document.activeElement.matches('.skip')), 'the first Tab does not lead to the skip link');

    // A phone: the menu opens, leads on, and lists what the rows' buttons do.
    await page.setViewportSize({ width: 390, height: 844 });
    await page.locator('.top-menu > summary').click();
    await t.glance(owner, 'phone-menu');
    await owner.leads(page.locator('.top-menu nav >> text=Message Sources'));
    await page.locator('.row-actions details.menu > summary').first().click();
    await t.glance(owner, 'phone-actions');
    t.contains(await page.locator('.row-actions details.menu[open] .menu-list').first().innerText(), ['Ping', 'Validate', 'Change settings', 'Pause', 'Remove'], "the phone's menu of a line");
  },
};
