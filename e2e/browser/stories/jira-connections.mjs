// Jira connections: each way of signing in, a refused token that an open page tells of by itself and what mends it, a secret replaced
// without a gap, a pause, a mailbox that Jira itself sends from.

const support = 'support@contoso.test';

export default {
  name: 'jira-connections',
  title: 'Jira connected in four ways; a token that has no scopes, one that is refused, and one that is replaced',
  world: { settings: { POSTROOM_JIRA_BASE_URL: '', POSTROOM_JIRA_USER: '', POSTROOM_JIRA_TOKEN: '' } },
  async run(t) {
    const { world } = t;
    const { sim } = world;
    const owner = await t.person();
    const { page } = owner;
    await owner.makeOwner(world.setup);
    const fill = async (fields) => {
      for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, value);
      await owner.submit();
      return owner.text();
    };

    await owner.open('/jira/new');
    t.contains(await owner.text(), ['service account', 'scoped API token', 'Data Center'], 'the ways of signing in');
    await t.look(owner, 'jira-ways');
    await owner.open('/jira/new?kind=cloud_service');
    t.contains(await owner.text(), ['read:jira-work', 'Modify reporter', 'Client secret'], 'the steps of a service account');
    await t.look(owner, 'jira-service-account', { picture: true });
    t.contains(await fill({ base_url: sim.jira, username: sim.jira_client_id, token: 'mistyped' }), ['gives no token for the service account'], 'a wrong secret');
    await t.look(owner, 'jira-service-account-refused');
    const made = await fill({ base_url: sim.jira, username: sim.jira_client_id, token: sim.jira_client_secret });
    t.contains(made, ['online', 'Access token', 'Cloud id', 'Service Management'], 'the page of the connection');
    const here = new URL(page.url()).pathname;
    const name = await page.locator('h1').innerText();

    // Mail goes there; the ping says what of its project works.
    await owner.connect(support);
    await world.deliver(support, 'Through the gateway');
    await world.issue('Through the gateway');
    await owner.open(here);
    await owner.press('Ping');
    t.contains(await owner.text(), ['SUP: permissions', 'SUP: reading back', 'is read back', support], 'the page after a ping');
    await t.look(owner, 'jira-connection', { picture: true });

    // The other ways, in the place of the first; a token at the wrong door is told as that.
    await owner.open(`${here}/edit?kind=cloud_token`);
    t.contains(await fill({ base_url: sim.jira, username: sim.jira_user, token: sim.jira_scoped_token }), ['This token has scopes'], 'a scoped token at the site');
    await owner.open(`${here}/edit?kind=cloud_scoped`);
    t.contains(await fill({ base_url: sim.jira, username: sim.jira_user, token: sim.jira_scoped_token }), ['online', 'scoped API token', 'at the latest'], 'with a scoped token');
    await owner.open(`${here}/edit?kind=cloud_token`);
    t.contains(await fill({ base_url: sim.jira, username: sim.jira_user, token: sim.jira_token }), ['online'], 'with an API token');
    await owner.open('/jira/new?kind=data_center_token');
    t.contains(await fill({ base_url: sim.jira_data_center, token: sim.jira_access_token }), ['online', 'Data Center 10.3.12'], 'with a personal access token');

    // A refused token: the open page says by itself what is wrong, who acts, what mends it; the new one is tested first.
    await world.lever('/jira/tokens', { revoke: true });
    await owner.open(here);
    await world.deliver(support, 'Waits for the token');
    const refused = await owner.sees('does not accept the token');
    t.contains(refused, ['offline', 'Replace the API token', '1 mail is waiting', 'With its site'], 'the page with a refused token');
    await t.look(owner, 'jira-refused', { picture: true });
    await owner.open('/jira');
    t.contains(await owner.rowSees(name, 'offline'), ['does not accept the token', 'Replace the API token'], 'the line with a refused token');
    await t.look(owner, 'jira-list-refused');
    await world.lever('/jira/tokens', { revoke: false });
    await owner.open(`${here}/edit`);
    const inAMonth = new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10);
    t.contains(await fill({ token: 'mistyped' }), ['does not accept the token'], 'a wrong new token');
    t.contains(await fill({ token: sim.jira_token, ends: inAMonth }), ['online', 'was replaced: the new one was tested first', 'as entered'], 'after the token was replaced');
    await world.issue('Waits for the token');
    t.check((await world.issues('Waits for the token')).length === 1, '“Waits for the token” became more than one issue');

    // Paused, it rests, and the source says so; it is resumed from there.
    t.contains(await world.command('jira', 'list'), ['API token', 'Data Center'], '`postroom jira list`');
    await owner.press('Pause');
    t.contains(await owner.text(), ['paused', 'Mail waits'], 'a paused connection');
    await world.deliver(support, 'Waits for the pause');
    await owner.open('/sources');
    t.contains(await owner.rowSees(support, 'is paused'), ['mail is read, and waits', 'Resume Jira'], 'the line of the source while its Jira is paused');
    await t.look(owner, 'jira-paused');
    t.check((await world.issues('Waits for the pause')).length === 0, 'a paused Jira was written to');
    await owner.mend(support, 'Resume Jira');
    t.contains(await owner.text(), ['online', 'takes mail again'], 'a resumed connection');
    await world.issue('Waits for the pause');

    // Jira itself sends from the mailbox: it may read it, too.
    await world.lever('/jira/projects/SUP/email', { email: support });
    await owner.open(here);
    await owner.press('Ping');
    t.contains(await owner.text(), ["Jira's own mail", 'Jira sends from this address itself'], 'the page of a Jira that sends from the mailbox');
    await owner.open('/sources');
    await owner.rowSees(support, 'each mail becomes two issues');
    await t.look(owner, 'jira-list');
  },
};
