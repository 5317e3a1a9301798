/** Condition reasons of PlanLimit. */

/** Ready=True: the quota counts, and the relays have the limits. */
export const ENFORCED = 'Enforced';
/** Ready=False: the spec breaks a rule; the message has the API server's words. */
export const INVALID = 'InvalidSpec';
/** Ready=False: spec.timeZone is no IANA zone; limits hold in UTC. */
export const INVALID_ZONE = 'InvalidTimeZone';
/** Ready=Unknown: a step failed and is tried again. */
export const ERROR = 'ReconcileError';

/** QuotaCounting=True: the API server refuses what exceeds the plan. */
export const COUNTING = 'Counting';
/** QuotaCounting=Unknown: the quota controller has not taken the figures up yet. */
export const NOT_COUNTING = 'NotCounting';
/** QuotaCounting=False: somebody else's ResourceQuota has the name. */
export const QUOTA_FOREIGN = 'QuotaForeign';

/** RelaySynced=True: every relay that the workspace may use has the limits. */
export const SYNCED = 'Synced';
/** RelaySynced=Unknown: pods have not acknowledged them yet. */
export const RELAY_PENDING = 'RelayPending';

/** WithinLimits=True. */
export const WITHIN = 'Within';
/** WithinLimits=False: more accounts than the plan has; the oldest keep service. */
export const OVER = 'AccountsOverLimit';
