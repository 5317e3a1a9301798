/** Reasons of an account's conditions. What each means stands beside it; people match on them. */
export const REASONS = {
  /** Ready=True: the password in the Secret logs in on every pod of the relay that serves. */
  ready: 'Ready',
  /** Ready=False: the spec breaks a rule; the message has the API server's words. */
  invalidSpec: 'InvalidSpec',
  /** Ready=Unknown: the relay is there and its shards are being read. */
  relayStarting: 'RelayStarting',
  /** Ready=Unknown: no pod of the relay is ready; a Ready account is not touched by that. */
  relayUnavailable: 'RelayUnavailable',
  /** Ready=Unknown: a pod that serves has not acknowledged, or could not be asked; the message names it. */
  relayOutOfStep: 'RelayOutOfStep',
  /** Ready=False, LoginVerified=False: a pod acknowledged the password and refuses it. */
  loginRefused: 'LoginRefused',
  /** Ready=False, PlanAccepted=False: older accounts use all that the plan has; the login is suspended. */
  planExceeded: 'PlanExceeded',
  /** Ready=False, PlanAccepted=False: the plan's mail is counted on the relay of the workspace's oldest account. */
  otherRelay: 'PlanUsesOtherRelay',
  /** PlanAccepted=True: the account is among those that the plan has room for. */
  withinPlan: 'WithinPlan',
  /** PlanAccepted=True: the workspace has no plan. */
  unlimited: 'Unlimited',
  /** Ready=False: spec.suspended; logins are refused, queued mail is held, the slot is kept. */
  suspended: 'Suspended',
  /** Ready=False: a Secret of that name is somebody else's, and is left as it is. */
  secretConflict: 'SecretConflict',
  /** Ready=Unknown: the Secret of an account that had this name before is about to be collected. */
  secretGoing: 'SecretBeingDeleted',
  /** Ready=Unknown: passwordFrom names a Secret or key that is not there; False: a reset needs a new one in it. */
  passwordMissing: 'PasswordMissing',
  /** Ready=Unknown: the first password, or a change of the spec, is on its way. */
  provisioning: 'Provisioning',
  /** Ready=Unknown, only if it cannot go on: a new password is on its way; what is published works. */
  rotating: 'Rotating',
  /** Ready=Unknown: every old password is dying, and the next one is on its way. */
  resetting: 'Resetting',
  /** RolloutsComplete=True: every workload of spec.rolloutTargets was restarted and runs with the present password. */
  rolledOut: 'RolledOut',
  /** RolloutsComplete=Unknown: workloads are being restarted; the overlap begins when they are done. */
  rollingOut: 'RollingOut',
  /** RolloutsComplete=False: a restarted workload makes no progress; no earlier password ends meanwhile. */
  rolloutStuck: 'RolloutStuck',
  /** RolloutsComplete=False: a workload of spec.rolloutTargets is not there; no earlier password ends meanwhile. */
  rolloutMissing: 'RolloutTargetMissing',
  /** SecretReady=True. */
  published: 'Published',
  /** PreviousRetired=False: a pod accepted a login with an ended password; the message names it. Absent otherwise. */
  oldPasswordAccepted: 'OldPasswordAccepted',
  /** RelaySynced=True: every pod that serves has acknowledged the account as it is. */
  applied: 'Applied',
  /** LoginVerified=True: the password was proven by a login on every pod before it was published. */
  proven: 'Proven',
  /** SendersVerified=True: every allowed sender is in a domain that the workspace may use. */
  senders: 'DomainsVerified',
  /** SendersVerified=False: mail from the domains that the message names is refused. Ready does not depend on it. */
  sendersMissing: 'DomainNotVerified',
  /** Unknown: an earlier step has to be done first. */
  pending: 'Pending',
  /** Ready=Unknown: the API server refused or failed; tried again. */
  apiError: 'ApiError',
} as const;
