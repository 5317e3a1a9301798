import { describe, expect, test } from '@jest/globals';
import { CredentialsSecret, type EnvVar, type SecretMount } from './credentials-secret.ts';

/** As @cdktf/provider-kubernetes 12 declares them, as far as they matter here: every member optional. */
interface ContainerEnv {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: { readonly key?: string; readonly name?: string; readonly optional?: boolean };
  };
}
interface ContainerEnvFrom {
  readonly prefix?: string;
  readonly secretRef?: { readonly name: string; readonly optional?: boolean };
}
interface PodVolume {
  readonly name?: string;
  readonly secret?: { readonly secretName?: string; readonly defaultMode?: string };
}
interface ContainerMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
}

const refs = (variables: EnvVar[]) =>
  variables.map(({ name, valueFrom }) => [name, valueFrom.secretKeyRef.key]);

describe('a credentials Secret in the words of a pod', () => {
  test('fits the structs of the kubernetes provider', () => {
    const secret = new CredentialsSecret('web-smtp');
    const env: ContainerEnv[] = secret.env();
    const envFrom: ContainerEnvFrom[] = [secret.envFrom('MAIL_')];
    const { volume, volumeMount }: SecretMount = secret.mount('/mail');
    const volumes: PodVolume[] = [volume];
    const mounts: ContainerMount[] = [volumeMount];
    expect({ env: env[0], envFrom, volumes, mounts }).toEqual({
      env: { name: 'SMTP_HOST', valueFrom: { secretKeyRef: { name: 'web-smtp', key: 'SMTP_HOST' } } },
      envFrom: [{ prefix: 'MAIL_', secretRef: { name: 'web-smtp' } }],
      volumes: [{ name: 'smtp-credentials', secret: { secretName: 'web-smtp' } }],
      mounts: [{ name: 'smtp-credentials', mountPath: '/mail', readOnly: true }],
    });
  });

  test('variables have the names that apps expect, and the keys that the Secret has', () => {
    const rows: [CredentialsSecret, [string, string][]][] = [
      [
        new CredentialsSecret('s', { format: 'Binding' }),
        [
          ['SMTP_HOST', 'host'],
          ['SMTP_PORT', 'port'],
          ['SMTP_USERNAME', 'username'],
          ['SMTP_PASSWORD', 'password'],
          ['SMTP_ENCRYPTION', 'encryption'],
          ['SMTP_FROM', 'from'],
        ],
      ],
      [
        new CredentialsSecret('s', { format: 'Env', keys: ['MAIL_URL'] }),
        [
          ...['HOST', 'PORT', 'USERNAME', 'PASSWORD', 'ENCRYPTION', 'FROM'].map((field): [string, string] => [
            `SMTP_${field}`,
            `SMTP_${field}`,
          ]),
          ['MAIL_URL', 'MAIL_URL'],
        ],
      ],
    ];
    for (const [secret, expected] of rows) expect(refs(secret.env())).toEqual(expected);
    const chosen = new CredentialsSecret('s').env({ host: 'MAIL_HOST', uri: 'MAIL_URL' });
    expect(refs(chosen)).toEqual([
      ['MAIL_HOST', 'SMTP_HOST'],
      ['MAIL_URL', 'uri'],
    ]);
  });

  test('only the sender may be absent', () => {
    const optional = new CredentialsSecret('s')
      .env()
      .filter(({ valueFrom }) => valueFrom.secretKeyRef.optional)
      .map(({ name }) => name);
    expect(optional).toEqual(['SMTP_FROM']);
  });
});
