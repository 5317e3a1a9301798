/** Condition reasons of VerifiedDomain. What each means stands beside it; people match on them. */

/** Ready=True: everything that is asked for is in DNS, and the relay sends for the domain. */
export const VERIFIED = 'Verified';
/** Ready=True: as Verified, but a record that is only warned about (spf: Warn, dmarc: Warn) is not right. */
export const WARNINGS = 'VerifiedWithWarnings';
/** Ready=True: a record that was there is absent; the domain sends on until the grace period ends. */
export const GRACE = 'GracePeriod';
/** Ready=Unknown: records are still to be published; the message names them. */
export const AWAITING_DNS = 'AwaitingDNS';
/** Ready=Unknown: DNS cannot be asked, and was never seen right. */
export const DNS_UNAVAILABLE = 'DNSUnavailable';
/** Ready=Unknown: verified, and on its way to the relay's pods. */
export const RELAY_PENDING = 'RelayPending';
/** Ready=Unknown: verified, and no pod of the relay is ready. */
export const RELAY_UNAVAILABLE = 'RelayUnavailable';
/** Ready=False: the ownership record was there and is gone for longer than the grace period; the domain does not send. */
export const OWNERSHIP_LOST = 'OwnershipLost';
/** Ready=False: another record that Ready asks for was right once and is not now; the message names it. */
export const RECORDS_LOST = 'RecordsLost';
/** Ready=False: another namespace proved the domain earlier on this relay, and its record stands. */
export const CLAIMED = 'ClaimedByAnother';
/** Ready=False: an older VerifiedDomain of the same namespace declares the same domain. */
export const DUPLICATE = 'DuplicateDomain';
/** Ready=False: the spec breaks a rule; the message has the API server's words. */
export const INVALID = 'InvalidSpec';
/** Ready=False: the ledger Secret beside the relay cannot be read; what the relay was told stays. */
export const DAMAGED = 'LedgerDamaged';
/** Stalled=True: spec.domain was changed on an API server that has no CEL; the first domain stays. */
export const IMMUTABLE = 'ImmutableField';
/** Ready=False: a step failed and is tried again; the message says which. */
export const ERROR = 'ReconcileError';

/** OwnershipVerified, DKIMValid, SPFValid, DMARCValid: the record is right. */
export const FOUND = 'RecordFound';
/** ... is not in DNS. */
export const MISSING = 'RecordMissing';
/** ... is in DNS, and not what it must be. */
export const WRONG = 'RecordWrong';
/** ... cannot be looked up; what was known stays. */
export const LOOKUP_FAILED = 'LookupFailed';
/** ... has not been looked up yet. */
export const NOT_CHECKED = 'NotChecked';
