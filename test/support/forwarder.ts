/** `forwarder.ts ADDRESS PORT SOCKET`: TCP in this network namespace, a Unix socket at the other end. */
import { connect, createServer } from 'node:net';

const [address = '', port = '', socket = ''] = process.argv.slice(2);
createServer((client) => {
  const server = connect(socket);
  client.pipe(server).pipe(client);
  const end = (): void => {
    client.destroy();
    server.destroy();
  };
  client.on('error', end).on('close', end);
  server.on('error', end).on('close', end);
}).listen(Number(port), address);
