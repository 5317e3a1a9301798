import { homedir } from 'node:os';
import { join } from 'node:path';
import type { App } from 'cdktf';
import type { MailStackProps } from './mail-stack.ts';
import type { ShopSettings } from './shop.ts';

const TLS = ['Required', 'Opportunistic', 'Implicit', 'None'] as const;

/** What differs from place to place: from the environment, else from the context in cdktf.json, else a default. */
export function readSettings(app: App): MailStackProps & ShopSettings {
  const setting = (name: string, variable: string, fallback: string): string =>
    process.env[variable] ?? (app.node.tryGetContext(name) as string | undefined) ?? fallback;

  const kubeconfig = process.env['KUBECONFIG'] ?? join(homedir(), '.kube', 'config');
  const [host = '', port] = setting('smarthost', 'MAIL_SMARTHOST', 'smtp.example.net:587').split(':');
  const tlsText = setting('smarthostTls', 'MAIL_SMARTHOST_TLS', 'Required');
  const tls = TLS.find((one) => one === tlsText);
  if (tls === undefined) throw new Error(`MAIL_SMARTHOST_TLS is ${tlsText}: use one of ${TLS.join(', ')}`);
  return {
    kubeconfig: setting('kubeconfig', 'KUBE_CONFIG_PATH', kubeconfig),
    namespace: setting('namespace', 'MAIL_NAMESPACE', 'shop'),
    domain: setting('domain', 'MAIL_DOMAIN', 'shop.example'),
    smarthost: { host, port: Number(port ?? 587), tls },
    recipient: setting('recipient', 'MAIL_TO', 'customer@example.net'),
    image: setting('image', 'SHOP_IMAGE', 'python:3'),
  };
}
