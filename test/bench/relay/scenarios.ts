/** The rows: what is sent, how, and to whom. */

export interface Scenario {
  /** accept: delivery is held, the clock stops at the last 250. deliver: until the last message is at the sink. */
  readonly kind: 'accept' | 'deliver';
  readonly sizeKb: 5 | 100;
  /** Messages on a connection: `many` is PER_CONNECTION, `single` is one. */
  readonly mode: 'many' | 'single';
  readonly connections: 10 | 50;
  readonly dkim: boolean;
}

export const PER_CONNECTION = 50;

export function nameOf({ kind, sizeKb, mode, connections, dkim }: Scenario): string {
  return `${kind}-${sizeKb}k-${mode}-c${connections}${dkim ? '-dkim' : ''}`;
}

/** All of them: those that figures are made of first, so that a look at the beginning shows what counts. */
export function allScenarios(): Scenario[] {
  const found: Scenario[] = [];
  for (const dkim of [false, true])
    for (const sizeKb of [5, 100] as const)
      for (const mode of ['many', 'single'] as const)
        for (const connections of [50, 10] as const)
          for (const kind of ['accept', 'deliver'] as const)
            // Signing happens on the way out.
            if (!(kind === 'accept' && dkim)) found.push({ kind, sizeKb, mode, connections, dkim });
  return found.toSorted((a, b) => Number(isQuick(b)) - Number(isQuick(a)));
}

const QUICK = new Set([
  'accept-5k-many-c50',
  'accept-100k-many-c50',
  'accept-5k-single-c10',
  'deliver-5k-many-c50',
  'deliver-5k-single-c10',
  'deliver-5k-many-c50-dkim',
]);

/** The rows that the figures are computed from. */
export function isQuick(scenario: Scenario): boolean {
  return QUICK.has(nameOf(scenario));
}

/** Messages of one run: some seconds for each subject, whose speeds differ by an order of magnitude. */
export function messagesOf({ sizeKb, mode }: Scenario, options: { slow: boolean; quick: boolean }): number {
  const full = { many5: 5_000, many100: 1_500, single5: 1_200, single100: 800 }[`${mode}${sizeKb}` as const];
  return full / (options.slow ? 2 : 1) / (options.quick ? 2 : 1);
}
