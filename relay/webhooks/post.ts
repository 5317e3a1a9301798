/** One POST to a receiver: certificate verified, no redirects, an absolute deadline, the answer's body unread. */
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { getCACertificates } from 'node:tls';

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly caPem: string | undefined;
}

const DEADLINE_MS = 15_000;

/** The status. Rejects where there is none; the text of that error names no secret. */
export async function post({ url, headers, body, caPem }: Post): Promise<number> {
  const target = new URL(url);
  const options = {
    method: 'POST',
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    signal: AbortSignal.timeout(DEADLINE_MS),
    agent: false,
    ...(caPem !== undefined && { ca: [...getCACertificates(), caPem] }),
  } as const;
  const start = target.protocol === 'http:' ? requestPlain : requestTls;
  return new Promise((resolve, reject) => {
    const outgoing = start(target, options, (response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** https anywhere; http only to this host or to a name that the cluster resolves, for addresses are in the body. */
export function isAllowedUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  if (protocol === 'https:') return true;
  return protocol === 'http:' && PRIVATE_NAME.test(hostname);
}

const PRIVATE_NAME = /^(localhost|127\.0\.0\.1|[a-z0-9-]+|[a-z0-9-]+\.[a-z0-9-]+(\.svc(\.cluster\.local)?))$/;
