/** One measured thing. */
export interface Row {
  readonly name: string;
  readonly unit: 'ms' | 'MB' | 'requests';
  readonly median: number;
  readonly least: number;
  readonly samples: number;
}

export function row(name: string, unit: Row['unit'], values: readonly number[]): Row {
  const sorted = values.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  const [least] = sorted;
  if (median === undefined || least === undefined) throw new Error(`${name} was not measured`);
  return { name, unit, median, least, samples: sorted.length };
}

/** The comparisons that have a bound. */
export function figuresOf(rows: readonly Row[]): Record<string, number> {
  const of = (name: string): number => {
    const found = rows.find((candidate) => candidate.name === name);
    if (!found) throw new Error(`no row ${name}`);
    return found.median;
  };
  const applied = of('apply many, terraform_data') + of('apply many, kubectl until Ready');
  return {
    handshake_script_vs_node: of('handshake, script') / of('node -e 0'),
    handshake_exe_vs_node: of('handshake, executable') / of('node -e 0'),
    plan500_vs_floor: of('plan many, executable') / of('plan many, terraform_data'),
    refresh500_vs_floor: of('refresh many, executable') / of('refresh many, terraform_data'),
    refresh_requests_per_resource: of('refresh many, requests for each'),
    apply500_overhead: of('apply many, executable') / applied,
    provider_rss_mb: Math.max(...rows.filter(({ unit }) => unit === 'MB').map(({ median }) => median)),
  };
}
