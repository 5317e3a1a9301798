/** What the proxy before relay pods is told, one JSON object a line. Its answers are `Said`. */

/** Before the pod sees it, or after the pod has acted and before the operator hears of it. */
export type Moment = 'before' | 'after';

/** PEM. */
export interface Identities {
  /** Shown to the operator in place of the pod's admin server. */
  admin: { cert: string; key: string };
  /** Shown to the pod's admin server in place of the operator. */
  client: { cert: string; key: string; ca: string };
  /** Shown after STARTTLS in place of the pod. */
  smtp: { cert: string; key: string; ca: string; servername: string };
}

export type Order =
  | { do: 'identities'; identities: Identities }
  /** Listen at `via` for what is meant for the pod at `pod`. */
  | { do: 'listen'; via: string; pod: string }
  /** Strike at the n-th step from now on. */
  | { do: 'arm'; n: number; moment: Moment }
  | { do: 'disarm' };

export type Said =
  | { said: 'listening'; via: string }
  /** The step is held for ever; whoever hears this ends the operator. */
  | { said: 'strike' };
