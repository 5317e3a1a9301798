/**
 * SmtpRelay: certificates, shards, and the pods that serve them.
 *
 * Flow: observe (gets by name) -> decide (certificates, shards, objects) -> apply; pods are followed by projection/.
 * Limits: no Secret of the relay is listed or watched: changes from outside are seen within half a minute.
 */
export { adminIdentity } from './certify.ts';
export { createRelayController } from './controller.ts';
export { namesOf, hostOf, serviceHost } from './names.ts';
