import { defined } from './defined.ts';

export interface SmarthostProps {
  readonly host: string;
  /** Default: 587. */
  readonly port?: number;
  /** Default: Required, which is STARTTLS with a verified certificate. */
  readonly tls?: 'Required' | 'Opportunistic' | 'Implicit' | 'None';
  /** Secret with `username` and `password` for this host. */
  readonly credentialsSecretName?: string;
  /** Secret with the PEM bundle that signs this host's certificate, under `key` (default `ca.crt`). */
  readonly caSecret?: { readonly name: string; readonly key?: string };
}

/** Where a relay hands its mail on to. */
export class Delivery {
  /** Every message goes to this host. */
  static smarthost(props: SmarthostProps): Delivery {
    const { host, port, tls, credentialsSecretName, caSecret } = props;
    const credentialsSecretRef =
      credentialsSecretName === undefined ? undefined : { name: credentialsSecretName };
    return new Delivery({
      smarthost: defined({ host, port, tls, credentialsSecretRef, caSecretRef: caSecret }),
    });
  }

  /** To the MX hosts of each recipient. */
  static direct(options: { readonly allowPrivateAddresses?: boolean } = {}): Delivery {
    return new Delivery({ direct: { ...options } });
  }

  readonly #fields: DeliveryFields;

  private constructor(fields: DeliveryFields) {
    this.#fields = fields;
  }

  /** @internal */
  toFields(): DeliveryFields {
    return this.#fields;
  }
}

interface DeliveryFields {
  smarthost?: {
    host: string;
    port?: number;
    tls?: string;
    credentialsSecretRef?: { name: string };
    caSecretRef?: { name: string; key?: string };
  };
  direct?: { allowPrivateAddresses?: boolean };
}
