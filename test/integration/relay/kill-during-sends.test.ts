/**
 * kill -9 at random during sends: what was acknowledged reaches the sink, what was refused does not, and
 * duplicates stay within the deliveries in flight. RELAY_KILLS and RELAY_MESSAGES set the size.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pythonEnvironment } from './support/python.ts';
import { PASSWORD, startRelay, type TestRelay, USERNAME } from './support/relay.ts';
import { type Sink, startSink } from './support/sink.ts';
import { waitFor } from './support/wait.ts';

/** `make test` runs it reduced, `make test-long` at full size. */
const isFull = process.env.MIGOSMTP_TEST_SIZE === 'full';
const KILLS = Number(process.env.RELAY_KILLS ?? (isFull ? 20 : 3));
const MESSAGES = Number(process.env.RELAY_MESSAGES ?? (isFull ? 5000 : 500));
const CONNECTIONS = Number(process.env.RELAY_CONNECTIONS ?? (isFull ? 50 : 20));
/** delivery/delivery.ts: messages in work at once. */
const IN_FLIGHT = 50;

/** Each thread sends its share, an id a line in the book once the 250 is there; after a cut it connects anew. */
const CLIENT = `
import os, smtplib, ssl, sys, threading, time
book, count, threads = open(sys.argv[1], 'a', buffering=1), int(sys.argv[2]), int(sys.argv[3])
context = ssl.create_default_context()
ids, lock = iter(range(count)), threading.Lock()
def work():
    s = None
    while True:
        with lock:
            id = next(ids, None)
        if id is None: return
        while True:
            try:
                if s is None:
                    s = smtplib.SMTP_SSL(os.environ['HOST'], int(os.environ['PORT_TLS']), context=context, timeout=30)
                    s.login('${USERNAME}', '${PASSWORD}')
                name = '%d-%d' % (id, time.monotonic_ns())
                s.sendmail('hello@shop.example', ['a@example.com'],
                    'From: hello@shop.example\\r\\nX-Book: %s\\r\\n\\r\\n%s\\r\\n' % (name, 'x' * 900))
                with lock: book.write(name + '\\n')
                break
            except (OSError, smtplib.SMTPException):
                s = None
                time.sleep(0.05)
all = [threading.Thread(target=work) for _ in range(threads)]
[t.start() for t in all]
[t.join() for t in all]
`;

describe('kill -9 during sends', () => {
  let sink: Sink;
  let relay: TestRelay;

  beforeAll(async () => {
    sink = await startSink();
    relay = await startRelay({ smarthostPort: sink.port, env: { RELAY_LOG_LEVEL: 'info' } });
  });

  afterAll(async () => {
    await relay.stop();
    await sink.close();
  });

  it(
    `loses nothing of ${MESSAGES} messages over ${KILLS} kills`,
    async () => {
      const book = join(relay.folder, 'book');
      await writeFile(book, '');
      const acknowledged = async () => (await readFile(book, 'utf8')).split('\n').filter(Boolean);
      const client = spawn('python3', ['-c', CLIENT, book, String(MESSAGES), String(CONNECTIONS)], {
        stdio: 'inherit',
        env: await pythonEnvironment(relay),
      });
      const ended = once(client, 'exit');
      for (let i = 1; i <= KILLS; i++) {
        const enough = (MESSAGES * i) / (KILLS + 1);
        await waitFor(async () => (await acknowledged()).length >= enough, {
          what: `${enough} messages`,
          timeoutMs: 120_000,
        });
        await relay.kill('SIGKILL');
        const started = Date.now();
        await relay.restart();
        await waitFor(async () => (await relay.readyz()).status === 200, { what: 'readiness' });
        expect(Date.now() - started).toBeLessThan(15_000);
      }
      await ended;
      const sent = await acknowledged();
      expect(sent).toHaveLength(MESSAGES);
      const arrived = () =>
        sink.received.map(({ data }) => /^X-Book: (.*)\r$/m.exec(data.toString('latin1'))?.[1] ?? '');
      const missing = () => {
        const ids = new Set(arrived());
        return sent.filter((id) => !ids.has(id));
      };
      // What was in flight at a kill is due at once; what met the sink in between comes after its first retry.
      await waitFor(() => missing().length === 0, {
        what: 'all messages at the sink',
        timeoutMs: 60_000,
      }).catch(() => {});
      expect(missing()).toEqual([]);
      const counts = new Map<string, number>();
      for (const id of arrived()) counts.set(id, (counts.get(id) ?? 0) + 1);
      const duplicates = [...counts.values()].filter((count) => count > 1).length;
      expect(duplicates).toBeLessThanOrEqual(KILLS * IN_FLIGHT);
    },
    120_000 + KILLS * 20_000 + MESSAGES * 100,
  );
});
