/** What passes between the client in the main thread and the store in its worker. */
import type { Spool } from '../types.ts';
import type { Quarantined } from './database.ts';
import type { Packed } from './packing.ts';

/** What the client answers by itself is not among them. */
type Methods = Omit<Spool, 'openBody' | 'readLarge' | 'holds' | 'watch' | 'close'>;

/** One call of the interface, its arguments as they are. */
export type Operation = {
  [Method in keyof Methods]: { readonly method: Method; readonly args: Parameters<Methods[Method]> };
}[keyof Methods];

export type Reply =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly cause: string };

export type ToWorker = ({ readonly kind: 'batch' } & Packed) | { readonly kind: 'close' };

export type FromWorker =
  | { readonly kind: 'opened' }
  | { readonly kind: 'quarantined'; readonly found: Quarantined }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly cause: string }
  | { readonly kind: 'replies'; readonly replies: readonly Reply[] }
  | { readonly kind: 'closed' };
