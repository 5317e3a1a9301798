import { homedir } from 'node:os';
import { join } from 'node:path';
import type { SmarthostProps } from '@migosmtp/constructs/cdktf';
import type { App } from 'cdktf';
import type { MailStackProps } from './mail-stack.ts';
import type { ShopSettings } from './shop.ts';

const TLS = ['Required', 'Opportunistic', 'Implicit', 'None'] as const;

/** What differs from place to place: from the environment, else from the context in cdktf.json, else a default. */
export function readSettings(app: App): MailStackProps & ShopSettings {
  const optional = (name: string, variable: string): string | undefined =>
    process.env[variable] ?? (app.node.tryGetContext(name) as string | undefined);
  const setting = (name: string, variable: string, fallback: string): string =>
    optional(name, variable) ?? fallback;

  const kubeconfig = process.env['KUBECONFIG'] ?? join(homedir(), '.kube', 'config');
  return {
    kubeconfig: setting('kubeconfig', 'KUBE_CONFIG_PATH', kubeconfig),
    namespace: setting('namespace', 'MAIL_NAMESPACE', 'shop'),
    domain: setting('domain', 'MAIL_DOMAIN', 'shop.example'),
    smarthost: smarthost(
      setting('smarthost', 'MAIL_SMARTHOST', 'smtp.example.net'),
      optional('smarthostTls', 'MAIL_SMARTHOST_TLS'),
    ),
    recipient: setting('recipient', 'MAIL_TO', 'customer@example.net'),
    image: setting('image', 'SHOP_IMAGE', 'python:3'),
  };
}

/** `host` or `host:port`. */
function smarthost(address: string, tlsText: string | undefined): SmarthostProps {
  const [host = '', port] = address.split(':');
  const tls = TLS.find((one) => one === tlsText);
  if (tlsText !== undefined && tls === undefined) {
    throw new Error(`MAIL_SMARTHOST_TLS is ${tlsText}: use one of ${TLS.join(', ')}`);
  }
  return { host, ...(port !== undefined && { port: Number(port) }), ...(tls && { tls }) };
}
