/**
 * HTTP for operators and probes: the admin API over mutual TLS, health and metrics over plain HTTP.
 * Flow: the operator pushes shards and reads state, usage, reports and queue; kubelet and Prometheus probe.
 * Limits: no state of its own; health answers carry nothing secret.
 */
export { type AdminServer, startAdmin } from './server.ts';
export { type HealthServer, startHealth } from './health.ts';
export type { AdminContext } from './routes.ts';
export { ReportTail } from './tail.ts';
export { sendTest } from './test-send.ts';
export { readUsage } from './usage.ts';
