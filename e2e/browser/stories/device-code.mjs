// The last resort: a code that is entered on another machine.

const support = 'support@contoso.test';

export default {
  name: 'device-code',
  title: 'A code is entered on another machine; a tenant that blocks it is told',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    await owner.makeOwner(world.setup);
    await owner.connect('billing@contoso.test');
    await owner.menu('Create', 'Sign in by a code');
    const said = await owner.text();
    const code = (await owner.page.locator('.device-code code').innerText()).trim();
    t.contains(said, ['On any machine', 'Enter only a code that you asked for', 'Many tenants block', code], 'the page with the code');
    t.check((await owner.copies('Copy the code')) === code, 'another code is copied than is shown');
    await t.look(owner, 'device-code');

    const elsewhere = await t.person();
    const enter = async () => {
      await elsewhere.page.goto(`${world.sim.entra}/devicelogin`);
      await elsewhere.page.fill('[name=otc]', (await owner.page.locator('.device-code code').innerText()).trim());
      await elsewhere.leads(elsewhere.page.locator('[data-testid="user-code"] button[type=submit]'));
      await elsewhere.atMicrosoft(support);
    };
    await enter();
    await elsewhere.sees('You have signed in to the Postroom application');
    // The page here goes on by itself.
    await owner.sees(`${support} is signed in`, 30_000);
    await owner.press('See what was granted');
    t.contains(await owner.text(), [support, 'Mail.ReadWrite'], 'the page after the sign-in');

    // One for a mailbox that sends leads on to the outbound.
    await owner.open('/outbounds');
    await owner.menu('Create', 'Sign in by a code');
    const sender = await t.person();
    await sender.page.goto(`${world.sim.entra}/devicelogin`);
    await sender.page.fill('[name=otc]', (await owner.page.locator('.device-code code').innerText()).trim());
    await sender.leads(sender.page.locator('[data-testid="user-code"] button[type=submit]'));
    await sender.atMicrosoft('anna@contoso.test');
    await owner.sees('anna@contoso.test is signed in', 30_000);
    await owner.press('Choose the mailbox to send from');
    t.contains(await owner.text(), ['New Message Outbound', 'Mail.Send'], 'the form after a code to send');

    // Where the tenant blocks it, the page says so, and what else there is.
    await world.lever('/policies', { blocks_device_code: true });
    await owner.open('/sources');
    await owner.menu('Create', 'Sign in by a code');
    await owner.page.locator('.device-code code').waitFor();
    t.want(/\/login\/|\/devicelogin/, 400);
    await enter();
    await elsewhere.sees(/53003|cannot access this right now|blocked/i);
  },
};
