// One whole flow by the keyboard alone: from the one-time link to a mailbox that is read and pinged. Whatever has the focus shows it, and
// the focus goes through a page as it is read.

const support = 'support@contoso.test';

export default {
  name: 'keyboard',
  title: 'From the link to a ping by the keyboard alone',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await world.deliver(support, 'By the keyboard');
    await page.goto(world.setup);
    await to(t, page, '[name=name]');
    await page.keyboard.type('Olivia Owner');
    await to(t, page, '[name=email]');
    await page.keyboard.type('olivia@contoso.test');
    await to(t, page, '[name=password]');
    await page.keyboard.type('correct horse battery staple');
    await presses(page, 'Enter');
    await page.waitForURL((url) => url.pathname !== '/setup');

    await owner.open('/sources');
    await inOrder(t, page, 'the empty list');
    await to(t, page, 'main button:has-text("Sign in with Microsoft")');
    await presses(page, 'Enter');
    await owner.step();
    await to(t, page, `[data-testid=account][value="${support}"]`);
    await presses(page, 'Enter');
    await owner.step();
    await to(t, page, 'input[type=password]');
    await page.keyboard.type('Password-1');
    await presses(page, 'Enter');
    while ((await owner.step()) === 'consent') {
      await to(t, page, '[data-testid=accept]');
      await presses(page, 'Enter');
    }
    await to(t, page, 'main a[href^="/sources/new"]');
    await presses(page, 'Enter');
    await inOrder(t, page, 'the confirmation');

    // A group of choices is one stop; the arrows choose in it. A list is chosen by typing.
    await page.evaluate(() => document.activeElement?.blur());
    await to(t, page, 'input[name=start]:checked');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    t.check((await page.locator('input[name=start]:checked').getAttribute('value')) === 'everything', 'the arrows do not choose where it begins');
    await to(t, page, '[name=project]');
    const project = await page.locator('[name=project] option').evaluateAll((all) => all.find((own) => own.textContent.includes('SUP')).textContent.trim());
    await page.keyboard.type(project);
    await to(t, page, '[name=issue_type]');
    await page.keyboard.type('Task');
    await to(t, page, 'button[value=confirm]');
    await presses(page, 'Enter');
    await owner.rowSees(support, 'online');
    await world.issue('By the keyboard');

    await page.keyboard.press('j');
    t.check(await page.evaluate(() => document.activeElement?.matches('.row-link')), 'j does not lead to the line');
    await to(t, page, '.source-rows form[action$="/ping"] button');
    await page.keyboard.press('Enter');
    await page.locator('.ping .checks li').first().waitFor();
    t.check((await page.locator('.ping .checks li.bad').count()) === 0, 'the ping is not good');

    // The menu of a line opens, closes and gives the focus back.
    await to(t, page, '.row-actions > details.menu > summary');
    await page.keyboard.press('Enter');
    await page.locator('.row-actions > details.menu[open]').waitFor();
    await to(t, page, '.row-actions > details.menu[open] .menu-list a:has-text("Change settings")');
    await page.keyboard.press('Escape');
    t.check((await page.locator('.row-actions > details.menu[open]').count()) === 0, 'Escape does not close the menu');
    t.check(await page.evaluate(() => document.activeElement?.matches('summary')), 'after Escape the focus is lost');
    await to(t, page, '.row-actions > details.menu > summary');
    await page.keyboard.press('Enter');
    await to(t, page, '.row-actions > details.menu[open] .menu-list button:has-text("Pause")');
    await presses(page, 'Enter');
    await owner.rowSees(support, 'paused');
    await t.look(owner, 'paused-by-the-keyboard');
  },
};

async function presses(page, key) {
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.keyboard.press(key)]);
}

/** Tabs on until the focus is there; whatever has it on the way must show it. */
async function to(t, page, selector) {
  for (let turn = 0; turn < 80; turn += 1) {
    await page.keyboard.press('Tab');
    const shown = await page.evaluate(() => {
      const own = document.activeElement;
      if (!own || own === document.body) return { is: 'body' };
      // The link of a line has the line's outline. Within a date, the browser marks the part that has the focus.
      const style = getComputedStyle(own.closest('.row, tr') && own.matches('.row-link') ? own.closest('.row, tr') : own);
      const outlined = own.type === 'date' || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0);
      const box = own.getBoundingClientRect();
      return { is: own.outerHTML.slice(0, 120), marked: outlined || style.boxShadow !== 'none', seen: box.width > 0 && box.height > 0 };
    });
    if (shown.is !== 'body') {
      t.check(shown.marked, `on ${page.url()} the focus is not shown: ${shown.is}`);
      t.check(shown.seen, `on ${page.url()} something has the focus that is not there: ${shown.is}`);
    }
    const there = await page.locator(selector).first().evaluate((own) => own === document.activeElement, undefined, { timeout: 1000 }).catch(() => false);
    if (there) return;
  }
  throw new Error(`on ${page.url()} Tab does not lead to ${selector}`);
}

/** The focus goes through the main part from above to below, within a line from left to right. */
async function inOrder(t, page, name) {
  const places = await page.evaluate(() => {
    const all = document.querySelectorAll('main a[href], main button, main input:not([type=hidden]), main select, main textarea, main summary');
    return [...all].filter((own) => own.checkVisibility() && !own.disabled).map((own) => {
      const { top, bottom, left } = own.getBoundingClientRect();
      return { top, bottom, left, tabindex: own.tabIndex, is: own.outerHTML.slice(0, 100) };
    });
  });
  for (const [at, place] of places.entries()) {
    t.check(place.tabindex <= 0, `on ${name} the order is set by hand: ${place.is}`);
    const before = places[at - 1];
    if (before) t.check(place.bottom > before.top - 1 || place.left > before.left, `on ${name} the focus goes back from ${before.is} to ${place.is}`);
  }
}
