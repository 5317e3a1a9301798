import { describe, expect, it } from '@jest/globals';
import { Pool } from './pool.ts';
import { TargetDown } from './target.ts';

describe('pool', () => {
  it('tells everybody who waits when its next hop is down: who is forgotten is never tried again', async () => {
    const pool = new Pool({
      // Reserved by RFC 6335; nothing listens there.
      target: { host: '127.0.0.1', port: 1, tls: 'None', ehloName: 'relay.test' },
      maxConnections: 2,
      maxMessages: 100,
      resolve: async () => ['127.0.0.1'],
      onStateChange: () => undefined,
    });
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => pool.acquire()));
    const reasons = results.map((result) => (result.status === 'rejected' ? result.reason : undefined));
    expect(reasons.every((reason) => reason instanceof TargetDown)).toBe(true);
    pool.close();
  }, 10_000);
});
