/** A place inside a value: names of attributes and blocks, list indices, keys of maps, elements of sets. */
export type PathStep =
  | { readonly name: string; readonly isBlock?: boolean }
  | { readonly index: number }
  | { readonly key: string }
  | { readonly element: string };
export type Path = readonly PathStep[];

/** `at('rotation', 'revision')` */
export function at(...names: string[]): Path {
  return names.map((name) => ({ name }));
}

/** As one would write it in configuration: `secret.keys["URL"]`, `rollout_targets[0].name`. */
export function pathText(path: Path): string {
  let text = '';
  for (const step of path) {
    if ('name' in step) text += text === '' ? step.name : `.${step.name}`;
    else if ('index' in step) text += `[${step.index}]`;
    else if ('element' in step) text += `[${step.element}]`;
    else text += `[${JSON.stringify(step.key)}]`;
  }
  return text;
}
