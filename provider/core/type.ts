/** Terraform's type constraints, in the JSON form that schemas and dynamic values carry on the wire. */
export type Type =
  | 'string'
  | 'number'
  | 'bool'
  | 'dynamic'
  | readonly ['list' | 'set' | 'map', Type]
  | readonly ['object', { readonly [name: string]: Type }]
  | readonly ['tuple', readonly Type[]];

/** Type of a member of a map or an object; undefined where the object has none of that name. */
export function memberType(type: Exclude<Type, string>, name: string): Type | undefined {
  if (type[0] === 'object') return Object.hasOwn(type[1], name) ? type[1][name] : undefined;
  return type[0] === 'tuple' ? undefined : type[1];
}

/** Names of an object type's attributes; of a map, those of the value at hand. */
export function memberNames(type: Exclude<Type, string>, value: object): string[] {
  return Object.keys(type[0] === 'object' ? type[1] : value);
}

/** Type of an element of a list, set or tuple. */
export function elementType(type: Exclude<Type, string>, index: number): Type {
  if (type[0] === 'tuple') return type[1][index] ?? 'dynamic';
  return type[0] === 'object' ? 'dynamic' : type[1];
}

/** Human name of a type, as Terraform writes it in messages. */
export function typeName(type: Type): string {
  if (typeof type === 'string') return type;
  switch (type[0]) {
    case 'list':
    case 'set':
    case 'map':
      return `${type[0]} of ${typeName(type[1])}`;
    case 'object':
      return 'object';
    case 'tuple':
      return 'tuple';
  }
}
