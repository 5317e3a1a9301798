/**
 * VerifiedDomain: proves by DNS that a workspace may send as a domain, keeps its DKIM keys, and tells the relay.
 *
 * Flow: records are listed in status -> DNS is asked -> the ledger keeps what is proven -> the relay is told -> Ready.
 * Limits: pure are decide, case, assess, proof, claims, schedule, records; the ledger (a Secret beside the relay)
 * decides, status never does. A domain is lost only after a grace period; a resolver's failure changes nothing.
 */
export { createVerifiedDomainController } from './controller.ts';
export { returnPathDomain } from './records.ts';
