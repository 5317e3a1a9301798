/** What DNS has proven of a claim, check by check: gained at once, lost only after several failures over a time. Pure. */
import type { Finding } from './findings.ts';
import type { Proof, Streak } from './ledger.ts';

export interface Grace {
  /** Failed checks in a row that it takes to lose a record that was seen ... */
  checks: number;
  /** ... and the time that these must span. */
  periodMs: number;
}

/** A lookup that failed proves nothing, either way: the streak stays as it was. */
export function afterFinding(
  streak: Streak | undefined,
  finding: Pick<Finding, 'verdict'> | undefined,
  grace: Grace,
  now: Date,
): Streak | undefined {
  if (finding === undefined || finding.verdict === 'unknown') return streak;
  if (finding.verdict === 'valid') return { since: streak?.since ?? now.toISOString(), failures: 0 };
  if (streak === undefined) return undefined;
  const failingSince = streak.failingSince ?? now.toISOString();
  const failures = streak.failures + 1;
  const isLost = failures >= grace.checks && now.getTime() - Date.parse(failingSince) >= grace.periodMs;
  // Counting stops at the limit, so that a long outage does not write with every check.
  return isLost
    ? undefined
    : { since: streak.since, failures: Math.min(failures, grace.checks), failingSince };
}

/** `selectors`: which key each DKIM slot stands for. Keys that are no longer listed keep what they have. */
export function afterCheck(
  proof: Proof,
  findings: readonly Finding[],
  selectors: Partial<Record<string, string>>,
  grace: Grace,
  now: Date,
): Proof {
  const dkim: Proof['dkim'] = { ...proof.dkim };
  for (const finding of findings) {
    const selector = selectors[finding.slot];
    if (selector === undefined) continue;
    const streak = afterFinding(dkim[selector], finding, grace, now);
    if (streak === undefined) delete dkim[selector];
    else dkim[selector] = streak;
  }
  const { ownership: before, ...rest } = proof;
  const owner = findings.find(({ slot }) => slot === 'ownership');
  const ownership = afterFinding(before, owner, grace, now);
  return { ...rest, ...(ownership === undefined ? {} : { ownership }), dkim };
}
