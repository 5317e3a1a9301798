/**
 * Mail that comes back: which failures end in the suppression list.
 * Flow: a reply or a report -> hard or not -> the list of the sender's workspace.
 * Limits: only failures that name the recipient as gone count; policy and full mailboxes do not.
 */
export { isHardStatus, statusOf } from './hard.ts';
