/**
 * Terraform's plugin protocol 6 over gRPC, in this process: handshake, transport, messages, values.
 * Flow: startPlugin listens and names its socket; grpc.ts takes calls, rpc/ decodes them for core's Engine.
 * Limits: translation only, no decision; knows nothing about the provider that it serves.
 */
export { createLog } from './log.ts';
export {
  isProtocolOffered,
  isStartedByTerraform,
  startPlugin,
  type PluginOptions,
  type RunningPlugin,
} from './plugin.ts';
export { codePlaces } from './rpc/index.ts';
