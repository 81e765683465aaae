// What stands between a person and a mailbox at Microsoft's own pages: a second factor, a password that has expired, a policy, an account or an
// app that is turned off, nobody assigned. Whoever gets through is connected; whoever is stopped reads Microsoft's code, nothing is left half
// made, and the next try goes through once it is cleared.

const anna = 'anna@contoso.test';

/** Who is stopped at Microsoft's page: what stops them, the code that stands there, what clears it. */
const stops = [
  { name: 'Conditional Access', code: 53003, cause: (world) => world.lever('/policies', { conditional_access: 'block' }), cure: (world) => world.lever('/policies', { conditional_access: 'off' }) },
  { name: 'a device that is not compliant', code: 53000, cause: (world) => world.lever('/policies', { conditional_access: 'device' }), cure: (world) => world.lever('/policies', { conditional_access: 'off' }) },
  { name: 'a disabled account', code: 50057, cause: (world) => world.lever('/people', { upn: anna, disabled: true }), cure: (world) => world.lever('/people', { upn: anna, disabled: false }) },
  { name: 'risk', code: 53011, cause: (world) => world.lever('/people', { upn: anna, at_risk: true }), cure: (world) => world.lever('/people', { upn: anna, at_risk: false }) },
  { name: 'an app that is turned off', code: 7000112, cause: (world) => world.lever('/enterprise-applications', { enabled: false }), cure: (world) => world.lever('/enterprise-applications', { enabled: true }) },
  { name: 'an assignment that is missing', code: 50105, cause: (world) => world.lever('/enterprise-applications', { assignment_required: true }), cure: (world) => world.lever('/enterprise-applications', { assignment_required: false }) },
];

export default {
  name: 'obstacles',
  title: "At Microsoft's pages: second factor, expired password, policies; who is stopped, who gets through",
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    // The app is known in the tenant: an administrator has signed in.
    await owner.signIn('admin@contoso.test');

    for (const stop of stops) {
      await stop.cause(world);
      await owner.forgetMicrosoft();
      await owner.open('/sources');
      await owner.menu('Create', 'Mailbox of the account');
      t.want(/\/login\/|\/authorize/, 400);
      const steps = await owner.atMicrosoft(anna);
      t.check(steps.at(-1) === 'error', `${stop.name} does not stop a sign-in: ${steps}`);
      t.contains(await owner.text(), [`AADSTS${stop.code}`], `Microsoft's page with ${stop.name}`);
      // They go back to the console: nothing is left half made.
      await owner.open('/sources');
      t.check((await owner.row(anna).count()) === 0, `${stop.name} leaves a line for somebody who was stopped`);
      await stop.cure(world);
    }

    // A password that has expired, and a second factor that has to be registered: both are done on the way, and the mailbox is read.
    await world.lever('/people', { upn: anna, password_state: 'expired', mfa: 'enroll' });
    await world.deliver(anna, 'Through every obstacle');
    await owner.forgetMicrosoft();
    await owner.open('/sources');
    await owner.menu('Create', 'Mailbox of the account');
    const steps = await owner.atMicrosoft(anna);
    t.check(['password', 'new-password', 'second-factor', 'consent'].every((step) => steps.includes(step)), `the way was: ${steps}`);
    await owner.press('Choose folder and project');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    await owner.confirm();
    await owner.rowSees(anna, 'online');
    await world.issue('Through every obstacle');

    // Conditional Access asks for a second factor from now on: the running source says so, and the sign-in brings it.
    await world.lever('/people', { upn: anna, mfa: 'off' });
    await owner.forgetMicrosoft();
    for (const [name, cause, code] of [
      ['a sign-in frequency', () => world.lever('/policies', { sign_in_frequency_seconds: 1 }), /AADSTS(70043|700082)/],
      ['a password that expired in the directory', () => world.lever('/people', { upn: anna, password_state: 'expired_on_premises' }), 'AADSTS50144'],
      ['a request loop', () => world.lever('/refuse', { upn: anna, code: 50196, error: 'invalid_grant' }), 'AADSTS50196'],
    ]) {
      await cause();
      await world.lever('/tokens', { expire: true });
      await owner.open('/sources');
      await owner.rowSees(anna, /offline|degraded/, 30_000).catch((error) => { throw new Error(`${name}: ${error.message}`); });
      t.contains(await owner.rowSees(anna, code), [code, /Sign in again|Try now/], `the line with ${name}`);
      await owner.leads(owner.row(anna).locator('a.row-link'));
      t.contains(await owner.text(), [code, /must act/], `the page with ${name}`);
      await t.look(owner, `obstacle-${name.split(' ').at(-1)}`);
      await world.lever('/restore', {});
      await world.lever('/policies', { sign_in_frequency_seconds: null });
      await world.lever('/people', { upn: anna, password_state: 'good' });
      await owner.forgetMicrosoft();
      const button = owner.named(/Sign in again|Try now/);
      const signsIn = (await button.innerText()).includes('Sign in again');
      await owner.leads(button);
      if (signsIn) await owner.atMicrosoft(anna, { password: 'Password-2' });
      await owner.open('/sources');
      await owner.rowSees(anna, 'online', 30_000).catch((error) => { throw new Error(`after ${name}: ${error.message}`); });
    }
    await world.deliver(anna, 'After every obstacle');
    await world.issue('After every obstacle');
    t.check((await world.issues('Through every obstacle')).length === 1, 'a mail was handled twice');
    t.check(page.url().endsWith('/sources'), 'the walk ended elsewhere');
  },
};
