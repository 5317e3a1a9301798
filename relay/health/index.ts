/**
 * Health: what goes wrong without any request failing.
 * Flow: looks at clock, queue, store and volume every few seconds; status and metrics tell what it finds.
 * Limits: none of it makes a relay unready but a store that fails (see docs/decisions); it repairs nothing but what a
 * jumped clock has put off.
 */
export { HealthWatch } from './watch.ts';
