/** Logins: only under TLS, exact replies, alike for known and unknown users, never locked out with the right password. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { relayApi } from '@migosmtp/operator/api';
import { Dialogue } from './support/dialogue.ts';
import { allShards, PASSWORD, startRelay, type TestRelay, USERNAME } from './support/relay.ts';
import { waitFor } from './support/wait.ts';

const options = { smarthostPort: 9, bare: true };

describe('logging in', () => {
  let relay: TestRelay;

  beforeAll(async () => {
    relay = await startRelay(options);
  });

  afterAll(() => relay.stop());

  async function greeted(): Promise<Dialogue> {
    const dialogue = await Dialogue.open(relay, 'tls');
    await dialogue.reply();
    await dialogue.ask('EHLO client.test');
    return dialogue;
  }

  it('answers 454 and is unready while shards are missing', async () => {
    const [first, ...others] = allShards(options);
    expect((await relay.readyz()).status).toBe(503);
    const dialogue = await greeted();
    expect(await dialogue.login()).toMatch(/^454 4\.7\.0 /);
    await relay.push(...others);
    expect(await dialogue.login()).toMatch(/^454 4\.7\.0 /);
    expect((await relay.readyz()).body).toContain('shards missing: 0');
    if (first) await relay.push(first);
    expect(await dialogue.login()).toBe('235 2.7.0 Authentication successful');
    await waitFor(async () => (await relay.readyz()).status === 200, { what: 'readiness' });
  });

  it('greets with its hostname at once and refuses AUTH before TLS', async () => {
    const started = performance.now();
    const dialogue = await Dialogue.open(relay);
    expect(await dialogue.reply()).toBe('220 relay.test ESMTP ready');
    expect(performance.now() - started).toBeLessThan(90);
    const ehlo = await dialogue.ask('EHLO client.test');
    expect(ehlo).toContain('STARTTLS');
    expect(ehlo).not.toContain('AUTH');
    expect(await dialogue.login()).toMatch(/^538 5\.7\.11 /);
    expect(await dialogue.ask('AUTH LOGIN')).toMatch(/^538 /);
    expect(await dialogue.ask('MAIL FROM:<hello@shop.example>')).toMatch(/^530 5\.7\.0 /);
    expect(await dialogue.ask('STARTTLS')).toMatch(/^220 /);
    await dialogue.startTls();
    expect(await dialogue.ask('EHLO client.test')).toContain('AUTH LOGIN PLAIN');
    expect(await dialogue.ask('AUTH LOGIN')).toBe('334 VXNlcm5hbWU6');
    expect(await dialogue.ask(Buffer.from(USERNAME).toString('base64'))).toBe('334 UGFzc3dvcmQ6');
    expect(await dialogue.ask(Buffer.from(PASSWORD).toString('base64'))).toBe(
      '235 2.7.0 Authentication successful',
    );
    expect(await dialogue.ask('EHLO client.test')).not.toContain('AUTH');
  });

  it('ignores what is pipelined in plain text after STARTTLS', async () => {
    const dialogue = await Dialogue.open(relay);
    await dialogue.reply();
    await dialogue.ask('EHLO client.test');
    dialogue.write('STARTTLS\r\nEHLO injected.test\r\nNOOP\r\n');
    expect(await dialogue.reply()).toMatch(/^220 /);
    await dialogue.startTls();
    expect(await dialogue.ask('MAIL FROM:<hello@shop.example>')).toMatch(/^503 /);
  });

  it('refuses wrong passwords and unknown users alike in text and time', async () => {
    const answers: { text: string; ms: number }[] = [];
    for (const [username, password] of [
      [USERNAME, 'wrong'],
      ['nobody', 'wrong'],
      [USERNAME, ''],
    ] as const) {
      const dialogue = await greeted();
      const started = performance.now();
      answers.push({ text: await dialogue.login(username, password), ms: performance.now() - started });
      dialogue.close();
    }
    for (const answer of answers) {
      expect(answer.text).toBe('535 5.7.8 Authentication credentials invalid');
      expect(answer.ms).toBeGreaterThan(190);
      expect(answer.ms).toBeLessThan(400);
    }
  });

  it.each([
    ['an aborted exchange', ['AUTH LOGIN', '*'], /^501 /],
    ['something that is not base64', ['AUTH PLAIN !!!!'], /^(501|535) /],
    ['an unknown mechanism', ['AUTH CRAM-MD5'], /^504 /],
    ['16 KB of credentials', [`AUTH PLAIN ${'A'.repeat(16_384)}`], /^421 /],
  ])('answers %s', async (_, lines, expected) => {
    const dialogue = await greeted();
    let answer = '';
    for (const line of lines) answer = await dialogue.ask(line);
    expect(answer).toMatch(expected);
    dialogue.close();
  });

  it('cuts guessing off and still takes the right password from the same address', async () => {
    for (let i = 0; i < 3; i++) {
      const dialogue = await greeted();
      let failures = 0;
      while ((await dialogue.login(USERNAME, `guess ${i} ${failures}`)).startsWith('535')) failures++;
      expect(failures).toBeLessThanOrEqual(3);
      dialogue.close();
    }
    const dialogue = await greeted();
    const started = performance.now();
    expect(await dialogue.login()).toMatch(/^235 /);
    expect(performance.now() - started).toBeLessThan(150);
  }, 60_000);

  it('counts a login as a use, but not that of the operator’s proof', async () => {
    const proof = await Dialogue.open(relay, 'tls');
    await proof.reply();
    const usage = () => relay.get<relayApi.UsageResponse>('/v1/usage');
    const before = (await usage()).accounts[0]?.verifiers;
    await proof.ask(`EHLO ${relayApi.PROOF_EHLO_NAME}`);
    expect(await proof.login()).toMatch(/^235 /);
    expect((await usage()).accounts[0]?.verifiers).toEqual(before);
  });

  it('logs no password', () => {
    expect(relay.log()).not.toContain(PASSWORD);
    expect(relay.log()).not.toContain(Buffer.from(`\0${USERNAME}\0${PASSWORD}`).toString('base64'));
  });
});
