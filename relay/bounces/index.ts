/**
 * Mail that comes back. Each recipient's mail goes out under a signed return path of its own; what is sent there
 * comes in on a port for bounces alone, turns the report to `bounced`, and is passed on to the sender.
 * Flow: ReturnPaths signs -> BounceDialogue takes null senders to signed addresses -> BounceIntake records and forwards.
 * Limits: only failures that name the recipient as gone end in the suppression list; a report counts once; 1 MB.
 */
export { loadOwnKey } from './own-key.ts';
export { BounceService } from './service.ts';
