/** The result as text: a table of the rows, then each figure beside its goal and its floor. */
import { describeBound, type FigureDefinition, FIGURES, type Figures, holds } from './figures.ts';
import type { Spread } from './measure.ts';
import type { Row } from './rows.ts';

export function describeRows(rows: readonly Row[]): string {
  const head = ['row', 'subject', 'messages/s', '(min-max)', 'CPU ms', 'p50 ms', 'p99 ms', 'peak MB'];
  const lines = rows.map((row) => [
    row.scenario,
    row.subject,
    row.messagesPerSecond.median.toFixed(0),
    range(row.messagesPerSecond),
    row.cpuMsPerMessage.median.toFixed(2),
    row.p50Ms.median.toFixed(1),
    row.p99Ms.median.toFixed(1),
    row.pssMb.median.toFixed(0),
  ]);
  return table([head, ...lines]);
}

function range({ min, max }: Spread): string {
  return `(${min.toFixed(0)}-${max.toFixed(0)})`;
}

export function describeFigures(figures: Figures): string {
  const lines = FIGURES.map((figure) => [
    figure.name,
    ...judge(figure, figures[figure.name]),
    figure.meaning,
  ]);
  return table([['figure', 'value', 'goal', '', 'floor', '', 'meaning'], ...lines]);
}

function judge({ goal, floor }: FigureDefinition, value: number | undefined): string[] {
  const bounds = [goal, floor].flatMap((bound) => {
    if (!bound) return ['-', ''];
    if (value === undefined) return [describeBound(bound), ''];
    return [describeBound(bound), holds(value, bound) ? 'holds' : 'MISSED'];
  });
  return [value === undefined ? 'not run' : value.toFixed(value < 10 ? 2 : 0), ...bounds];
}

/** Names of the figures that do not reach their floor. */
export function belowFloor(figures: Figures): string[] {
  return FIGURES.filter(({ name, floor }) => {
    const value = figures[name];
    return floor !== undefined && value !== undefined && !holds(value, floor);
  }).map(({ name }) => name);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
