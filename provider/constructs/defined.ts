/** The members of an object that are there: bindings take an absent member, not one that is undefined. */
export type Defined<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

export function defined<T extends object>(members: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as unknown as Defined<T>;
}

/** As `defined`, and undefined when nothing is there: an empty object is a statement too. */
export function definedOrAbsent<T extends object>(members: T): Defined<T> | undefined {
  const result = defined(members);
  return Object.keys(result).length === 0 ? undefined : result;
}
