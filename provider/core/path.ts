/** A place inside a value: attribute names, list indices, and keys of maps. */
export type PathStep = { readonly name: string } | { readonly index: number } | { readonly key: string };
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
    else text += `[${JSON.stringify(step.key)}]`;
  }
  return text;
}
