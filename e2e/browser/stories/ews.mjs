// Exchange Web Services: made with the dated warning, barred by the tenant, moved to Graph; no mail twice, none lost.

const support = 'support@contoso.test';
const administrator = 'admin@contoso.test';

export default {
  name: 'ews',
  title: 'A source over EWS: the warning, the approval, barred by the tenant, moved to Graph',
  async run(t) {
    const { world } = t;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    await owner.open('/sources/create-ews');
    t.contains(await owner.text(), ['Nobody is signed in yet'], 'the form before a sign-in');
    await owner.signIn(support);
    await owner.open('/sources');
    await owner.menu('Create', 'Over EWS (legacy)');
    t.contains(await owner.text(), ['2026-10-01', '2027-04-01', 'Exchange'], 'the warning');
    await t.look(owner, 'create-ews', { picture: true });
    await page.fill('[name=ews_url]', 'mail.example.com');
    await owner.submit({ refused: 422 });
    t.check(/whole https address/.test(await owner.errorAt('ews_url')), 'a server without https is taken');
    await page.fill('[name=ews_url]', '');

    // EWS takes an administrator, always.
    await owner.submit({ refused: 422 });
    t.contains(await owner.text(), ['Approve as an administrator'], 'the page without the approval');
    await t.look(owner, 'ews-approval');
    const link = await owner.copies('Copy link for the administrator');
    const admin = await t.person();
    await admin.page.goto(link);
    await admin.atMicrosoft(administrator);
    t.contains(await admin.text(), [/approval is given/i], "the administrator's last page");
    await t.look(admin, 'ews-approved');
    await owner.submit();
    t.check(page.url().includes('/sources/new'), `after the approval it does not go on, but to ${page.url()}`);
    await world.deliver(support, 'Over EWS');
    await owner.fillSource({ start: 'everything', project: 'SUP', type: 'Task', handled: 'read' });
    t.contains(await owner.dryRun(), ['Over EWS', 'becomes a Task in SUP'], 'the dry run over EWS');
    await owner.confirm();
    t.contains(await owner.rowSees(support, 'online'), ['EWS'], 'the line');
    await world.issue('Over EWS');
    const checks = await owner.ping(support);
    t.check(checks.every((check) => check.good), `the ping over EWS: ${checks.map((check) => check.text).join(' | ')}`);
    await t.look(owner, 'sources-ews');
    await owner.leads(owner.row(support).locator('a.row-link'));
    t.contains(await owner.text(), [/Connection type\s+EWS/, '2027'], 'the page of the source');

    // The tenant bars it: the line says why, and has the way out.
    await world.lever('/ews/policy', { allowed_app_ids: [] });
    await owner.open('/sources');
    await owner.rowSees(support, 'offline');
    t.contains(await owner.rowSees(support, 'Move to Graph'), ['EWS'], 'the line of a source whose EWS is barred');
    await t.look(owner, 'ews-barred', { picture: true });
    await world.deliver(support, 'While EWS was barred');
    await owner.mend(support, 'Move to Graph');
    await moved(t, owner);
    await world.issue('While EWS was barred');
    await world.deliver(support, 'Over Graph');
    await world.issue('Over Graph');
    for (const subject of ['Over EWS', 'While EWS was barred', 'Over Graph']) {
      const found = await world.issues(subject);
      t.check(found.length === 1 && found[0].comments.length === 0, `“${subject}” became ${found.length} issues`);
    }
    await owner.open('/sources');
    t.contains(await owner.rowSees(support, 'online'), ['Graph'], 'the line after the move');
    await owner.leads(owner.row(support).locator('a.row-link'));
    await owner.sees(/reads over Graph from now on/i);
    await t.look(owner, 'after-the-move');
  },
};

async function moved(t, owner) {
  await owner.open('/sources');
  await owner.rowSees(support, /Graph[\s\S]*online/, 30_000);
}
