import { DIAGNOSTICS } from './diagnostics.ts';

const HEADINGS: Readonly<Record<keyof typeof DIAGNOSTICS, string>> = {
  configuration: 'In the configuration',
  cluster: 'Between provider and cluster',
  object: 'About one object',
  process: 'About the provider itself',
};

/** The page as text, headings and tables. */
export function diagnosticsText(): string {
  const sections = Object.entries(HEADINGS).map(([name, heading]) => {
    const rows = Object.entries(DIAGNOSTICS[name as keyof typeof DIAGNOSTICS]).map(
      ([summary, { kind, happened, advice }]) => `| ${summary} | ${kind} | ${happened} | ${advice} |`,
    );
    return [
      `## ${heading}`,
      '',
      '| Summary | Kind | What happened | What to do |',
      '| --- | --- | --- | --- |',
      ...rows,
    ].join('\n');
  });
  return sections.join('\n\n');
}
