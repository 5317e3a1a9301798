/**
 * Reports and usage for people: HTTPS on every replica of the operator, behind the Service `migosmtp-reports`.
 *
 *   GET /v1/namespaces/<ns>[/accounts/<name>]/usage
 *   GET /v1/namespaces/<ns>[/accounts/<name>]/reports  ?queueId= &messageId= &recipient= &status= &limit= &cursor=
 *
 * Flow: bearer token -> TokenReview -> SubjectAccessReview (get smtpaccounts/reports there) -> the relay's admin API.
 * Limits: reads only; keeps nothing; the API server decides who may read, for each request anew.
 */
import type { Server } from 'node:https';
import type { OperatorContext } from '../context.ts';
import { pause } from '../runtime/index.ts';
import { admit } from './access.ts';
import { answer } from './answers.ts';
import { RelayReaders } from './relay-readers.ts';
import { startReportsServer } from './server.ts';
import { readCertificate, renewCertificate } from './serving-certificate.ts';

export { REPORTS_NAME } from './names.ts';

export interface ReportsOptions {
  context: OperatorContext;
  port: number;
  /** Whether this process may write, which is needed to make certificates. */
  isLeader: () => boolean;
}

const SOON_MS = 1000;
const RECHECK_MS = 10 * 60_000;

/** Serves until the signal. Certificates that are made or renewed are taken up without a restart. */
export async function serveReports(options: ReportsOptions, signal: AbortSignal): Promise<void> {
  const { context } = options;
  const { client, log, caches } = context;
  const { operatorNamespace } = context.options;
  const readers = new RelayReaders(client, caches);
  let server: Server | undefined;
  let served = '';
  while (!signal.aborted) {
    try {
      if (options.isLeader()) await renewCertificate(client, operatorNamespace, new Date());
      const certificate = await readCertificate(client, operatorNamespace);
      if (certificate !== undefined && certificate.cert !== served) {
        server?.setSecureContext({ ...certificate, minVersion: 'TLSv1.2' });
        server ??= await startReportsServer({
          port: options.port,
          certificate,
          log,
          admit: (authorization, question) => admit(client, authorization, question),
          answer: (question) => answer({ caches, readers, operatorNamespace }, question),
        });
        served = certificate.cert;
      }
    } catch (error) {
      log.warn({ err: error }, 'the certificate of the reports service is not in order; tried again');
    }
    await pause(served === '' ? SOON_MS : RECHECK_MS, signal);
  }
  server?.close();
  server?.closeAllConnections();
}
