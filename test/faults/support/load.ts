/** Clients under load: Python's smtplib on many connections, which note every answer in a file as it comes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pythonEnvironment } from '../../integration/relay/support/python.ts';
import { PASSWORD, type TestRelay, USERNAME } from '../../integration/relay/support/relay.ts';
import { BOOK_HEADER, type Submitted } from './account-book.ts';

/**
 * Each thread takes the next number, sends, and writes `<answer> <name>`; whatever ends the connection before the
 * answer is `unknown`. What was not acknowledged is sent anew under another name, as a client would.
 */
const CLIENT = `
import os, smtplib, ssl, sys, threading, time
book, count, threads, once = open(sys.argv[1], 'a', buffering=1), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == 'once'
context = ssl.create_default_context()
ids, lock = iter(range(count)), threading.Lock()
def note(answer, name):
    with lock: book.write('%s %s\\n' % (answer, name))
def work():
    s = None
    while True:
        with lock:
            id = next(ids, None)
        if id is None: return
        while True:
            name = None
            try:
                if s is None:
                    s = smtplib.SMTP_SSL(os.environ['HOST'], int(os.environ['PORT_TLS']), context=context, timeout=30)
                    s.login('${USERNAME}', '${PASSWORD}')
                name = '%d-%d' % (id, time.monotonic_ns())
                s.sendmail('hello@shop.example', ['a@example.com'],
                    'From: hello@shop.example\\r\\n${BOOK_HEADER}: %s\\r\\n\\r\\n%s\\r\\n' % (name, (name + ' ') * 40))
                note(250, name)
                break
            except smtplib.SMTPResponseException as error:
                if name: note(error.smtp_code, name)
                s = None
            except smtplib.SMTPRecipientsRefused:
                if name: note(450, name)
                s = None
            except (OSError, smtplib.SMTPException):
                if name: note('unknown', name)
                s = None
            if once: return
            time.sleep(0.05)
all = [threading.Thread(target=work) for _ in range(threads)]
[t.start() for t in all]
[t.join() for t in all]
`;

export interface Load {
  readonly ended: Promise<void>;
  /** Answers so far. */
  submitted(): Promise<Submitted[]>;
}

export interface LoadOptions {
  readonly messages: number;
  readonly connections: number;
  /** A connection that ends is not opened again. */
  readonly once?: boolean;
}

export async function startLoad(relay: TestRelay, options: LoadOptions): Promise<Load> {
  const file = join(relay.folder, `book-${Date.now()}`);
  await writeFile(file, '');
  const args = [file, options.messages, options.connections, options.once ? 'once' : 'again'].map(String);
  const child: ChildProcess = spawn('python3', ['-c', CLIENT, ...args], {
    stdio: 'inherit',
    env: await pythonEnvironment(relay),
  });
  const exited = once(child, 'exit');
  return {
    ended: exited.then(() => undefined),
    submitted: async () => (await readFile(file, 'utf8')).split('\n').slice(0, -1).map(readLine),
  };
}

function readLine(line: string): Submitted {
  const [answer = '', name = ''] = line.split(' ');
  const data = `From: hello@shop.example\r\n${BOOK_HEADER}: ${name}\r\n\r\n${`${name} `.repeat(40)}\r\n`;
  return { name, answer: answer === 'unknown' ? 'unknown' : Number(answer), data };
}

export function acknowledged(submitted: readonly Submitted[]): number {
  return submitted.filter(({ answer }) => answer === 250).length;
}
