/** An app that only reads its mounted Secret sends mail; it arrives signed; report and usage are shown. */
import { join } from 'node:path';
import type { SunkMessage } from '../../support/mail-sink.ts';
import type { App } from './app.ts';
import { DOMAIN, WORKSPACE, repository, type World } from './world.ts';

/** Start the app and see both of its mails arrive. */
export async function sendFromApp(world: World, app: App): Promise<SunkMessage[]> {
  const { steps, cluster, sink } = world;
  return steps.run(
    'an app Pod (Python smtplib) that only reads the mounted Secret sends over 587 and 465',
    async (note) => {
      await cluster.kubectl(['apply', '-f', app.manifests]);
      const wanted = ['Your order, sent over port 587', 'Your order, sent over port 465'];
      const arrived = await cluster.waitFor('both mails at the next hop', async () => {
        const messages = sink.messages();
        const found = wanted.map((subject) =>
          messages.find((message) => message.headers['subject'] === subject),
        );
        return found.every((message) => message !== undefined) && found;
      });
      for (const message of arrived)
        note(`arrived: ${message.from} -> ${message.recipients.join(', ')}: ${message.headers['subject']}`);
      return arrived;
    },
  );
}

interface Verdict {
  signatures: { domain: string; selector: string; algorithm: string; valid: boolean }[];
}

/** A foreign verifier (dkimpy) fetches the key from the name server and accepts the signature. */
export async function verifySignatures(world: World, messages: SunkMessage[]): Promise<void> {
  const { steps, cluster, dns } = world;
  await steps.run('DKIM: a foreign verifier (dkimpy) accepts the signatures', async (note) => {
    const script = join(repository, 'test/support/python/dkim_verify.py');
    for (const message of messages) {
      const done = await cluster.exec(['/usr/bin/python3', script, dns.address], {
        packages: ['python3-dkim', 'python3-dnspython'],
        input: message.raw,
      });
      if (done.code !== 0) throw new Error(`dkimpy failed: ${done.stderr}`);
      const { signatures } = JSON.parse(done.stdout) as Verdict;
      const valid = signatures.filter((signature) => signature.valid && signature.domain === DOMAIN);
      if (valid.length === 0)
        throw new Error(`no valid DKIM signature of ${DOMAIN}: ${done.stdout} ${done.stderr}`);
      for (const { selector, algorithm } of valid) note(`valid: d=${DOMAIN} s=${selector} a=${algorithm}`);
    }
  });
}

/** The plan's sixth account: the API server itself says no. */
export async function exceedPlan(world: World, accountYaml: (name: string) => string): Promise<void> {
  const { steps, cluster } = world;
  await steps.run('the sixth account on the 10k plan', async (note) => {
    const filler = ['second', 'third', 'fourth', 'fifth'];
    await cluster.kubectl(['apply', '-f', '-'], filler.map(accountYaml).join('---\n'));
    const refusal = await cluster.kubectl(['apply', '-f', '-'], accountYaml('sixth')).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (refusal === undefined) throw new Error('the sixth account was accepted');
    const words = /exceeded quota: [^\n]*/.exec(refusal)?.[0] ?? refusal;
    for (const word of [
      '10k',
      'used: count/smtpaccounts.migosmtp.com=5',
      'limited: count/smtpaccounts.migosmtp.com=5',
    ]) {
      if (!words.includes(word)) throw new Error(`the refusal does not say "${word}": ${words}`);
    }
    note(`refused: ${words}`);
    await cluster.kubectl(['delete', 'smtpaccount', ...filler, '--namespace', WORKSPACE]);
  });
}
