import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Where the result goes as JSON; undefined: only to the terminal. */
  readonly jsonFile: string | undefined;
  /** False leaves out Postfix and Haraka. */
  readonly peers: boolean;
  /** The rows that figures are made of, fewer messages, no heavy measurements. */
  readonly quick: boolean;
  readonly runs: number;
  /** Only rows and measurements whose name matches. */
  readonly only: RegExp | undefined;
}

export const USAGE =
  'usage: npm run bench -- relay [--json FILE] [--peers none|all] [--quick] [--runs N] [--only REGEX]';

export function parseOptions(args: string[]): BenchOptions {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'string' },
      peers: { type: 'string', default: 'all' },
      quick: { type: 'boolean', default: false },
      runs: { type: 'string' },
      only: { type: 'string' },
    },
  });
  const runs = Number(values.runs ?? (values.quick ? 2 : 5));
  if (!['none', 'all'].includes(values.peers) || !Number.isInteger(runs) || runs < 1) throw new Error(USAGE);
  return {
    jsonFile: values.json,
    peers: values.peers === 'all',
    quick: values.quick,
    runs,
    only: values.only === undefined ? undefined : new RegExp(values.only),
  };
}
