/**
 * What the annotations of a credentials Secret say. Whoever may edit the Secret may have written anything there: what has
 * not the form in which it was recorded counts as absent, and is written anew. Pure.
 */
import { z } from 'zod';

const time = z.string().refine((text) => !Number.isNaN(Date.parse(text)));
const revision = z.number().int().nonnegative();

const answeredSchema = z.object({ rotation: revision, reset: revision });
const rolloutSchema = z.object({ revision, since: time });
const previousSchema = z.array(
  z.object({
    id: z.string(),
    revision,
    validUntil: time,
    isExtended: z.boolean().optional(),
    waits: z.literal(true).optional(),
  }),
);
const names = z.array(z.string());
const ownedSchema = z.object({ data: names, labels: names, annotations: names });

/** Triggers that were answered. */
export type Answered = z.infer<typeof answeredSchema>;
/** Workloads are being restarted for this revision. */
export type PendingRollout = z.infer<typeof rolloutSchema>;
/** What we wrote, by name. */
export type Owned = z.infer<typeof ownedSchema>;

/** An earlier password that still logs in. */
export interface PreviousPassword {
  /** Id of its verifier. */
  id: string;
  revision: number;
  validUntil: string;
  /** Its end was put off once, because it was still used. */
  isExtended?: boolean;
  /** It does not end before the workloads that follow the next one are rolled out. */
  waits?: true;
}

export function readAnswered(text: string | undefined): Answered {
  return parse(answeredSchema, text) ?? { rotation: 0, reset: 0 };
}

export function readPrevious(text: string | undefined): PreviousPassword[] {
  return (parse(previousSchema, text) ?? []) as PreviousPassword[];
}

export function readRollout(text: string | undefined): PendingRollout | undefined {
  return parse(rolloutSchema, text);
}

export function readOwned(text: string | undefined): Owned {
  return parse(ownedSchema, text) ?? { data: [], labels: [], annotations: [] };
}

export function readRevision(text: string | undefined): number {
  const value = Number(text ?? 0);
  return revision.safeParse(value).success ? value : 0;
}

export function readTime(text: string | undefined): string | undefined {
  return text !== undefined && time.safeParse(text).success ? text : undefined;
}

function parse<T>(schema: z.ZodType<T>, text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
