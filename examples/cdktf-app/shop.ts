import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SmtpAccount } from '@migosmtp/constructs/cdktf';

export interface ShopSettings {
  readonly namespace: string;
  /** Who gets the shop's mail. */
  readonly recipient: string;
  readonly image: string;
}

const SCRIPT = readFileSync(join(import.meta.dirname, 'app', 'send.py'), 'utf8');

/** The shop as Kubernetes manifests: a Deployment that knows its credentials from mounted files only. */
export function shopManifests(account: SmtpAccount, settings: ShopSettings): object[] {
  const metadata = { name: 'shop', namespace: settings.namespace, labels: { app: 'shop' } };
  const credentials = account.declaredSecret.mount('/bindings/smtp');
  const container = {
    name: 'shop',
    image: settings.image,
    command: ['python3', '/shop/send.py'],
    env: [
      { name: 'SMTP_BINDING', value: credentials.volumeMount.mountPath },
      { name: 'MAIL_TO', value: settings.recipient },
      { name: 'PYTHONUNBUFFERED', value: '1' },
    ],
    volumeMounts: [credentials.volumeMount, { name: 'script', mountPath: '/shop', readOnly: true }],
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
  };
  const volumes = [credentials.volume, { name: 'script', configMap: { name: 'shop' } }];
  const securityContext = {
    runAsNonRoot: true,
    runAsUser: 65534,
    seccompProfile: { type: 'RuntimeDefault' },
  };
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'send.py': SCRIPT } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: 'shop' } },
        template: {
          metadata: { labels: { app: 'shop' } },
          spec: { containers: [container], volumes, securityContext, automountServiceAccountToken: false },
        },
      },
    },
  ];
}
