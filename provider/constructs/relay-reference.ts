import { defined } from './defined.ts';

/** A relay: a construct, or the name of one that is declared elsewhere. */
export interface RelayReference {
  readonly relayName: string;
  /** Namespace of the relay. Default: that of the object that refers to it. */
  readonly relayNamespace?: string;
}

export function relayReference(relay: RelayReference | undefined) {
  return relay && defined({ name: relay.relayName, namespace: relay.relayNamespace });
}
