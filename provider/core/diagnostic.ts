import { pathText, type Path } from './path.ts';

/** What Terraform shows: a short summary, and a detail with cause and next step. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly summary: string;
  readonly detail: string;
  readonly path?: Path;
}

export function error(summary: string, detail: string, path?: Path): Diagnostic {
  return { severity: 'error', summary, detail, ...(path && { path }) };
}

export function warning(summary: string, detail: string, path?: Path): Diagnostic {
  return { severity: 'warning', summary, detail, ...(path && { path }) };
}

export function hasError(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error');
}

/**
 * Terraform finds the source line of a top-level attribute only; a deeper path makes it drop the line.
 * So the path ends there and the detail names the rest.
 */
export function clampPath(diagnostic: Diagnostic): Diagnostic {
  const { path } = diagnostic;
  if (path === undefined || path.length <= 1) return diagnostic;
  const place = `At ${pathText(path)}. `;
  return { ...diagnostic, detail: place + diagnostic.detail, path: path.slice(0, 1) };
}
