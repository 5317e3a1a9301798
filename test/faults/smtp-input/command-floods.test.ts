/** Floods of NOOP, RSET and EHLO, in one write or one by one: cut after a bounded number, others are served. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Dialogue } from '../../integration/relay/support/dialogue.ts';
import { startRelay, type TestRelay } from '../../integration/relay/support/relay.ts';
import { type Sink, startSink } from '../../integration/relay/support/sink.ts';
import { waitFor } from '../../integration/relay/support/wait.ts';

const FLOOD = 50_000;

describe('floods of commands', () => {
  let sink: Sink;
  let relay: TestRelay;

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port });
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  async function answersUntilCut(dialogue: Dialogue): Promise<string[]> {
    const answers: string[] = [];
    for (let answer = await dialogue.reply(); answer !== ''; answer = await dialogue.reply())
      answers.push(answer);
    return answers;
  }

  it.each(['NOOP', 'RSET', 'EHLO client.test', 'VRFY someone', 'AUTH', ''])(
    'of "%s" are cut after at most a hundred, also of a client that has logged in',
    async (command) => {
      const dialogue = await Dialogue.loggedIn(relay);
      dialogue.write(`${command}\r\n`.repeat(FLOOD));
      const healthy = await Dialogue.loggedIn(relay);
      expect(await healthy.send()).toMatch(/^250 /);
      const answers = await answersUntilCut(dialogue);
      expect(answers.length).toBeLessThanOrEqual(101);
      expect(answers.at(-1)).toMatch(/^421 /);
      await waitFor(() => dialogue.isClosed, { what: 'the connection to close' });
      healthy.close();
    },
  );

  it('are cut sooner of a client that has not logged in', async () => {
    const dialogue = await Dialogue.open(relay);
    dialogue.write('NOOP\r\n'.repeat(FLOOD));
    const answers = await answersUntilCut(dialogue);
    expect(answers.length).toBeLessThanOrEqual(21);
    expect(answers.at(-1)).toMatch(/^421 /);
  });

  it('of a client that reads no answer are not buffered without bound', async () => {
    const dialogue = await Dialogue.loggedIn(relay);
    dialogue.pause();
    // MAIL that is refused counts as no noise; its answers are longer than what is asked.
    for (let i = 0; i < 20; i++) dialogue.write('MAIL FROM:<a@b.example>\r\n'.repeat(20_000));
    const healthy = await Dialogue.loggedIn(relay);
    for (let i = 0; i < 20; i++) expect(await healthy.send()).toMatch(/^250 /);
    const status = await memoryOf(relay.pid);
    expect(status).toBeLessThan(400);
    dialogue.close();
    healthy.close();
  });
});

/** Resident memory in MiB. */
async function memoryOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? Infinity) / 1_024;
}
