/** Reasons of a relay's conditions. What each means stands beside it; people match on them. */
export const REASONS = {
  /** Ready=True: all pods of the present template answer logins and take configuration. */
  serving: 'Serving',
  /** Ready=False: the spec breaks a rule; the message has the API server's words. */
  invalidSpec: 'InvalidSpec',
  /** Ready=False: an object of a name that the relay needs is somebody else's, and is left as it is. */
  objectConflict: 'ObjectConflict',
  /**
   * Ready=False: storage was changed between embedded and postgres. The relay goes on with the former one, where
   * accepted mail may still wait; the message says how to move.
   */
  storageChanged: 'StorageChanged',
  /** Ready=Unknown: a Secret that the spec names is not there, or lacks a key; the message says which. */
  secretMissing: 'SecretMissing',
  /** Ready=Unknown: none or not all of the pods answer logins; the message says how many do. */
  starting: 'PodsStarting',
  /** Ready=False: the rollout makes no progress; the events of the Deployment say why. */
  failing: 'PodsFailing',
  /** Ready=Unknown: pods of the former template are being replaced. */
  rollingOut: 'RollingOut',
  /** Ready=False: spec.replicas is 0. */
  scaledToZero: 'ScaledToZero',
  /** RelaySynced=True: every pod that serves takes configuration. */
  inStep: 'InStep',
  /** RelaySynced=False: a pod that serves cannot be brought up to date; the message names it. */
  outOfStep: 'PodsOutOfStep',
  /** CertificateReady=True: made and renewed by the operator. */
  issued: 'Issued',
  /** CertificateReady=True: from spec.tls.secretName. */
  given: 'Given',
  /** RemovalsHeld=True: many accounts vanished at once; they keep their login until confirmed or for 15 minutes. */
  massRemoval: 'MassRemoval',
  /** RemovalsHeld=False. */
  none: 'None',
  /** Reconciling=True: see Ready. */
  progressing: 'Progressing',
  /** Ready=Unknown: the API server refused or failed; tried again. */
  apiError: 'ApiError',
} as const;
