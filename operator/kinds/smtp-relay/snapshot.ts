/** What a decision about a relay is made from. */
import type { Problem, SmtpRelay } from '../../api/index.ts';
import type { AnyObject, Deployment, Secret } from '../../kube/index.ts';
import type { Capabilities } from '../../kube/index.ts';
import type { HeldRemovals } from '../../projection/index.ts';
import type { ObjectName } from './objects.ts';
import type { WebhookSecrets } from './settings.ts';

/** A Secret that the spec names: there, or what is missing of it. */
export type Referenced<T> = { is: 'unused' } | { is: 'missing'; what: string } | { is: 'there'; value: T };

export interface PodFacts {
  name: string;
  isServing: boolean;
  isInStep: boolean;
  appliedRevision: number;
  problem: string | undefined;
}

/** The open relay; absent until its shards stand. */
export interface ProjectionFacts {
  pods: PodFacts[];
  accounts: number;
  domains: number;
  revision: number;
  held: HeldRemovals | undefined;
  /** Settings as they were written last, as JSON; without the key of return paths. */
  settings: unknown;
}

export interface RelaySnapshot {
  relay: SmtpRelay | undefined;
  /** What is wrong with the spec. */
  problems: Problem[];
  secrets: {
    authority: Secret | undefined;
    certificate: Secret | undefined;
    adminAuthority: Secret | undefined;
    adminCertificate: Secret | undefined;
  };
  credentials: Referenced<{ username: string; password: string }>;
  nextHopCa: Referenced<string>;
  /** The port of its URI. */
  postgres: Referenced<number>;
  /** In the order of the spec. */
  webhooks: readonly Referenced<WebhookSecrets>[];
  live: Partial<Record<ObjectName, AnyObject>>;
  deployment: Deployment | undefined;
  projection: ProjectionFacts | undefined;
  capabilities: Capabilities;
  relayImage: string;
  operatorNamespace: string;
  /** Secrets in the relay's namespace are not watched: they are looked at this often. */
  recheckMs: number;
  /** resourceVersion of objects right after this process applied them, by uid. */
  applied: ReadonlyMap<string, string>;
}
