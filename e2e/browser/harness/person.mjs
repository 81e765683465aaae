// Somebody in a browser of their own: what they press, what they read, and how they get through Microsoft's pages.

import { until } from './wait.mjs';

// There is one clipboard for all browsers of a machine: whoever copies has it alone until they have read it.
let clipboard = Promise.resolve();

/** What a page of the simulated Microsoft is, by what it asks. */
const STEPS = ['accounts', 'password', 'new-password', 'second-factor', 'consent', 'approval', 'user-code', 'device', 'device-over', 'decide', 'application', 'error'];

export class Person {
  constructor(story, context, page, base) {
    this.story = story;
    this.context = context;
    this.page = page;
    this.base = base;
  }

  // ---- reading

  /** The text of the page's main part. */
  async text() {
    return this.page.evaluate(() => (document.querySelector('main') ?? document.body)?.innerText ?? '').catch(() => '');
  }

  /** Waits until the page says something; pages bring themselves up to date. */
  async sees(what, within = 30_000) {
    const test = typeof what === 'string' ? (text) => text.includes(what) : (text) => what.test(text);
    let last = '';
    await until(`${this.page.url()} shows ${what}`, async () => test((last = await this.text())), { within }).catch((error) => {
      throw new Error(`${error.message}; it shows: ${last.replace(/\s+/g, ' ').slice(0, 700)}`);
    });
    return last;
  }

  /** A line of a list, by the address that stands in it. */
  row(mailbox) {
    return this.page.locator('.source-rows > li', { has: this.page.locator('.row-link', { hasText: mailbox }) }).first();
  }

  /** Waits until a line of the list says something. */
  async rowSees(mailbox, what, within = 30_000) {
    const test = typeof what === 'string' ? (text) => text.includes(what) : (text) => what.test(text);
    let last = '';
    await until(`the line of ${mailbox} shows ${what}`, async () => {
      last = await this.row(mailbox).innerText({ timeout: 1000 }).catch(() => '');
      return test(last);
    }, { within }).catch(async (error) => {
      throw new Error(`${error.message}; it shows: ${(last || (await this.text())).replace(/\s+/g, ' ').slice(0, 700)}`);
    });
    return last;
  }

  /** A value of the list of facts on a page. */
  async fact(name) {
    const facts = await this.page.locator('dl.facts > div').evaluateAll((all) =>
      all.map((fact) => [fact.querySelector('dt')?.innerText, fact.querySelector('dd')?.innerText]));
    return facts.find(([own]) => own === name)?.[1] ?? '';
  }

  // ---- doing

  async open(path) {
    const response = await this.page.goto(new URL(path, this.base).href);
    return response;
  }

  /** Presses what leads to another page. */
  async leads(locator) {
    await Promise.all([this.page.waitForNavigation({ waitUntil: 'load' }), locator.click()]);
  }

  /** Presses a button or a link of the main part, by its words. */
  async press(words) {
    await this.leads(this.named(words));
  }

  /** A button or a link of the main part, by its words. */
  named(words) {
    const main = this.page.locator('main');
    return main.getByRole('button', { name: words }).or(main.getByRole('link', { name: words })).first();
  }

  /** Sends the form of the page; `refused` where it has to come back with this status. */
  async submit({ refused, button = 'main form.form button[type=submit]' } = {}) {
    if (refused) this.story.want(await this.page.locator(button).first().evaluate((own) => own.form.action), refused);
    await this.leads(this.page.locator(button).first());
  }

  /** What stands as an error beside a field. */
  async errorAt(field) {
    return (await this.page.locator(`#${field}-error`).innerText({ timeout: 5000 }).catch(() => '')).trim();
  }

  /**
   * Unfolds something and presses what it holds. A page that brings itself up to date in between may fold it again, as it would for
   * anybody: then it is unfolded once more.
   */
  async #unfold(boxes, inside) {
    const end = Date.now() + 30_000;
    const arrived = this.page.waitForNavigation({ waitUntil: 'load', timeout: 60_000 });
    arrived.catch(() => {});
    for (;;) {
      try {
        for (const box of boxes) {
          if ((await box.getAttribute('open', { timeout: 2000 })) === null) await box.locator(':scope > summary').click({ timeout: 2000 });
        }
        await inside.click({ timeout: 2000, noWaitAfter: true });
        break;
      } catch (error) {
        if (Date.now() > end) throw error;
      }
    }
    await arrived;
  }

  /** Opens a menu of the page's head and presses what it holds. */
  async menu(name, words) {
    const menu = this.page.locator('.page-actions details.menu', { has: this.page.locator(':scope > summary', { hasText: name }) }).first();
    const list = menu.locator(':scope > .menu-list');
    await this.#unfold([menu], list.getByRole('button', { name: words, exact: true }).or(list.getByRole('link', { name: words, exact: true })).first());
  }

  /** Presses something in the menu of a line. */
  async ofRow(mailbox, words) {
    return this.inMenu(this.row(mailbox).locator('.row-actions > details.menu'), words);
  }

  /** Presses something in a menu. */
  async inMenu(menu, words) {
    const list = menu.locator(':scope > .menu-list');
    await this.#unfold([menu], list.getByRole('button', { name: words }).or(list.getByRole('link', { name: words })).filter({ visible: true }).first());
  }

  /** Presses what mends a line, beside what is said of it. */
  async mend(mailbox, words) {
    await this.leads(this.row(mailbox).locator('.row-said').getByRole('button', { name: words, exact: true }).first());
  }

  /** Follows what a line says leads on. */
  async mendLink(mailbox, words) {
    await this.leads(this.row(mailbox).locator('.row-said').getByRole('link', { name: words, exact: true }).first());
  }

  /** Takes something away: the page asks once more before. Gives what it says. */
  async danger(words, within = this.page.locator('main')) {
    const box = within.locator('details.confirm', { hasText: words }).first();
    const said = (await box.locator('.menu-list p').textContent()).trim();
    await this.#unfold([box], box.locator('button.danger-now'));
    return said;
  }

  /** Removes a line by its menu. Gives what the page said before. */
  async removeRow(mailbox) {
    return this.ofMenu(this.row(mailbox).locator('.row-actions > details.menu'), 'Remove');
  }

  /** Takes something away by a menu. Gives what the page said before. */
  async ofMenu(menu, words) {
    const box = menu.locator('details.confirm', { hasText: words }).first();
    const said = (await box.locator('.menu-list p').textContent()).trim();
    await this.#unfold([menu, box], box.locator('button.danger-now'));
    return said;
  }

  /** Copies with a button of the page, and gives what was copied. */
  async copies(words) {
    const before = clipboard;
    let done;
    clipboard = new Promise((resolve) => (done = resolve));
    await before;
    try {
      await this.page.evaluate(() => navigator.clipboard.writeText(''));
      await this.named(words).click();
      await this.page.locator('.toast', { hasText: 'Copied' }).first().waitFor();
      return await until(`something copied with “${words}”`, () => this.page.evaluate(() => navigator.clipboard.readText()));
    } finally {
      done();
    }
  }

  /** Follows a link that opens a tab of its own. */
  async opens(words) {
    const [page] = await Promise.all([this.context.waitForEvent('page'), this.named(words).click()]);
    await page.waitForLoadState();
    return new Person(this.story, this.context, page, this.base);
  }

  // ---- the console

  /** Signs in to the console with the owner's account. */
  async signInHere({ email = 'olivia@contoso.test', at = '/' } = {}) {
    await this.open(at);
    await this.page.fill('[name=email]', email);
    await this.page.fill('[name=password]', 'correct horse battery staple');
    await this.submit({ button: 'main button[type=submit]' });
  }

  /** Makes the owner's account with the one-time link. */
  async makeOwner(setup, { email = 'olivia@contoso.test' } = {}) {
    await this.page.goto(setup);
    await this.page.fill('[name=name]', 'Olivia Owner');
    await this.page.fill('[name=email]', email);
    await this.page.fill('[name=password]', 'correct horse battery staple');
    await this.submit({ button: 'main button[type=submit]' });
    await this.page.waitForURL((url) => url.pathname !== '/setup');
  }

  /** *Sign in with Microsoft* on a list, through Microsoft's pages and back. */
  async signIn(account, { at = '/sources', ...wishes } = {}) {
    await this.open(at);
    await this.press('Sign in with Microsoft');
    await this.atMicrosoft(account, wishes);
  }

  /** Where the browser is: one of the steps, or `here` when it is back. */
  async step() {
    return until(`a page that is known, at ${this.page.url()}`, async () => {
      const at = await this.page.evaluate((steps) => {
        if (document.readyState !== 'complete') return null;
        if (document.querySelector('meta[http-equiv=refresh]')) return null;
        const found = steps.find((step) => document.querySelector(`[data-testid="${step}"]`));
        return { origin: location.origin, step: found ?? null };
      }, STEPS).catch(() => null);
      if (!at) return null;
      if (at.origin === new URL(this.base).origin) return 'here';
      return at.step;
    });
  }

  /**
   * Goes through Microsoft's pages as `account`. `consent`: `accept` or `cancel`; `organisation`: ticks the box that consents for
   * everybody; `approval`: what is pressed where an administrator has to approve, `back` or `request`. `on` is told each step.
   */
  async atMicrosoft(account, { password = 'Password-1', consent = 'accept', organisation = false, approval = 'back', device = 'continue', on } = {}) {
    const { page } = this;
    const press = (id) => this.leads(page.locator(`[data-testid="${id}"]`).first());
    const steps = [];
    for (let turn = 0; turn < 16; turn += 1) {
      const step = await this.step();
      if (step === 'here') return steps;
      steps.push(step);
      await on?.(step, page);
      if (step === 'accounts') await this.leads(page.locator(`[data-testid=account][value="${account}"]`).first());
      else if (step === 'password') {
        await page.fill('input[type=password]', password);
        await press('sign-in');
      } else if (step === 'new-password') {
        await page.fill('[name=newpasswd]', 'Password-2');
        await press('sign-in');
      } else if (step === 'second-factor') await press('approve');
      else if (step === 'consent') {
        if (organisation && (await page.locator('[data-testid=consent-org]').count())) await page.check('[data-testid=consent-org]');
        await press(consent);
      } else if (step === 'approval') {
        const request = page.locator('[data-testid=request]');
        if (approval === 'request' && (await request.count())) {
          await page.fill('[name=justification]', 'Customers write to this mailbox.');
          await this.leads(request);
        } else await press('back');
      } else if (step === 'device') await press(device);
      else return steps;
    }
    throw new Error(`Microsoft's pages come to no end at ${page.url()}`);
  }

  /** Microsoft's page proposes an account; whoever is somebody else goes to the account picker. Gives the steps from there. */
  async atMicrosoftAsAnother(account, wishes) {
    await this.step();
    const url = new URL(this.page.url());
    url.searchParams.delete('login_hint');
    url.searchParams.set('prompt', 'select_account');
    await this.page.goto(url.href);
    return this.atMicrosoft(account, wishes);
  }

  /** Somebody else than before sits down at the browser: Microsoft knows nobody here any more. */
  async forgetMicrosoft() {
    await this.context.clearCookies({ name: 'SIMSESSION' });
  }

  /** Fills in what a new source shall do. What is left out stays as the page proposes. */
  async fillSource({ mailbox, folder, start, since, project, type, handled, target }) {
    const { page } = this;
    const choose = async (name, label) => {
      const options = await page.locator(`[name=${name}] option`).evaluateAll((all) => all.map((own) => ({ value: own.value, text: own.textContent })));
      const found = options.find((option) => option.text.startsWith(label)) ?? options.find((option) => option.text.includes(label));
      if (!found) throw new Error(`${name} offers no ${label}: ${options.map((option) => option.text).join(', ')}`);
      await page.selectOption(`[name=${name}]`, { value: found.value });
    };
    if (mailbox !== undefined) {
      if (await page.locator('select[name=mailbox]').count()) await choose('mailbox', mailbox);
      else await page.fill('[name=mailbox]', mailbox);
    }
    if (folder) await this.chooseFolder(folder);
    if (start) await page.check(`input[name=start][value=${start}]`);
    if (since !== undefined) await page.fill('[name=since]', since);
    if (project) await choose('project', project);
    if (type) await choose('issue_type', type);
    if (handled) await page.check(`input[name=handled][value=${handled}]`);
    if (target !== undefined) await page.fill('[name=handled_target]', target);
  }

  /** Chooses a folder of the tree by its path: each level is unfolded on the way. */
  async chooseFolder(path) {
    let level = this.page.locator('#folder > ul.tree');
    const names = path.split('/');
    for (const [at, name] of names.entries()) {
      const branch = level.locator(':scope > li', { has: this.page.locator(':scope > .choice label', { hasText: name }) }).first();
      if (at === names.length - 1) return branch.locator(':scope > .choice input').check();
      const inside = branch.locator(':scope > details');
      if ((await inside.getAttribute('open')) === null) await inside.locator(':scope > summary').click();
      level = inside.locator(':scope > ul.tree');
    }
  }

  /** Has the folders of the mailbox that was typed offered. */
  async showFolders() {
    await this.leads(this.page.locator('button[value=folders]'));
  }

  /** *Try on the newest mails*; gives what the dry run says. */
  async dryRun() {
    await this.leads(this.page.locator('button[value=dry_run]'));
    return this.page.locator('#dry-run').innerText({ timeout: 15_000 });
  }

  /** Confirms. */
  async confirm() {
    await this.leads(this.page.locator('button[value=confirm]'));
  }

  /** From nothing to a mailbox that is read: signs in, confirms, waits until it is online. */
  async connect(account, { wishes = {}, source = {} } = {}) {
    await this.signIn(account, wishes);
    await this.leads(this.page.locator('main a[href^="/sources/new"]').first());
    await this.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read', ...source });
    await this.confirm();
    await this.rowSees(source.mailbox ?? account, 'online');
  }

  /** The green ping of a line; gives the lines of what it found. */
  async ping(mailbox) {
    // What an earlier one found is not mistaken for what this one finds.
    await this.row(mailbox).locator('.ping').evaluateAll((all) => all.forEach((own) => own.remove()));
    await Promise.all([
      this.page.waitForResponse((response) => response.request().redirectedFrom()?.url().endsWith('/ping') ?? false, { timeout: 60_000 }),
      this.row(mailbox).locator('form[action$="/ping"] button').first().click(),
    ]);
    const checks = this.row(mailbox).locator('.ping .checks li');
    return until(`the ping of ${mailbox}`, async () => {
      const found = await this.#checks(checks);
      return found.length ? found : null;
    });
  }

  #checks(checks) {
    return checks.evaluateAll((all) => all.map((check) => ({
      good: check.classList.contains('good'),
      name: check.querySelector('.check-name')?.firstChild?.textContent ?? '',
      text: check.querySelector('.check-text')?.innerText ?? '',
      took: check.querySelector('.check-took')?.innerText ?? '',
    })));
  }
}
