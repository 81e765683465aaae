// A source with a thousand mails moves from EWS to Graph in the background: how far it is can be seen, it can be given up at work, and begun
// again it goes on where it was; no mail twice, none lost.

import { until } from '../harness/wait.mjs';

const support = 'support@contoso.test';
/** Ids are translated in batches of 500: so many that three of them can be seen. */
const many = 1040;

/** How long Graph takes for a translation from now on. */
async function translations(world, milliseconds) {
  await world.lever('/faults', undefined, 'DELETE');
  await world.lever('/faults', { service: 'graph', path: '/translateExchangeIds', kind: 'latency', delay_ms: milliseconds });
}

/** How often Graph was asked to translate since [`translations`]. */
const asked = async (world) => (await world.lever('/faults'))[0].hits;

/** What the bar of the open page says, if there is one. */
async function bar({ page }) {
  return page.evaluate(() => {
    const own = document.querySelector('.moving progress');
    return own && { done: own.value, of: own.max, text: document.querySelector('.moving').innerText };
  }).catch(() => null);
}

export const background = {
  name: 'conversion',
  title: 'EWS to Graph in the background: the bar moves, it is given up at work, it goes on to its end',
  // Longer than what the translations below take.
  world: { settings: { POSTROOM_INBOUND_REQUEST_TIMEOUT: '90s' } },
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    const subjects = Array.from({ length: many }, (_, at) => `Of many ${at}`);
    const left = [...subjects.entries()];
    await Promise.all(Array.from({ length: 16 }, async () => {
      for (let next = left.pop(); next; next = left.pop()) await world.deliver(support, next[1], { from: `Customer ${next[0]} <c${next[0]}@customer.example>` });
    }));

    // Signed in for EWS alone.
    await owner.open('/sources/create-ews');
    await owner.submit();
    await owner.atMicrosoft(support);
    t.contains(await owner.text(), [`${many.toLocaleString('en')} mails lie in this folder`], 'the form');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    await owner.confirm();
    await owner.rowSees(support, 'online');
    const made = async () => (await world.lever('/jira/issues')).filter((issue) => issue.summary.startsWith('Of many'));
    await until('an issue of each mail', async () => (await made()).length >= many, { within: 400_000, every: 500 });

    // Let into EWS alone: Graph is asked for first, and then the move begins without another press. The page shows what is new once a second
    // at most: each batch takes longer than that, so that none is missed.
    await translations(world, 4000);
    await owner.ofRow(support, 'Move to Graph');
    await owner.atMicrosoft(support);
    t.contains(await owner.text(), ['is being moved to Graph', 'nothing has to be waited for'], 'the page after the press');
    const seen = [];
    const watched = (isEnough) => until('the bar moves', async () => {
      const now = await bar(owner);
      if (now && seen.at(-1)?.done !== now.done) seen.push(now);
      return isEnough(now);
    }, { within: 60_000, every: 30 });
    await watched((now) => now?.done >= 500);
    // From here on it takes its time, so that it can be looked at and stopped in the middle.
    await translations(world, 40_000);
    await watched((now) => now?.done >= 1000);
    t.check(seen.length >= 3 && seen.every((now, at) => at === 0 || now.done > seen[at - 1].done), `the bar showed ${seen.map((now) => now.done)}`);
    t.contains(seen.at(-1).text, [`1,000 of ${many.toLocaleString('en')} ids`, 'It is read over EWS until all of them are known', 'Stay with EWS'], 'the bar');
    await t.look(owner, 'moving-to-graph', { picture: true });
    await owner.open('/sources');
    t.contains(await owner.rowSees(support, 'Is being moved to Graph'), ['EWS', 'Stay with EWS'], 'the line of a source that is on its way');
    await t.glance(owner, 'sources-moving');

    // Given up: it stays with EWS, and is read over it.
    await owner.mend(support, 'Stay with EWS');
    t.contains(await owner.text(), ['stays with EWS; nothing is lost of what was done', 'the move to Graph was cancelled', /Connection type\s+EWS/], 'the page after it was given up');
    t.check((await page.locator('.moving').count()) === 0, 'the bar stays although it was given up');
    await t.look(owner, 'stays-with-ews');
    await translations(world, 0);
    await world.lever('/ews/requests', undefined, 'DELETE');
    await world.deliver(support, 'Stayed with EWS');
    // Read again once the translation that was under way has its answer.
    await world.issue('Stayed with EWS', 90_000);
    t.check((await world.lever('/ews/requests')).some((request) => request.operation === 'GetItem'), 'the mail after it was given up did not come over EWS');

    // Begun again: it goes on where it was, to the end, and what was translated is not asked for again.
    await translations(world, 1500);
    seen.length = 0;
    await owner.press('Move to Graph');
    t.contains(await owner.text(), ['is being moved to Graph'], 'the page after it was begun again');
    await world.deliver(support, 'While it moved');
    await watched((now) => now === null);
    t.check(seen.every((now) => now.done === 0 || now.done >= 1000), `begun again, the bar showed ${seen.map((now) => now.done)}`);
    const times = await asked(world);
    t.check(times > 0 && times <= 3, `Graph was asked ${times} times to translate what was left`);
    await owner.sees(/reads over Graph from now on; [\d,]+ ids translated/i);
    await owner.sees(/Connection type\s+Graph/);
    await t.look(owner, 'moved-to-graph', { picture: true });
    await world.issue('While it moved', 60_000);
    await world.lever('/ews/requests', undefined, 'DELETE');
    await world.deliver(support, 'Over Graph');
    await world.issue('Over Graph', 60_000);
    t.check((await world.lever('/ews/requests')).length === 0, 'EWS is still asked');
    await owner.open('/sources');
    t.contains(await owner.rowSees(support, 'online'), ['Graph'], 'the line of the source that was moved');

    // No mail twice, none lost, none taken for an answer to another.
    const issues = await world.lever('/jira/issues');
    const wanted = [...subjects, 'Stayed with EWS', 'While it moved', 'Over Graph'];
    const count = new Map();
    for (const { summary } of issues) count.set(summary, (count.get(summary) ?? 0) + 1);
    const wrong = wanted.filter((subject) => count.get(subject) !== 1);
    t.check(wrong.length === 0, `${wrong.length} mails have not one issue each: ${wrong.slice(0, 5).map((subject) => `${subject}: ${count.get(subject) ?? 0}`).join(', ')}`);
    t.check(issues.every((issue) => issue.comments.length === 0), 'a mail became a comment');
    await until('the mark on every handled mail', async () => (await world.messages(support)).every((mail) => mail.is_read || !wanted.includes(mail.subject)), { every: 500 });
  },
};

/** Mails that nobody can tell apart any more when their source moves: one Message-ID, one time, another text in its place. */
export const held = {
  name: 'conversion-held',
  title: 'What cannot be told at the move to Graph is held, with both reasons; retried and discarded, each mail has one issue',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    await owner.open('/sources/create-ews');
    await owner.submit();
    await owner.atMicrosoft(support);
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    await owner.confirm();
    await owner.rowSees(support, 'online');

    // Jira takes nothing: what is read waits. The first one stops the destination, and is begun; the other has only been read.
    await world.lever('/jira/tokens', { revoke: true });
    await world.deliver(support, 'Waits for Jira');
    await owner.open('/messages');
    await owner.sees('Waits for Jira');
    await owner.open('/jira');
    await owner.sees(/401|token/i);
    const like = { id: 'changed@customer.example', at: '2026-11-20T10:00:00Z' };
    const { ews_id: first } = await world.deliver(support, 'As it came', { ...like, text: 'As it came.\n' });
    await owner.open('/messages');
    await owner.sees('As it came');
    // While EWS is barred, somebody puts another one in its place.
    await world.lever('/ews/policy', { allowed_app_ids: [] });
    await world.lever(`/mailboxes/${support}/remove`, { id: first });
    await world.deliver(support, 'In its place', { ...like, text: 'Another text.\n' });

    await owner.open('/sources');
    await owner.rowSees(support, 'offline');
    await owner.mend(support, 'Move to Graph');
    await owner.atMicrosoft(support);
    await owner.sees(/reads over Graph from now on/i, 60_000);
    t.contains(await owner.text(), [/1 mail could not be told apart|held/], 'the page of the source after the move');

    // Both are held, each with its reason and with what may be done.
    await owner.open('/messages?filter=held');
    await owner.sees('In its place', 60_000);
    await t.look(owner, 'held');
    for (const [subject, reason] of [['As it came', 'moved to Graph before it was handled'], ['In its place', 'with the same Message-ID and time']]) {
      await owner.open('/messages?filter=held');
      await owner.leads(page.locator('a.row-link', { hasText: subject }));
      t.contains(await owner.text(), [reason, 'Retry', 'Discard', /held/], `the page of “${subject}”`);
      await t.look(owner, `held-${subject.toLowerCase().replaceAll(' ', '-')}`);
    }
    await owner.danger('Discard');
    await owner.open('/messages?filter=held');
    await owner.leads(page.locator('a.row-link', { hasText: 'As it came' }));
    await owner.press('Retry');
    await world.lever('/jira/tokens', { revoke: false });
    for (const subject of ['Waits for Jira', 'As it came']) await world.issue(subject, 120_000);
    t.check((await world.issues('In its place')).length === 0, 'the discarded one became an issue');
    await world.deliver(support, 'Over Graph, after the move');
    await world.issue('Over Graph, after the move');
    for (const subject of ['Waits for Jira', 'As it came']) t.check((await world.issues(subject)).length === 1, `“${subject}” became ${(await world.issues(subject)).length} issues`);
    await owner.open('/messages?filter=held');
    await until('nothing is held', async () => (await page.locator('a.row-link').count()) === 0);
  },
};
