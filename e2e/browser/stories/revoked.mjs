// A sign-in is revoked: the notice within five seconds of the first refused call; signed in again, the first waiting mail in Jira within five
// seconds; and the notice that it is back says how many waited.

const support = 'support@contoso.test';

export default {
  name: 'revoked',
  title: '50173: from the first refused call to the notice, from the sign-in to the first waiting mail',
  alone: true,
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    await owner.makeOwner(world.setup);

    // A fresh sign-in: mail waits, and the first of it is in Jira soon.
    await world.deliver(support, 'Waited for the first sign-in');
    await owner.signIn(support);
    await owner.press('Choose folder and project');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    const confirmed = Date.now();
    await owner.confirm();
    await world.issue('Waited for the first sign-in');
    t.measure('from the confirmation of a fresh sign-in to the first waiting mail in Jira', Date.now() - confirmed, 5000);
    await owner.rowSees(support, 'online');

    // Revoked. The page of notices is open and brings itself up to date.
    await owner.open('/notices');
    const call = world.nextCall(['graph']);
    await world.lever('/revoke', { upn: support, access_tokens: true });
    const refused = await call;
    await owner.sees(`${support} is offline`);
    t.measure('from the first refused call to the notice', Date.now() - refused, 5000);
    t.contains(await owner.text(), ['revoked', 'Sign in again'], 'the notice');
    await t.look(owner, 'notices-offline', { picture: true });
    await owner.open('/');
    t.contains(await owner.text(), ['Needs a person', support, 'AADSTS50173'], 'the overview');
    await t.look(owner, 'overview-offline');
    for (const number of [1, 2, 3]) await world.deliver(support, `Waited for the sign-in ${number}`);
    await owner.open('/sources');
    await owner.rowSees(support, 'AADSTS50173');
    await t.look(owner, 'sources-offline', { picture: true });
    await owner.leads(owner.row(support).locator('a.row-link'));
    // Both dates: when it was granted, when it was revoked.
    t.contains(await owner.text(), ['AADSTS50173', /\d{4}-\d\d-\d\d[\s\S]*\d{4}-\d\d-\d\d/, 'The person who signed the mailbox in must act', 'Sign in again'], 'the page of the source');
    await t.look(owner, 'source-offline', { picture: true });

    // Signed in again: everything that waited is handled, oldest first.
    await owner.press('Sign in again');
    const signedIn = await signInTimed(owner);
    await world.issue('Waited for the sign-in 1');
    t.measure('from a sign-in again to the first waiting mail in Jira', Date.now() - signedIn, 5000);
    for (const number of [2, 3]) await world.issue(`Waited for the sign-in ${number}`);
    await owner.open('/notices');
    await owner.sees(`${support} is back`);
    t.contains(await owner.sees('3 mails had waited'), ['oldest first'], 'the notice that it is back');
    await t.look(owner, 'notices-back');
    await owner.press('Mark all as seen').catch(() => {});
  },
};

// The last press at Microsoft's page begins the time.
async function signInTimed(owner) {
  let pressed = Date.now();
  await owner.atMicrosoft(support, { on: () => void (pressed = Date.now()) });
  return pressed;
}
