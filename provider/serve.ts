/** What is loaded once the handshake is out: the provider, and the server that answers for it. */
export { createProvider } from './resources/index.ts';
export { servePlugin } from './wire/index.ts';
