/** Limits are exact over parallel sessions and a restart; overflow is refused or held and released. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { relayApi } from '@migosmtp/operator/api';
import { Dialogue } from './support/dialogue.ts';
import { allShards, startRelay, type TestRelay } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

const workspace = (limits: Partial<relayApi.WorkspaceConfig>): relayApi.WorkspaceConfig => ({
  namespace: 'shop',
  plan: '10k',
  timeZone: 'Asia/Kolkata',
  onWindowLimit: 'Reject',
  onMonthLimit: 'Reject',
  ...limits,
});

describe('limits', () => {
  let sink: Sink;
  let relay: TestRelay;
  let revision = 1;

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port });
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  async function configure(
    limits: Partial<relayApi.WorkspaceConfig>,
    account: Partial<relayApi.AccountConfig> = {},
  ): Promise<void> {
    revision++;
    await relay.push(
      ...allShards({ smarthostPort: sink.port }, { revision, workspaces: [workspace(limits)], account }),
    );
  }

  async function used(): Promise<number> {
    const usage = await relay.get<relayApi.UsageResponse>('/v1/usage?namespace=shop');
    return usage.workspaces[0]?.day.used ?? -1;
  }

  it('lets exactly one of 100 parallel messages pass when one is left', async () => {
    const dialogues = await Promise.all(Array.from({ length: 100 }, () => Dialogue.loggedIn(relay)));
    const perDay = (await used()) + 1;
    await configure({ perDay });
    // All envelopes stand before the first message is complete, so that MAIL refuses none.
    for (const line of ['MAIL FROM:<hello@shop.example>', 'RCPT TO:<a@example.com>', 'DATA']) {
      await Promise.all(dialogues.map((dialogue) => dialogue.ask(line)));
    }
    for (const dialogue of dialogues) dialogue.write('From: hello@shop.example\r\n\r\nx\r\n.\r\n');
    const answers = await Promise.all(dialogues.map((dialogue) => dialogue.reply()));
    expect(answers.filter((answer) => answer.startsWith('250'))).toHaveLength(1);
    const refusal = new RegExp(
      String.raw`^451 4\.7\.1 plan 10k limit of ${perDay} per day reached, try again after \d{4}-\d\d-\d\dT18:30:00Z$`,
    );
    expect(answers.filter((answer) => refusal.test(answer))).toHaveLength(99);
    expect(await used()).toBe(perDay);
    for (const dialogue of dialogues) dialogue.close();
  }, 60_000);

  it('refuses MAIL already when nothing is left, also after a restart', async () => {
    await configure({ perDay: await used() });
    await relay.restart();
    await waitFor(async () => (await relay.readyz()).status === 200, { what: 'readiness after the restart' });
    const dialogue = await Dialogue.loggedIn(relay);
    expect(await dialogue.ask('MAIL FROM:<hello@shop.example>')).toMatch(
      /^451 4\.7\.1 plan 10k limit of \d+ per day/,
    );
    await configure({ perDay: (await used()) + 1 });
    expect(await dialogue.send()).toMatch(/^250 /);
    expect(await dialogue.ask('MAIL FROM:<hello@shop.example>')).toMatch(/^451 /);
  });

  it('charges all recipients or none', async () => {
    const before = await used();
    await configure({ perDay: before + 2 });
    const dialogue = await Dialogue.loggedIn(relay);
    expect(await dialogue.send({ to: ['a@x.example', 'b@x.example', 'c@x.example'] })).toMatch(/^451 /);
    expect(await used()).toBe(before);
    expect(await dialogue.send({ to: ['a@x.example', 'b@x.example'] })).toMatch(/^250 /);
    expect(await used()).toBe(before + 2);
  });

  it('refuses for good when the month is full', async () => {
    await configure({ perMonth: await used() });
    const dialogue = await Dialogue.loggedIn(relay);
    expect(await dialogue.send()).toMatch(
      /^550 5\.7\.1 plan 10k limit of \d+ per month reached, try again after /,
    );
  });

  it('limits an account on its own', async () => {
    const limits = { perHour: await used(), onWindowLimit: 'Reject' as const };
    await configure({}, { limits });
    const dialogue = await Dialogue.loggedIn(relay);
    expect(await dialogue.send()).toMatch(/^451 4\.7\.1 account limit of \d+ per hour reached/);
  });

  it('holds what overflows, reports it as held, and lets it go when the limit is raised', async () => {
    const before = await used();
    await configure({ perDay: before, onWindowLimit: 'Queue', maxHeld: 2 });
    const sunk = sink.received.length;
    const dialogue = await Dialogue.loggedIn(relay);
    const answer = await dialogue.send({ to: ['a@x.example', 'b@x.example'] });
    expect(answer).toMatch(/^250 2\.0\.0 /);
    expect(await dialogue.send()).toMatch(/^451 4\.7\.1 plan 10k limit/);
    const queue = await relay.get<relayApi.ReportPage>('/v1/queue?namespace=shop');
    expect(queue.items.map((item) => item.status)).toEqual(['held', 'held']);
    expect(sink.received.length).toBe(sunk);
    await configure({ perDay: before + 1, onWindowLimit: 'Queue', maxHeld: 2 });
    await sink.waitFor(sunk + 1);
    await configure({ perDay: before + 9, onWindowLimit: 'Queue', maxHeld: 2 });
    await sink.waitFor(sunk + 2);
    expect(await used()).toBe(before + 2);
  });

  it('still counts what a workspace sent whose accounts are gone', async () => {
    const before = await used();
    revision++;
    const workspaces = [workspace({})];
    await relay.push(
      ...allShards({ smarthostPort: sink.port }, { revision, workspaces, withoutAccount: true }),
    );
    expect(await used()).toBe(before);
    expect((await relay.get<relayApi.UsageResponse>('/v1/usage')).accounts).toEqual([]);
  });
});
