/**
 * Terraform's plugin protocol 6 over gRPC, in this process: handshake, transport, messages, values.
 * Flow: listen.ts binds a socket and words the handshake line; then plugin.ts loads what serves it; grpc.ts takes
 * calls and rpc/ decodes them for core's Engine.
 * Limits: translation only, no decision; knows nothing about the provider that it serves. main.ts takes listen.ts,
 * log.ts and code-places.ts by themselves, so that nothing else is loaded before the handshake.
 */
export { codePlaces } from './code-places.ts';
export { isProtocolOffered, isStartedByTerraform, listen, type Listener } from './listen.ts';
export { createLog } from './log.ts';
export { servePlugin, type PluginOptions } from './plugin.ts';
