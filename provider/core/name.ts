/** A name from the wire as an error may tell it: one of another form is no name, and what came instead is not told back. */
export function tellName(name: string): string {
  return /^[a-z0-9_]{1,64}$/.test(name) ? name : '(malformed)';
}
