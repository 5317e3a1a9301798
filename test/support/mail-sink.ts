/**
 * The next hop of a test: Postfix's smtp-sink, which takes every message and writes each to a file.
 * Role: what a smarthost would have received, envelope and bytes. Limits: no TLS, no refusals.
 */
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../cluster/index.ts';
import { terminate, type ProcessIdentity } from '../cluster/processes.ts';

/** A message as it arrived; `raw` has LF line ends and smtp-sink's own header lines removed. */
export interface SunkMessage {
  from: string;
  recipients: string[];
  /** First value of each header, names in lower case, unfolded. */
  headers: Record<string, string>;
  raw: string;
}

export class MailSink {
  readonly address: string;
  readonly port: number;
  readonly #folder: string;
  readonly #process: ProcessIdentity;

  constructor(address: string, port: number, folder: string, process: ProcessIdentity) {
    this.address = address;
    this.port = port;
    this.#folder = folder;
    this.#process = process;
  }

  /** Everything that has arrived, oldest first. */
  messages(): SunkMessage[] {
    return readdirSync(this.#folder)
      .toSorted()
      .map((file) => parse(readFileSync(join(this.#folder, file), 'utf8')))
      .filter((message) => message !== undefined);
  }

  /** Ends it and removes what it took. */
  async stop(): Promise<void> {
    await terminate(this.#process, 1000);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Starts a sink on an address of its own in the cluster's network. */
export async function startSink(cluster: Cluster, port = 2525): Promise<MailSink> {
  const address = await cluster.addAddress();
  const folder = await cluster.temporaryFolder('sink');
  // smtp-sink gives up root at once.
  await chmod(folder, 0o777);
  const identity = await cluster.startServer(
    `sink-${address}`,
    ['smtp-sink', '-u', 'nobody', '-d', join(folder, '%s.'), `${address}:${port}`, '256'],
    { packages: ['postfix'] },
  );
  await cluster.waitFor('the mail sink', async () => {
    const probe = await cluster.exec(['bash', '-c', `exec 3<>/dev/tcp/${address}/${port}`]);
    return probe.code === 0;
  });
  return new MailSink(address, port, folder, identity);
}

/** smtp-sink puts its own lines before the message: X-* with the envelope, and one Received of three lines. */
function parse(dump: string): SunkMessage | undefined {
  const end = /^\t[^\n]*\(UTC\)\n|^\t[A-Z][a-z]{2}, [^\n]*\n/m.exec(dump);
  if (!end) return undefined;
  const head = dump.slice(0, end.index);
  const raw = dump.slice(end.index + end[0].length);
  return {
    from: path(/^X-Mail-Args: (.*)$/m.exec(head)?.[1] ?? ''),
    recipients: [...head.matchAll(/^X-Rcpt-Args: (.*)$/gm)].map((match) => path(match[1]!)),
    headers: headersOf(raw),
    raw,
  };
}

function path(args: string): string {
  return /^<([^>]*)>/.exec(args)?.[1] ?? args;
}

function headersOf(raw: string): Record<string, string> {
  const block = raw.slice(0, raw.indexOf('\n\n')).replaceAll(/\n[ \t]+/g, ' ');
  const headers: Record<string, string> = {};
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] ??= line.slice(colon + 1).trim();
  }
  return headers;
}
