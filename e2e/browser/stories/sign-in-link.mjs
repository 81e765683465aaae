// A sign-in link for the mailbox's owner, who has no account here: once, for a limited time, and for the one who was asked.

const support = 'support@contoso.test';

export default {
  name: 'sign-in-link',
  title: "The mailbox's owner signs in by a link, once; used, taken back and expired links are refused",
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);

    await owner.open('/sign-in-links/new');
    await page.fill('[name=mailbox]', 'no address');
    await owner.submit();
    t.check(/no address/.test(await owner.errorAt('mailbox')), 'a mailbox that is no address is taken');
    await t.look(owner, 'new-sign-in-link');
    const make = async () => {
      await owner.open('/sign-in-links/new');
      await page.fill('[name=mailbox]', support);
      await page.fill('[name=reason]', 'Support mail shall become issues.');
      await page.selectOption('[name=lasts]', '1h');
      await owner.submit();
      t.contains(await owner.text(), ['It works once', support, 'is not shown again'], 'the page of the link');
      const link = (await page.locator('pre.script').innerText()).trim();
      t.check((await owner.copies('Copy the link')) === link, 'another link is copied than is shown');
      return link;
    };
    const link = await make();
    await t.look(owner, 'sign-in-link-made');

    // Opening it uses nothing up: mail scanners open links.
    const scanner = await t.person();
    await scanner.page.goto(link);
    const person = await t.person();
    await person.page.goto(link);
    t.contains(await person.text(), ['olivia@contoso.test', support, 'Support mail shall become issues.', 'your password stays there', 'If you do not know who asks'], "the owner's page");
    await t.look(person, 'owner-asked', { picture: true });
    await person.press('Sign in with Microsoft');
    const steps = await person.atMicrosoft(support);
    t.check(!steps.includes('accounts'), 'the account is picked although the link names it');
    t.contains(await person.text(), [`You are signed in as ${support}`, 'chooses the rest in Postroom'], "the owner's last page");
    await t.look(person, 'owner-done');
    t.check((await person.page.goto(`${world.base}/sources`)).url().includes('/sign-in'), 'the owner of a mailbox got into the console');

    // Used: refused, without a word on why. Who has it may be anybody.
    const again = await t.person();
    t.want(link, 410);
    await again.page.goto(link);
    t.contains(await again.text(), ['does not work any more', 'It works once and for a limited time'], 'a used link');
    await t.look(again, 'link-used');

    await owner.open('/sources');
    await owner.rowSees(support, 'Signed in; it reads nothing before');
    await owner.open('/sign-in-links/new');
    t.contains(await owner.text(), [`used by ${support}`, 'Support mail shall become issues.'], 'the list of links');

    // One for a mailbox that sends: its owner reads what for, and whoever made it goes on to the outbound.
    await owner.open('/outbounds');
    await owner.menu('Create', 'Sign-in link for its owner');
    await page.fill('[name=mailbox]', 'anna@contoso.test');
    await owner.submit();
    const toSend = (await page.locator('pre.script').innerText()).trim();
    const sender = await t.person();
    await sender.page.goto(toSend);
    t.contains(await sender.text(), ['sends mail from it', 'Mail.Send'], "the owner's page of a link to send");
    await sender.press('Sign in with Microsoft');
    await sender.atMicrosoft('anna@contoso.test');
    await owner.open('/outbounds');
    await owner.rowSees('anna@contoso.test', 'nothing is sent before the mailbox is chosen');
    await owner.leads(owner.row('anna@contoso.test').locator('.row-said').getByRole('link', { name: 'Choose the mailbox to send from' }));
    t.contains(await owner.text(), ['New Message Outbound', 'You are signed in as anna@contoso.test'], 'the form after a link to send');
    await owner.submit();
    await owner.rowSees('anna@contoso.test', 'online');

    // Taken back.
    const taken = await make();
    await owner.open('/sign-in-links/new');
    t.contains(await owner.danger('Take back'), ['cannot sign in with it any more'], 'the question before taking back');
    t.want(taken, 410);
    await again.page.goto(taken);
    await again.sees('does not work any more');

    // Its hour is over.
    const late = await make();
    t.check((await world.change("UPDATE sign_in_link SET expires_at = created_at WHERE used_at IS NULL AND revoked_at IS NULL")) === 1, 'the link is not in the database');
    t.want(late, 410);
    await again.page.goto(late);
    await again.sees('does not work any more');
    await owner.open('/sign-in-links/new');
    t.contains(await owner.text(), ['ended', 'taken back'], 'the list of links');
    await t.look(owner, 'sign-in-links');

    // Somebody else than was asked signs in again for a mailbox: nothing is changed.
    await owner.open('/sources');
    await owner.leads(owner.row(support).locator('a.row-link'));
    await owner.press('Let its owner sign in by a link');
    t.contains(await owner.text(), [`${support} again`, 'Another account in its place'], 'the form of a link for an account');
    await owner.submit();
    const own = (await page.locator('pre.script').innerText()).trim();
    const anna = await t.person();
    await anna.page.goto(own);
    await anna.press('Sign in with Microsoft');
    t.want(/\/oauth\/callback\?/, 422);
    await anna.atMicrosoftAsAnother('anna@contoso.test');
    await anna.sees(/You signed in as anna@contoso.test, but the link is for support@contoso.test. Nothing was changed/);
  },
};
