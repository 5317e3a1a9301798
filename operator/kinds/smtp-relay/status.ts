/** Status of a relay from a snapshot. Pure. */
import type { SmtpRelay, SmtpRelayStatus } from '../../api/index.ts';
import { condition, mergeConditions, type ConditionDraft } from '../../runtime/index.ts';
import { CONFIRM_ANNOTATION } from '../../projection/index.ts';
import { bundleOf, textOf } from './certificates.ts';
import { hostOf, namesOf, selectorOf } from './names.ts';
import { REASONS } from './reasons.ts';
import type { PodFacts, RelaySnapshot } from './snapshot.ts';

export type Stage =
  | { kind: 'stalled'; reason: string; message: string }
  | { kind: 'waiting'; reason: string; message: string }
  | { kind: 'converging' };

export function statusOf(
  snapshot: RelaySnapshot,
  relay: SmtpRelay,
  now: Date,
  stage: Stage,
): SmtpRelayStatus {
  const { projection, deployment } = snapshot;
  const generation = relay.metadata.generation;
  const ready = readyOf(snapshot, relay, stage);
  const drafts = [
    ready,
    certificateReady(snapshot, relay),
    podsInStep(snapshot),
    removalsHeld(snapshot),
    ...phase(ready, stage),
  ];
  const bundle = caBundleOf(relay, snapshot.secrets);
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    address: hostOf(relay),
    replicas: deployment?.status?.replicas ?? 0,
    readyReplicas: (projection?.pods ?? []).filter(isUsable).length,
    selector: Object.entries(selectorOf(relay))
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    ...(projection === undefined
      ? {}
      : { accounts: projection.accounts, domains: projection.domains, revision: projection.revision }),
    pods: (projection?.pods ?? []).map(({ name, appliedRevision }) => ({ name, appliedRevision })),
    ...(bundle === undefined ? {} : { caBundle: bundle }),
    conditions: mergeConditions(relay.status?.conditions, drafts, generation, now),
  };
}

/** What clients must trust besides public authorities. */
export function caBundleOf(relay: SmtpRelay, secrets: RelaySnapshot['secrets']): string | undefined {
  return relay.spec.tls === undefined ? bundleOf(secrets.authority) : textOf(secrets.certificate, 'ca.crt');
}

function readyOf(snapshot: RelaySnapshot, relay: SmtpRelay, stage: Stage): ConditionDraft {
  if (stage.kind === 'stalled') return condition('Ready', 'False', stage.reason, stage.message);
  if (stage.kind === 'waiting') return condition('Ready', 'Unknown', stage.reason, stage.message);
  const { deployment, projection } = snapshot;
  const wanted = relay.spec.replicas ?? 1;
  if (wanted === 0)
    return condition(
      'Ready',
      'False',
      REASONS.scaledToZero,
      'spec.replicas is 0: nobody takes mail until it is raised',
    );
  const usable = (projection?.pods ?? []).filter(isUsable).length;
  const said = `${usable} of ${wanted} pods answer logins`;
  const failure = deployment?.status?.conditions?.find(
    ({ type, status }) => type === 'Progressing' && status === 'False',
  );
  if (failure !== undefined && usable < wanted) {
    const message = `${said}: ${failure.message ?? failure.reason ?? 'the rollout makes no progress'}; see the events of Deployment ${namesOf(relay).workload}`;
    return condition('Ready', 'False', REASONS.failing, message);
  }
  if (usable === 0) return condition('Ready', 'Unknown', REASONS.starting, said);
  if (!isRolledOut(snapshot, wanted)) return condition('Ready', 'Unknown', REASONS.rollingOut, said);
  // The Deployment counts a rollout as done for good, also when one of its pods fails later.
  if (usable < wanted) return condition('Ready', 'Unknown', REASONS.starting, said);
  return condition('Ready', 'True', REASONS.serving, said);
}

function isRolledOut({ deployment }: RelaySnapshot, wanted: number): boolean {
  const status = deployment?.status;
  return (
    deployment?.spec?.replicas === wanted &&
    status?.observedGeneration === deployment.metadata.generation &&
    (status?.updatedReplicas ?? 0) >= wanted &&
    (status?.replicas ?? 0) <= wanted
  );
}

function certificateReady({ secrets }: RelaySnapshot, relay: SmtpRelay): ConditionDraft {
  const isThere = textOf(secrets.certificate, 'tls.crt') !== undefined;
  const own = relay.spec.tls === undefined;
  const name = namesOf(relay).certificate;
  return isThere
    ? condition('CertificateReady', 'True', own ? REASONS.issued : REASONS.given, `Secret ${name}`)
    : condition(
        'CertificateReady',
        'Unknown',
        REASONS.secretMissing,
        `Secret ${name} with tls.crt and tls.key is not there: create it`,
      );
}

function podsInStep({ projection }: RelaySnapshot): ConditionDraft {
  const late = (projection?.pods ?? []).filter((pod) => pod.isServing && pod.problem !== undefined);
  if (late.length === 0) {
    return condition('RelaySynced', 'True', REASONS.inStep, 'every serving pod takes configuration');
  }
  const named = late.map(({ name, problem }) => `${name} (${problem})`).join(', ');
  return condition('RelaySynced', 'False', REASONS.outOfStep, `not up to date: ${named}`);
}

function removalsHeld({ projection }: RelaySnapshot): ConditionDraft {
  const held = projection?.held;
  if (held === undefined) return condition('RemovalsHeld', 'False', REASONS.none, 'no removal is held');
  return condition(
    'RemovalsHeld',
    'True',
    REASONS.massRemoval,
    `${held.count} accounts vanished at once and keep their login until ${held.until.toISOString()}; to remove them now, annotate this relay with ${CONFIRM_ANNOTATION}=${held.token}`,
  );
}

function phase(ready: ConditionDraft, stage: Stage): ConditionDraft[] {
  if (stage.kind === 'stalled') return [condition('Stalled', 'True', ready.reason, ready.message)];
  if (ready.status === 'True') return [];
  return [condition('Reconciling', 'True', REASONS.progressing, ready.message)];
}

function isUsable(pod: PodFacts): boolean {
  return pod.isServing && pod.appliedRevision > 0;
}
