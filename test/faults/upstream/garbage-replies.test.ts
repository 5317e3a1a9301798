/** RELIABILITY, Upstream: garbage, 10k-line replies, NUL and escape sequences: classified, one clean log line. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type DeliveryUnderTest,
  settingsFor,
  smarthost,
  startDelivery,
} from '../../integration/relay/support/delivery.ts';
import { type Hostile, startHostile } from '../../support/hostile-smtp.ts';

const DEADLINES = {
  connectMs: 1_000,
  setupMs: 2_000,
  sendMs: 2_000,
  minBytesPerSecond: 1_000_000,
  resetMs: 500,
};

describe('replies that are none', () => {
  let upstream: Hostile;
  let relay: DeliveryUnderTest;

  beforeEach(async () => {
    upstream = await startHostile();
    relay = await startDelivery(
      { settings: settingsFor(smarthost(upstream.port)) },
      { deadlines: DEADLINES },
    );
  });

  afterEach(async () => {
    await relay.stop();
    await upstream.close();
  });

  const replies: [string, string][] = [
    ['garbage', 'HTTP/1.1 400 Bad Request\r\n\r\n<html>'],
    ['NUL and escape sequences', '451 4.3.0 \u0000\u001b[2J\u001b]0;owned\u0007 no'],
    ['ten thousand lines', `${'451-x\r\n'.repeat(10_000)}451 4.3.0 no`],
    ['one line of a megabyte', `451 ${'x'.repeat(1_000_000)}`],
    ['a code that makes no sense here', '334 VXNlcm5hbWU6'],
    ['bare line ends and another reply', '451 a\n250 b\r451 c'],
  ];
  const stages = ['greeting', 'EHLO', 'MAIL', 'RCPT', 'dot'] as const;
  it.each(stages.flatMap((stage) => replies.map(([what, reply]) => [stage, what, reply] as const)))(
    'to %s: %s is deferred, in one clean line',
    async (stage, _, reply) => {
      upstream.script = { [stage]: reply };
      const queueId = await relay.submit();
      const [report] = await relay.untilStatus(queueId, 'deferred', 8_000);
      expect(report?.response).toMatch(/^[^\p{Cc}]{1,500}$/u);
      const lines = relay
        .log()
        .split('\n')
        .filter((line) => line.includes(queueId));
      for (const line of lines) expect(line.length).toBeLessThan(2_000);
      // eslint-disable-next-line no-control-regex -- what must not be there
      expect(lines.join('\n')).not.toMatch(/\\u0000|\\u001b|\u001b/);
    },
  );
});
