// Continuous access evaluation: Graph asks in the middle for more (401 with claims). What a token can bring is answered silently; what only a
// person can bring becomes a sign-in that carries the claims.

import { until } from '../harness/wait.mjs';

const support = 'support@contoso.test';

const understood = (claims) => claims?.access_token?.xms_cc?.values?.includes('cp1');

export default {
  name: 'claims-challenge',
  title: 'A claims challenge is answered silently, or asks for a sign-in that carries it',
  world: { isRecorded: true },
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    await owner.connect(support);

    // Silently: Graph wants a token from after now. Nobody is told, nothing is shown.
    await world.lever('/challenge', { upn: support });
    await world.deliver(support, 'Answered silently');
    await world.issue('Answered silently');
    await owner.open('/sources');
    t.contains(await owner.rowSees(support, 'online'), ['online'], 'the line after a challenge that was answered');
    t.check((await owner.row(support).locator('.row-said').count()) === 0, 'the line complains of a challenge that was answered');
    await owner.open('/notices');
    t.check(!(await owner.text()).includes(`${support} is`), 'a challenge that was answered has raised a notice');

    // For a person: a policy asks for a second factor, which no token brings.
    await world.lever('/challenge', { upn: support, needs_person: true });
    await owner.open('/sources');
    t.contains(await owner.rowSees(support, 'offline', 30_000), ['Sign in again', /AADSTS500\d\d/], 'the line of a source that Graph challenges');
    await world.deliver(support, 'Waited for the second factor');
    await t.look(owner, 'challenged');
    await owner.leads(owner.row(support).locator('a.row-link'));
    t.contains(await owner.text(), ['The person who signed the mailbox in must act', 'Sign in again'], 'the page of a source that Graph challenges');
    await t.look(owner, 'source-challenged');
    const asked = page.waitForRequest((request) => /\/oauth2\/v2\.0\/authorize/.test(request.url()));
    await owner.press('Sign in again');
    const carried = JSON.parse(new URL((await asked).url()).searchParams.get('claims'));
    t.check(carried.access_token.capolids?.essential === true && understood(carried), `the sign-in does not carry the claims, but: ${JSON.stringify(carried)}`);
    const steps = await owner.atMicrosoft(support);
    t.check(steps.includes('second-factor'), `Microsoft did not meet the policy, but: ${steps}`);
    await owner.open('/sources');
    await owner.rowSees(support, 'online', 30_000);
    await world.issue('Waited for the second factor');
    await owner.open('/notices');
    await owner.sees(`${support} is back`, 30_000);

    // The same of an outbound: the test mail waits for nobody, or says who must act.
    await owner.signIn(support, { at: '/outbounds' });
    await owner.submit();
    await world.lever('/challenge', { upn: support });
    await owner.open('/outbounds');
    const good = await owner.ping(support);
    t.check(good.every((check) => check.good), `the ping after a challenge that can be answered: ${good.map((check) => check.text).join(' | ')}`);
    await world.lever('/challenge', { upn: support, needs_person: true });
    const bad = await owner.ping(support).then(() => until('the ping that is challenged', async () => {
      const checks = await owner.ping(support);
      return checks.some((check) => !check.good) && checks;
    }));
    t.contains(bad.map((check) => check.text).join('\n'), [/AADSTS500\d\d/], 'the ping of an outbound that is challenged');
    await owner.open('/outbounds');
    await owner.rowSees(support, 'offline', 30_000);
    await owner.mend(support, 'Sign in again');
    t.check((await owner.atMicrosoft(support)).includes('second-factor'), 'the sign-in of the outbound did not carry the claims');
    await owner.open('/outbounds');
    await owner.rowSees(support, 'online', 30_000);

    // What was asked: each request for a token said that challenges are understood, and the silent answer had what Graph asked for.
    const record = await world.record();
    const challenged = record.filter((own) => own.service === 'graph' && own.status === 401 && /insufficient_claims/.test(own.response_headers['www-authenticate']));
    t.check(challenged.length >= 3, `Graph challenged ${challenged.length} times`);
    const tokens = record.filter((own) => own.service === 'entra' && own.path.endsWith('/token')).map((own) => JSON.parse(own.request_form.claims ?? 'null'));
    t.check(tokens.length > 4 && tokens.every(understood), `of ${tokens.length} requests for a token ${tokens.filter(understood).length} say that challenges are understood`);
    t.check(tokens.some((claims) => claims.access_token.nbf?.essential), 'no challenge was answered with the claims that it asks for');
  },
};
