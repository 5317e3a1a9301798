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
 * Terraform finds the source line of an attribute of the body or of a block in it; a deeper path makes it drop the line.
 * So the path ends there, and the detail names the rest where it does not by itself.
 */
export function clampPath(diagnostic: Diagnostic): Diagnostic {
  const { path, detail } = diagnostic;
  if (path === undefined) return diagnostic;
  const top = path.findIndex((step) => !('isBlock' in step)) + 1;
  if (top === 0 || path.length <= top) return diagnostic;
  const place = pathText(path);
  return {
    ...diagnostic,
    detail: detail.startsWith(place) ? detail : `At ${place}. ${detail}`,
    path: path.slice(0, top),
  };
}
