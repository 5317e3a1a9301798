import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { Wire } from './wire.ts';

const MAX_REPLY = 64 * 1024;

interface Heard {
  readonly replies: readonly string[] | undefined;
  readonly ended: boolean;
}

/** What is heard of a next hop that says `pieces` and hangs up, by one who waits for `count` replies. */
async function hear(pieces: readonly Uint8Array[], count: number): Promise<Heard> {
  const [ours, theirs] = duplexPair();
  // As a socket does: it closes when the other side ends.
  ours.allowHalfOpen = false;
  theirs.resume();
  let ended = false;
  // All that is asked of a socket is what any duplex stream has.
  const wire = new Wire(ours as Socket, () => (ended = true));
  const replies = wire.exchange('QUIT\r\n', count).catch(() => undefined);
  for (const piece of pieces) theirs.write(piece);
  theirs.end();
  const result = { replies: await replies, ended };
  ours.destroy();
  return result;
}

/** Cut at the places given, which may lie behind the end. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [0, ...places.map((place) => Math.min(place, bytes.length)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end));
}

const line = fc.oneof(
  fc.constantFrom('250 ok\r\n', '250-more\r\n', '421 bye\r\n', '\r\n', '250\n', '\0\x1b[2J\r\n', '250-é\r\n'),
  fc.string({ maxLength: 30 }),
);
const speech = fc.array(line, { maxLength: 12 }).map((lines) => Buffer.from(lines.join('')));

describe('replies of a next hop', () => {
  it('are the same however they are cut, and asking always ends', async () => {
    const places = fc.array(fc.nat(200), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(speech, places, fc.integer({ min: 1, max: 3 }), async (bytes, where, count) => {
        const whole = await hear([bytes], count);
        expect(await hear(cut(bytes, where), count)).toEqual(whole);
        expect([undefined, count]).toContain(whole.replies?.length);
      }),
    );
  });

  it('are heard whatever bytes come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect((await hear([bytes, Buffer.from('\r\n')], 1)).replies).toHaveLength(1);
      }),
    );
  });

  it.each([
    ['a line without end', 'x'.repeat(MAX_REPLY + 1)],
    ['a reply without end', '250-x\r\n'.repeat(MAX_REPLY / 6)],
  ])('end the connection where %s would have to be kept', async (_, text) => {
    const { replies, ended } = await hear([Buffer.from(text), Buffer.from('250 ok\r\n')], 1);
    expect(replies).toBeUndefined();
    expect(ended).toBe(true);
  });
});
